"""Billing cycles: months that begin on a day of one's choice."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from zoneinfo import ZoneInfo

from costd.core.periods import Period, day_of, start_of_day


def cycles(first: int, last: int, day: int, tz: ZoneInfo) -> list[Period]:
    """The cycles that hold the instants from ``first`` to ``last``.

    A cycle is labelled with its first day.

    Args:
        first: milliseconds.
        last: milliseconds.
        day: of the month, from 1 to 31; in a shorter month its last day.
        tz: where days begin.
    """
    today = day_of(first, tz)
    begin = _in_month(today.year, today.month, day)
    if begin > today:
        begin = _before(begin, day)
    found: list[Period] = []
    while (start := start_of_day(begin, tz)) <= last:
        following = _after(begin, day)
        found.append(Period(begin.isoformat(), start, start_of_day(following, tz)))
        begin = following
    return found


def _in_month(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, monthrange(year, month)[1]))


def _after(begin: date, day: int) -> date:
    if begin.month == 12:  # noqa: PLR2004 - December
        return _in_month(begin.year + 1, 1, day)
    return _in_month(begin.year, begin.month + 1, day)


def _before(begin: date, day: int) -> date:
    if begin.month == 1:
        return _in_month(begin.year - 1, 12, day)
    return _in_month(begin.year, begin.month - 1, day)
