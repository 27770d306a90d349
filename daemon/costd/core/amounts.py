"""Money, tokens, sizes and ages as people read them."""

from __future__ import annotations

from typing import Any

from costd.core.instants import DAY, HOUR, MINUTE, SECOND, parse_instant
from costd.core.money import NANO_PER_USD, decimal_usd, format_usd

UNKNOWN = "-"
LOWER_BOUND = "≥"
ESTIMATE = "~"

_NANO = float(NANO_PER_USD)
_TOKENS = ("k", "M", "G", "T")
_BYTES = (" KiB", " MiB", " GiB", " TiB")
_AGES = ((DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"))
# Three digits say enough: 1.2M, 12.3M, 123M.
_ONE_DECIMAL = 99.95
_NO_DECIMAL = 999.5


def nano(value: Any) -> int | None:
    """Nano-USD of a JSON amount; None where there is none.

    An amount has nine decimals, so the product is within a hair of an integer for any
    amount that a double holds exactly (up to millions of USD).
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(value * _NANO)


def usd(value: Any, *, lower_bound: bool = False, estimate: bool = False) -> str:
    """``$1.23``, ``≥ $1.23`` or ``~$1.23``; a dash where nobody knows."""
    amount = nano(value)
    if amount is None:
        return UNKNOWN
    return usd_of(amount, lower_bound=lower_bound, estimate=estimate)


def usd_of(amount: int, *, lower_bound: bool = False, estimate: bool = False) -> str:
    """The same of nano-USD."""
    sign = (LOWER_BOUND if lower_bound else "") + (ESTIMATE if estimate else "")
    return sign + format_usd(amount)


def exact(value: Any) -> str:
    """``$0.001234567``: every digit, where it is about one response."""
    amount = nano(value)
    return UNKNOWN if amount is None else f"${decimal_usd(amount)}"


def tokens(value: Any) -> str:
    """``1.2M`` of a number or of a ``tokens`` object's total."""
    count = value.get("total") if isinstance(value, dict) else value
    if isinstance(count, bool) or not isinstance(count, int):
        return UNKNOWN
    return str(count) if count < 1000 else _scaled(count, 1000, _TOKENS)  # noqa: PLR2004 - a thousand


def size(count: Any) -> str:
    """``3.4 MiB`` of a number of bytes."""
    if isinstance(count, bool) or not isinstance(count, int):
        return UNKNOWN
    return f"{count} B" if count < 1024 else _scaled(count, 1024, _BYTES)  # noqa: PLR2004 - a kibibyte


def number(value: Any) -> str:
    """``12,345``."""
    if isinstance(value, bool) or not isinstance(value, int):
        return UNKNOWN
    return f"{value:,}"


def plural(count: int, noun: str) -> str:
    """``1 response``, ``2 responses``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def age(then: Any, now: Any) -> str:
    """``12s``, ``5m``, ``3h``, ``2d`` between two instants as RFC 3339."""
    start = parse_instant(then) if isinstance(then, str) else None
    end = parse_instant(now) if isinstance(now, str) else None
    if start is None or end is None:
        return UNKNOWN
    passed = max(end - start, 0)
    for unit, sign in _AGES:
        if passed >= unit:
            return f"{passed // unit}{sign}"
    return "0s"


def instant(text: Any) -> str:
    """``2026-11-21 10:00`` of an instant, still in UTC."""
    at = parse_instant(text) if isinstance(text, str) else None
    if at is None:
        return UNKNOWN
    return str(text)[:16].replace("T", " ")


def share(part: Any) -> str:
    """``12 %`` of a fraction."""
    if isinstance(part, bool) or not isinstance(part, int | float):
        return UNKNOWN
    return f"{part * 100:.0f} %"


def _scaled(count: int, step: int, signs: tuple[str, ...]) -> str:
    scaled = float(count)
    for sign in signs:
        scaled /= step
        if scaled < _ONE_DECIMAL:
            return f"{scaled:.1f}{sign}"
        if scaled < _NO_DECIMAL:
            break
    return f"{scaled:,.0f}{sign}"
