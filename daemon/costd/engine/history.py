"""Sums over all time that cost no more when the history is long.

What lies before today is summed once and remembered; only today is summed anew when
lines arrive. Sessions cannot be added up this way and are left out.
"""

from __future__ import annotations

from costd.core.periods import starts
from costd.core.summary import Sums
from costd.engine.view import View
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


def _add(found: dict[Keys, Sums], row: Cut) -> None:
    sums = row.sums._replace(sessions=0)
    known = found.get(row.keys)
    found[row.keys] = sums if known is None else known.plus(sums)
