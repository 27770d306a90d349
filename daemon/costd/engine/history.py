"""Sums over all time that cost no more when the history is long.

What lies before today is summed once and remembered; only today is summed anew when
lines arrive. Sessions cannot be added up this way and are left out.
"""

from __future__ import annotations

from costd.core.periods import starts
from costd.core.summary import Sums
from costd.engine.view import View
from costd.ledger.cells import BUCKET_MS
from costd.ledger.reports import Cut, Question, cut

Keys = tuple[str, ...]


def sums_by(
    view: View, by: Keys, since: int | None = None, until: int | None = None
) -> dict[Keys, Sums]:
    """Sums by the values of some dimensions, without their sessions.

    Args:
        view: the moment.
        by: dimensions; none for one sum of everything, under the empty key.
        since: from when, milliseconds; None for ever.
        until: to when; a line may be dated later.
    """
    today, _, _ = starts(view.now, view.zone)
    question = Question(by, since, until, view.zone, {})
    found: dict[Keys, Sums] = {}
    if since is None or since < today:
        past = question._replace(until=today)
        for row in view.memory.before(
            today, (by, since), lambda: cut(view.connection, past)
        ):
            _add(found, row)
    recent = question._replace(since=max(since or 0, today))
    for row in cut(view.connection, recent):
        _add(found, row)
    return found


def sum_of(view: View, since: int | None = None, until: int | None = None) -> Sums:
    """The sum of everything in a span, without its sessions."""
    return sums_by(view, (), since, until).get((), Sums())


def days_by(view: View, question: Question) -> list[Cut]:
    """A cut whose first dimension is the day; the days before today are cut once.

    Args:
        view: the moment.
        question: without hours, weeks or months among its dimensions.
    """
    past, recent = _halves(view, question)
    return [*past, *recent]


def parts_by(view: View, question: Question) -> dict[Keys, Sums]:
    """The sums of a question by its dimensions, without their sessions."""
    found: dict[Keys, Sums] = {}
    for rows in _halves(view, question):
        for row in rows:
            _add(found, row)
    return found


def _halves(view: View, question: Question) -> tuple[list[Cut], list[Cut]]:
    """What lies before today, remembered, and the rest."""
    today, _, _ = starts(view.now, question.zone)
    # To the quarter, as the cut is: a span counted from now stays the same for a while.
    since = None if question.since is None else question.since // BUCKET_MS * BUCKET_MS
    past: list[Cut] = []
    if since is None or since < today:
        until = today if question.until is None else min(question.until, today)
        wanted = question._replace(until=until)
        key = ("cut", wanted.by, since, until, question.zone.key, _filters(question))
        past = view.memory.before(today, key, lambda: cut(view.connection, wanted))
    if question.until is not None and question.until <= today:
        return past, []
    rest = question._replace(since=max(since or today, today))
    return past, cut(view.connection, rest)


def _filters(question: Question) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(sorted((name, tuple(v)) for name, v in question.filters.items()))


def _add(found: dict[Keys, Sums], row: Cut) -> None:
    sums = row.sums._replace(sessions=0)
    known = found.get(row.keys)
    found[row.keys] = sums if known is None else known.plus(sums)
