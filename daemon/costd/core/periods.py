"""Days, weeks and months of a named time zone, as instants.

Costs are stored by UTC instant and cut into days only when somebody asks, in one zone
that is named in every answer. A day has 23 or 25 hours where the zone says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from costd.core.errors import UsageError
from costd.core.instants import DAY, HOUR, MINUTE, SECOND, parse_instant, to_datetime

MAX_PERIODS = 40_000
_LENGTH = {"hour": HOUR, "day": DAY, "week": 7 * DAY, "month": 30 * DAY}
KINDS = tuple(_LENGTH)
_SPAN = re.compile(r"(\d{1,5})([mhdw])", re.ASCII)
_UNIT = {"m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Period(NamedTuple):
    """``label`` names ``[start, end)``, both milliseconds."""

    label: str
    start: int
    end: int


def zone(name: str) -> ZoneInfo:
    """The zone with an IANA name.

    Raises:
        UsageError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UsageError(
            f"There is no time zone {name!r}.", "Use a name such as Europe/Oslo or UTC."
        ) from None


@lru_cache(maxsize=2048)
def start_of_day(day: date, tz: ZoneInfo) -> int:
    """The instant at which a day begins in the zone."""
    moment = datetime(day.year, day.month, day.day, tzinfo=tz)
    return int(moment.timestamp()) * SECOND


def day_of(at: int, tz: ZoneInfo) -> date:
    """The day on which an instant falls."""
    return to_datetime(at).astimezone(tz).date()


def starts(now: int, tz: ZoneInfo) -> tuple[int, int, int]:
    """When today, this week (from Monday) and this month began."""
    today = day_of(now, tz)
    monday = today - timedelta(days=today.weekday())
    return (
        start_of_day(today, tz),
        start_of_day(monday, tz),
        start_of_day(today.replace(day=1), tz),
    )


def periods(kind: str, first: int, last: int, tz: ZoneInfo) -> list[Period]:
    """The periods of a kind that hold the instants from ``first`` to ``last``.

    A week is labelled with its Monday, an hour with its beginning and offset.

    Raises:
        UsageError: there would be too many.
    """
    if kind == "hour":
        return _hours(first, last, tz)
    return list(_from_day_to_day(kind, day_of(first, tz), day_of(last, tz), tz))


@lru_cache(maxsize=16)
def _from_day_to_day(
    kind: str, first: date, last: date, tz: ZoneInfo
) -> tuple[Period, ...]:
    """As ``periods``; whoever asks again in a moment asks for the same days."""
    found: list[Period] = []
    day = _begin(kind, first)
    start = start_of_day(day, tz)
    while day <= last:
        following = _next(kind, day)
        label = day.isoformat()[: 7 if kind == "month" else 10]
        end = start_of_day(following, tz)
        found.append(Period(label, start, end))
        day, start = following, end
        _limit(len(found))
    return tuple(found)


def periods_with(
    kind: str, days: Iterable[int], first: int, last: int, tz: ZoneInfo
) -> list[Period]:
    """The periods of a kind that touch some days, for a span with few days in it.

    A single line with a date of its own making would make all days since or until
    then too many.

    Args:
        kind: one of ``KINDS``.
        days: ordinal numbers of UTC days since the epoch, in their order.
        first: no period ends before it.
        last: no period begins after it.
        tz: where periods begin.

    Raises:
        UsageError: there would be too many all the same.
    """
    found: dict[int, Period] = {}
    for day in days:
        low, high = max(first, day * DAY), min(last, (day + 1) * DAY - 1)
        found.update((p.start, p) for p in periods(kind, low, high, tz))
        _limit(len(found))
    return list(found.values())


def is_dense(kind: str, first: int, last: int) -> bool:
    """Whether ``periods`` would give the span's periods without too many."""
    return (last - first) // _LENGTH[kind] < MAX_PERIODS


def _hours(first: int, last: int, tz: ZoneInfo) -> list[Period]:
    """Hours begin when the zone's clock shows a full one."""
    offset = to_datetime(first).astimezone(tz).utcoffset() or timedelta()
    shift = int(offset.total_seconds()) * SECOND % HOUR
    start = (first + shift) // HOUR * HOUR - shift
    _limit((last - start) // HOUR)
    return [
        Period(
            to_datetime(at).astimezone(tz).isoformat(timespec="minutes"), at, at + HOUR
        )
        for at in range(start, last + 1, HOUR)
    ]


def _begin(kind: str, day: date) -> date:
    if kind == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if kind == "month" else day


def _next(kind: str, day: date) -> date:
    if kind == "month":
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return day + timedelta(days=7 if kind == "week" else 1)


def _limit(count: int) -> None:
    if count > MAX_PERIODS:
        raise UsageError(
            "That would be too many rows.", "Narrow it with --since and --until."
        )


def parse_when(text: str, now: int, tz: ZoneInfo, *, end: bool = False) -> int:
    """The instant that a person means: a date, an instant, or a span before now.

    Args:
        text: ``2026-11-21``, ``2026-11-21T10:00:00Z`` or ``7d`` (also m, h, w).
        now: what spans are counted from.
        tz: the zone of dates and of instants without one.
        end: a date means its end, so that ``--until`` takes the whole day in.

    Raises:
        UsageError: it is none of these.
    """
    span = _SPAN.fullmatch(text)
    if span:
        return now - int(span[1]) * _UNIT[span[2]]
    if _DATE.fullmatch(text):
        try:
            day = date.fromisoformat(text)
            return start_of_day(day + timedelta(days=1) if end else day, tz)
        except (ValueError, OverflowError):
            raise _no_time(text) from None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _no_time(text) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=tz)
    at = parse_instant(moment.astimezone(UTC).isoformat())
    if at is None:
        raise _no_time(text)
    return at


def _no_time(text: str) -> UsageError:
    return UsageError(
        f"{text[:40]!r} is no time.",
        "Use a date (2026-11-21), an instant (2026-11-21T10:00:00Z) or a span (7d).",
    )
