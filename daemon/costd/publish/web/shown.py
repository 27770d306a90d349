"""Values as the page shows them: the filters of its templates, all pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from costd.core import amounts
from costd.core.instants import parse_instant
from costd.core.plain import one_line
from costd.publish.web import charts

BUCKET = "none:"
_SHORT_ID = 8
_ROUND = 1000.0


def usd(value: Any) -> str:
    """``$1,234.50``; a dash where nobody knows."""
    return amounts.usd(value)


def brief_usd(value: Any) -> str:
    """For the side of a picture: ``$1.2k``, ``$30``, ``$0.25``, ``$0.075``."""
    if not isinstance(value, int | float):
        return amounts.UNKNOWN
    if value >= _ROUND:
        return f"${value / _ROUND:g}k"
    is_round = value in (0, round(value)) or value != round(value, 2)
    return f"${value:g}" if is_round else f"${value:.2f}"


def tokens(value: Any) -> str:
    """``1.2M``."""
    return amounts.tokens(value)


def count(value: Any) -> str:
    """``12,345``."""
    return amounts.number(value)


def plural(number: Any, noun: str) -> str:
    """``1 session``, ``2 sessions``."""
    return amounts.plural(number if isinstance(number, int) else 0, noun)


def percent(value: Any) -> str:
    """``12 %``; ``<1 %`` for what is more than nothing."""
    if not isinstance(value, int | float):
        return amounts.UNKNOWN
    return "<1 %" if 0 < value < 0.005 else f"{value * 100:.0f} %"  # noqa: PLR2004 - half a percent


def size(value: Any) -> str:
    """``3.4 MiB``."""
    return amounts.size(value)


def name(value: Any, missing: str = "-") -> str:
    """Text of a log on one line and without tricks; ``missing`` where there is none."""
    return one_line(str(value)) if value not in (None, "") else missing


def short(value: Any) -> str:
    """The beginning of an id."""
    return name(value)[:_SHORT_ID]


def issue_label(value: Any) -> str:
    """An issue as it is, a bucket without its mark."""
    return (
        name(value, "no issue").removeprefix(BUCKET).replace("-", " ")
        if str(value).startswith(BUCKET)
        else name(value, "no issue")
    )


def is_bucket(value: Any) -> bool:
    """Whether an owner is a named bucket and no issue."""
    return str(value).startswith(BUCKET)


def seconds(value: Any) -> str:
    """``45 s``, ``12 min``, ``3.5 h`` of seconds."""
    if not isinstance(value, int | float):
        return amounts.UNKNOWN
    if value < 90:  # noqa: PLR2004 - a minute and a half
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.1f} h"  # noqa: PLR2004 - the same in minutes


def ago(then: Any, now: Any) -> str:
    """``5m`` between two instants."""
    return amounts.age(then, now)


def moment(value: Any, timezone: str) -> str:
    """``21 Nov 2026, 10:00`` of an instant, in a zone."""
    at = parse_instant(value) if isinstance(value, str) else None
    if at is None:
        return amounts.UNKNOWN
    return f"{_local(at, timezone):%-d %b %Y, %H:%M}"


def clock(value: Any, timezone: str) -> str:
    """``10:00:07`` of an instant, in a zone."""
    at = parse_instant(value) if isinstance(value, str) else None
    return amounts.UNKNOWN if at is None else f"{_local(at, timezone):%H:%M:%S}"


def local_day(value: Any, timezone: str) -> str:
    """``2026-11-21`` of an instant, in a zone."""
    at = parse_instant(value) if isinstance(value, str) else None
    return "" if at is None else _local(at, timezone).date().isoformat()


def _local(at: int, timezone: str) -> datetime:
    try:
        zone: Any = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = UTC
    return datetime.fromtimestamp(at / 1000, zone)


def day(value: Any) -> str:
    """``21 Nov`` of a date."""
    try:
        return f"{datetime.fromisoformat(str(value)):%-d %b}"
    except ValueError:
        return name(value)


def change(now: Any, before: Any) -> tuple[str, str] | None:
    """How much more or less than before, and in which direction; None: no telling."""
    if not isinstance(now, int | float) or not isinstance(before, int | float):
        return None
    if before <= 0:
        return None
    ratio = now / before - 1
    if abs(ratio) < 0.005:  # noqa: PLR2004 - half a percent
        return "as before", "same"
    if ratio > 9:  # noqa: PLR2004 - then percents say little
        return f"{now / before:,.0f} times", "up"
    return f"{abs(ratio) * 100:.0f} %", "up" if ratio > 0 else "down"


def level(value: Any, limits: Sequence[float]) -> str:
    """The colour of a badge: below which of the limits an amount is."""
    if not isinstance(value, int | float):
        return "none"
    names = ("green", "yellow", "orange")
    found = (n for n, limit in zip(names, limits, strict=False) if value < limit)
    return next(found, "red")


FILTERS = {
    "usd": usd,
    "brief_usd": brief_usd,
    "exact": amounts.exact,
    "tokens": tokens,
    "count": count,
    "plural": plural,
    "percent": percent,
    "size": size,
    "name": name,
    "short": short,
    "issue_label": issue_label,
    "is_bucket": is_bucket,
    "seconds": seconds,
    "ago": ago,
    "moment": moment,
    "clock": clock,
    "day": day,
    "local_day": local_day,
    "colours": charts.colours,
    "change": change,
    "level": level,
}
