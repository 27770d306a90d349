"""Responses and their exact cost, for tests of the rate card."""

from __future__ import annotations

from decimal import Decimal
from typing import TypedDict, Unpack

from costd.core.instants import parse_instant
from costd.core.rates import Charge, RateCard
from costd.prices import load_rate_card

M = 1_000_000
CARD = load_rate_card()

Terms = list[tuple[int, str]]


class Usage(TypedDict, total=False):
    at: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_5m_tokens: int
    cache_creation_1h_tokens: int
    web_searches: int
    response_id: str
    speed: str
    geo: str


def instant(text: str) -> int:
    at = parse_instant(text)
    assert at is not None
    return at


def usage(**given: Unpack[Usage]) -> Usage:
    """A response of 2026-11-20 with nothing in it but what is given."""
    base: Usage = {
        "at": instant("2026-11-20T10:00:00Z"),
        "input_tokens": 0,
        "output_tokens": 0,
        "cache_read_tokens": 0,
        "cache_creation_5m_tokens": 0,
        "cache_creation_1h_tokens": 0,
    }
    return {**base, **given}


def price(model: str, card: RateCard = CARD, **given: Unpack[Usage]) -> Charge:
    return card.price(model=model, **usage(**given))


def nano(terms: Terms, factor: str = "1") -> int:
    """The exact sum of tokens x USD per million, as whole nano-USD."""
    total = (
        sum(tokens * Decimal(rate) for tokens, rate in terms) * Decimal(factor) * 1000
    )
    assert total == int(total)
    return int(total)


ONE_OF_EACH: Usage = {
    "input_tokens": 1000,
    "output_tokens": 1000,
    "cache_read_tokens": 10_000,
    "cache_creation_5m_tokens": 100,
    "cache_creation_1h_tokens": 1000,
}


def each(rates: str) -> Terms:
    """The terms of ``ONE_OF_EACH``: in, out, read, 5m, 1h."""
    counts = (1000, 1000, 10_000, 100, 1000)
    return list(zip(counts, rates.split(), strict=True))
