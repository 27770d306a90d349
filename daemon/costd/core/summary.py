"""The shapes of answers: what a sum looks like in JSON.

Every amount says what it is: a list-price equivalent, a lower bound where a log did
not hold the final count, and never a zero for what has no price.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import add
from typing import Any, NamedTuple

from costd.core.instants import format_instant
from costd.core.money import to_usd

SCHEMA_VERSION = 1
BASIS = "list-price equivalent"


class Sums(NamedTuple):
    """Sums over responses; money in nano-USD, tokens in disjoint buckets."""

    responses: int = 0
    sessions: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_5m_tokens: int = 0
    cache_creation_1h_tokens: int = 0
    reasoning_tokens: int = 0
    web_searches: int = 0
    cost: int = 0
    unfinalised: int = 0
    unpriced: int = 0
    unpriced_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """The disjoint buckets together."""
        return sum(self[2:7])

    def plus(self, other: Sums) -> Sums:
        """Both together; sessions are not added, they may be the same ones."""
        added = Sums(*(a + b for a, b in zip(self, other, strict=True)))
        return added._replace(sessions=max(self.sessions, other.sessions))


def tokens(sums: Sums) -> dict[str, int]:
    """The token buckets, and their total."""
    fresh, out, read, short_lived, hour = sums[2:7]
    return {
        "input": fresh,
        "output": out,
        "cache_read": read,
        "cache_creation_5m": short_lived,
        "cache_creation_1h": hour,
        "total": fresh + out + read + short_lived + hour,
    }


def cost_usd(sums: Sums) -> float | None:
    """USD; None where there are responses and none of them has a price."""
    if sums.unpriced and not sums.cost:
        return None
    return to_usd(sums.cost)


def amounts(sums: Sums) -> dict[str, Any]:
    """What every row of every report says about its sum."""
    return {
        "responses": sums.responses,
        "sessions": sums.sessions,
        "tokens": tokens(sums),
        "reasoning_tokens": sums.reasoning_tokens,
        "web_searches": sums.web_searches,
        "cost_usd": cost_usd(sums),
        "lower_bound": bool(sums.unfinalised or sums.unpriced),
        "unfinalised_responses": sums.unfinalised,
        "unpriced_responses": sums.unpriced,
        "unpriced_tokens": sums.unpriced_tokens,
    }


def short(sums: Sums) -> dict[str, Any]:
    """The few figures of a window in ``status``."""
    return {
        "cost_usd": cost_usd(sums),
        "tokens": sums.total_tokens,
        "responses": sums.responses,
        "lower_bound": bool(sums.unfinalised or sums.unpriced),
    }


def envelope(now: int, **fields: Any) -> dict[str, Any]:
    """An answer with its version and time in front."""
    return {
        "schema_version": SCHEMA_VERSION,
        "generated_at": format_instant(now),
        **fields,
    }


def instant(at: int | None) -> str | None:
    """RFC 3339, or None where nothing is known."""
    return format_instant(at) if at else None


def together(rows: Iterable[Sums]) -> Sums:
    """The sum of sums; sessions are not added, they may be the same ones."""
    found = list(rows)
    if len(found) < 2:  # noqa: PLR2004 (one alone is its own sum)
        return found[0] if found else Sums()
    if len(found) == 2:  # noqa: PLR2004 (so common that it pays)
        total: Iterable[int] = map(add, *found)
    else:
        total = map(sum, zip(*found, strict=True))
    responses, _, *others = total
    return Sums(responses, max([row.sessions for row in found]), *others)
