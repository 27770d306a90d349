"""Instants: RFC 3339 text from logs to milliseconds since the epoch, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = 253_370_764_800_000
"""The beginning of the year 9999: calendars in all zones can go on a little from it."""


def parse_instant(text: str) -> int | None:
    """Milliseconds since the epoch, or None where ``text`` names no instant.

    Any form of RFC 3339; a time without a zone is read as UTC. Before 1970 and from
    the year 9999 on is no time at which anything was logged.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        since = moment - _EPOCH
    except (ValueError, OverflowError):
        return None
    at = since.days * DAY + since.seconds * SECOND + (since.microseconds + 500) // 1_000
    return at if 0 <= at < LAST else None


def to_datetime(at: int) -> datetime:
    """The UTC datetime of ``at``, clamped to what a calendar can hold."""
    return _EPOCH + timedelta(milliseconds=min(max(at, 0), LAST))


def format_instant(at: int) -> str:
    """``at`` as RFC 3339 with ``Z``; milliseconds only where there are any."""
    at = at if 0 <= at <= LAST else min(max(at, 0), LAST)
    minutes, part = divmod(at, MINUTE)
    days, minute = divmod(minutes, 1440)
    second, part = divmod(part, SECOND)
    return f"{_date(days)}{_MINUTES[minute]}{_SECONDS[second]}{_PARTS[part]}"


_MINUTES = tuple(
    f"T{hour:02}:{minute:02}:" for hour in range(24) for minute in range(60)
)
_SECONDS = tuple(f"{number:02}" for number in range(60))
_PARTS = ("Z", *(f".{number:03}Z" for number in range(1, SECOND)))


@lru_cache(maxsize=1024)
def _date(days: int) -> str:
    return (_EPOCH + timedelta(days=days)).date().isoformat()
