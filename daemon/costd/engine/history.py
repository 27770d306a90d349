"""Sums over all time that cost no more when the history is long.

What lies before today is summed once and remembered; only today is summed anew when
lines arrive. Sessions cannot be added up this way and are left out.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

from costd.core.periods import starts
from costd.core.summary import Sums
from costd.engine.view import View
from costd.ledger import Connection
from costd.ledger.cells import BUCKET_MS
from costd.ledger.long_spans import days, dearest
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
        found.update(_past_by(view, question._replace(until=today)))
    recent = question._replace(since=max(since or 0, today))
    for row in cut(view.connection, recent):
        _add(found, row)
    return found


def _past_by(view: View, past: Question) -> dict[Keys, Sums]:
    """The sums that end with the beginning of today, worked out once."""
    return view.memory.before(
        past.until or 0,
        (past.by, past.since),
        lambda: _together(_past(view.connection, past)),
    )


def buckets(view: View) -> dict[str, Sums]:
    """The sum of each named bucket: everything that no issue owns, without sessions."""
    return view.memory.once("buckets", lambda: _buckets(view))


def _buckets(view: View) -> dict[str, Sums]:
    # Issues may be many, and are left out before anything is added up.
    today, _, _ = starts(view.now, view.zone)
    question = Question(("issue",), None, today, view.zone, {})
    past = view.memory.before(
        today, "buckets", lambda: _only_buckets(_past_by(view, question))
    )
    found: dict[Keys, Sums] = {(name,): sums for name, sums in past.items()}
    for row in cut(view.connection, question._replace(since=today, until=None)):
        _add(found, row)
    return _only_buckets(found)


def _only_buckets(found: Mapping[Keys, Sums]) -> dict[str, Sums]:
    return {name: s for (name,), s in found.items() if name.startswith("none:")}


def everything(view: View) -> Sums:
    """The sum over all time, without its sessions."""
    return view.memory.once("all", lambda: sum_of(view))


def _past(connection: Connection, question: Question) -> list[Cut]:
    """A cut without sessions; by one dimension or none it is read from days."""
    if len(question.by) > 1:
        return cut(connection, question)
    by = question.by or ("agent",)
    _, rows = dearest(connection, question._replace(by=by))
    return rows if question.by else [Cut((), row.sums) for row in rows]


def sum_of(view: View, since: int | None = None, until: int | None = None) -> Sums:
    """The sum of everything in a span, without its sessions."""
    return sums_by(view, (), since, until).get((), Sums())


def days_by(
    view: View, question: Question, *, with_sessions: bool = False
) -> list[Cut]:
    """A cut by day and one dimension; what is past is cut once."""
    past, recent = halves(question, view.now)
    rows: list[Cut] = []
    if past is not None:
        rows += view.memory.before(
            today_of(question, view.now),
            ("days", with_sessions, *key_of(past)),
            lambda: days(view.connection, past, with_sessions=with_sessions),
        )
    if recent is None:
        return rows
    return [*rows, *days(view.connection, recent, with_sessions=with_sessions)]


def parts_by(view: View, question: Question) -> dict[Keys, Sums]:
    """The sums of a question by its dimensions, without their sessions."""
    past, recent = halves(question, view.now)
    found: dict[Keys, Sums] = {}
    if past is not None:
        found |= view.memory.before(
            today_of(question, view.now),
            ("parts", *key_of(past)),
            lambda: _together(cut(view.connection, past)),
        )
    for row in [] if recent is None else cut(view.connection, recent):
        _add(found, row)
    return found


def _together(rows: Iterable[Cut]) -> dict[Keys, Sums]:
    return {row.keys: row.sums._replace(sessions=0) for row in rows}


def today_of(question: Question, now: int) -> int:
    """When the day of a question began in which ``now`` is."""
    today, _, _ = starts(now, question.zone)
    return today


def halves(question: Question, now: int) -> tuple[Question | None, Question | None]:
    """What of a question lies before today, and the rest."""
    today = today_of(question, now)
    since, until = question.since, question.until
    if "pr" in {*question.by, *question.filters}:
        return None, question  # a link of today says whose work was done before it
    # To the quarter, as the cut is: a span counted from now stays the same for a while.
    since = None if since is None else since // BUCKET_MS * BUCKET_MS
    past = recent = None
    if since is None or since < today:
        end = today if until is None else min(until, today)
        past = question._replace(since=since, until=end)
    if until is None or until > today:
        recent = question._replace(since=today if since is None else max(since, today))
    return past, recent


def key_of(question: Question) -> tuple[Hashable, ...]:
    """A question as something to remember by."""
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
