"""Sums over all time that cost no more when the history is long.

What lies before today is summed once and remembered; only today is summed anew when
lines arrive. Sessions cannot be added up this way and are left out.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from costd.core.periods import starts
from costd.core.summary import Sums
from costd.engine.view import View
from costd.ledger import Connection
from costd.ledger.cells import BUCKET_MS
from costd.ledger.long_spans import days, dearest
from costd.ledger.reports import Cut, Question, cut

Keys = tuple[str, ...]
_ALL = 2**31


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
            today, (by, since), lambda: _past(view.connection, past)
        ):
            _add(found, row)
    recent = question._replace(since=max(since or 0, today))
    for row in cut(view.connection, recent):
        _add(found, row)
    return found


def _past(connection: Connection, question: Question) -> list[Cut]:
    """A cut without sessions; by one dimension or none it is read from days."""
    if len(question.by) > 1:
        return cut(connection, question)
    by = question.by or ("agent",)
    _, rows = dearest(connection, question._replace(by=by), _ALL)
    return rows if question.by else [Cut((), row.sums) for row in rows]


def sum_of(view: View, since: int | None = None, until: int | None = None) -> Sums:
    """The sum of everything in a span, without its sessions."""
    return sums_by(view, (), since, until).get((), Sums())


def days_by(view: View, question: Question) -> list[Cut]:
    """A cut by day and one dimension, without sessions; what is past is cut once."""
    past, recent = _halves(question, view.now)
    rows: list[Cut] = []
    if past is not None:
        rows += view.memory.before(
            _today(question, view.now),
            ("days", *_key(past)),
            lambda: days(view.connection, past),
        )
    return rows if recent is None else [*rows, *days(view.connection, recent)]


def parts_by(view: View, question: Question) -> dict[Keys, Sums]:
    """The sums of a question by its dimensions, without their sessions."""
    past, recent = _halves(question, view.now)
    found: dict[Keys, Sums] = {}
    if past is not None:
        found |= view.memory.before(
            _today(question, view.now),
            ("parts", *_key(past)),
            lambda: _together(cut(view.connection, past)),
        )
    for row in [] if recent is None else cut(view.connection, recent):
        _add(found, row)
    return found


def _together(rows: Iterable[Cut]) -> dict[Keys, Sums]:
    return {row.keys: row.sums._replace(sessions=0) for row in rows}


def _today(question: Question, now: int) -> int:
    today, _, _ = starts(now, question.zone)
    return today


def _halves(question: Question, now: int) -> tuple[Question | None, Question | None]:
    """What of a question lies before today, and the rest."""
    today = _today(question, now)
    since, until = question.since, question.until
    # To the quarter, as the cut is: a span counted from now stays the same for a while.
    since = None if since is None else since // BUCKET_MS * BUCKET_MS
    past = recent = None
    if since is None or since < today:
        end = today if until is None else min(until, today)
        past = question._replace(since=since, until=end)
    if until is None or until > today:
        recent = question._replace(since=today if since is None else max(since, today))
    return past, recent


def _key(question: Question) -> tuple[Hashable, ...]:
    return (
        tuple(question.by),
        question.since,
        question.until,
        question.zone.key,
        _filters(question),
    )


def _filters(question: Question) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(sorted((name, tuple(v)) for name, v in question.filters.items()))


def _add(found: dict[Keys, Sums], row: Cut) -> None:
    sums = row.sums._replace(sessions=0)
    known = found.get(row.keys)
    found[row.keys] = sums if known is None else known.plus(sums)
