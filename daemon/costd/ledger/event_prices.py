"""What an event cost: what it reports, else an estimate by the rate card."""

from __future__ import annotations

from typing import NamedTuple

from costd.core.events import BUCKETS, Event
from costd.core.money import round_pico
from costd.core.rates import RateCard

REPORTED, ESTIMATED, UNPRICED = "reported", "estimated", "unpriced"
NO_MODEL, NO_BUCKETS = "no-model", "no-buckets"
"""Why an event has no price, beside the reasons of the rate card."""


class Cost(NamedTuple):
    """Nano-USD, where it is from, and the price row or why there is none."""

    nano: int | None
    source: str
    price: str


NOTHING = Cost(None, "", "")


def cost_of(card: RateCard, event: Event) -> Cost:
    """The cost of an event, by the prices of its time.

    A cost of 0 beside tokens is what programs write that know no price: it is none.
    """
    if event.cost is not None and (event.cost or not event.total_tokens):
        return Cost(event.cost, REPORTED, "")
    if not event.total_tokens:
        return NOTHING
    if not event.model:
        return Cost(None, UNPRICED, NO_MODEL)
    counts = [getattr(event, name) or 0 for name in BUCKETS]
    if not any(counts):
        return Cost(None, UNPRICED, NO_BUCKETS)
    # The tokens of many calls together say nothing of how long a prompt was.
    rates = card.resolve(event.model).rates(event.at, 0)
    if rates.input < 0:
        return Cost(None, UNPRICED, rates.id)
    pico = sum(n * rate for n, rate in zip(counts, rates[:5], strict=True))
    return Cost(round_pico(pico), ESTIMATED, rates.id)
