"""Attempts by day, for runtimes and performance: summed when something changed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple
from zoneinfo import ZoneInfo

from costd.core.efforts import Effort
from costd.core.periods import periods
from costd.core.periods import starts as starts_of
from costd.engine.view import View
from costd.ledger import efforts as stored

Day = tuple[str, str]
"""A date, and an agent."""


class Days(NamedTuple):
    """What happened on the days of a span, by date and agent.

    Attributes:
        dates: every date of the span.
        efforts: attempts that ended on it.
        covered: sessions that worked on it and are parts of attempts.
        failures: what went wrong on it, counted by events and logs.
    """

    dates: list[str]
    efforts: dict[Day, Effort]
    covered: dict[Day, int]
    failures: dict[Day, int]


def days_of(view: View, since: int, until: int, zone: ZoneInfo) -> Days:
    """The days of a span.

    Attempts are summed again when runs or events changed, and not for each line of a
    log; of the sessions that are parts of attempts only today's are.
    """
    spans = periods("day", since, max(since, until - 1), zone)
    starts = [span.start for span in spans]

    def date(at: int) -> str:
        return spans[max(bisect_right(starts, at) - 1, 0)].label

    key = ("efforts", since, until, zone.key)
    efforts = view.runs.once(key, lambda: _sums(view, date, since, until))
    failures: dict[Day, int] = {}
    for at, _, agent, count in stored.failure_buckets(view.connection, since, until):
        day = (date(at), agent)
        failures[day] = failures.get(day, 0) + count
    seen: dict[Day, set[int]] = {}
    for agent, session, at in _covered(view, since, until):
        seen.setdefault((date(at), agent), set()).add(session)
    covered = {day: len(sessions) for day, sessions in seen.items()}
    return Days([span.label for span in spans], efforts, covered, failures)


def _sums(
    view: View, date: Callable[[int], str], since: int, until: int
) -> dict[Day, Effort]:
    efforts: dict[Day, Effort] = {}
    for moment in stored.moments(view.connection, since, until):
        key = (date(moment.at), moment.agent)
        efforts[key] = efforts.get(key, Effort()).plus(moment.effort)
    return efforts


def _covered(view: View, since: int, until: int) -> list[tuple[str, int, int]]:
    """Where sessions of attempts worked; what lies before today is remembered."""
    today, _, _ = starts_of(view.now, view.zone)
    past: list[tuple[str, int, int]] = []
    if since < today:
        end = min(until, today)
        past = view.memory.before(
            today,
            ("covered", since, end, view.runs.version),
            lambda: stored.covered_buckets(view.connection, since, end, is_short=False),
        )
    if until <= today:
        return past
    first = max(since, today)
    now = stored.covered_buckets(view.connection, first, until, is_short=True)
    return [*past, *now]
