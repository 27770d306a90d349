"""Instants: RFC 3339 text from logs to milliseconds since the epoch, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_USUAL = len("2026-11-20T10:00:00.000Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@lru_cache(maxsize=1024)
def _minute(text: str) -> int:
    """Milliseconds of ``2026-11-20T10:00``; raises ValueError for anything else."""
    return int(datetime.fromisoformat(text + ":00Z").timestamp()) * SECOND


def parse_instant(text: str) -> int | None:
    """Milliseconds since the epoch, or None where ``text`` names no instant.

    Agents write ``2026-11-20T10:00:00.000Z``; that form takes the short way, every
    other form of RFC 3339 the long one. A time without a zone is read as UTC.
    """
    if len(text) == _USUAL and text[23] == "Z" and text[19] == "." and text[16] == ":":
        rest = text[17:19] + text[20:23]
        if rest < "60" and rest.isdecimal() and rest.isascii():
            try:
                return _minute(text[:16]) + int(rest)
            except ValueError:
                return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return (moment - _EPOCH) // _MILLISECOND
    except OverflowError:
        return None


def to_datetime(at: int) -> datetime:
    """The UTC datetime of ``at``, clamped to what a calendar can hold."""
    return _EPOCH + timedelta(milliseconds=min(max(at, 0), 253_402_300_799_000))


def format_instant(at: int) -> str:
    """``at`` as RFC 3339 with ``Z``; milliseconds only where there are any."""
    text = to_datetime(at).isoformat(timespec="milliseconds")[:-6]
    return text.removesuffix(".000") + "Z"
