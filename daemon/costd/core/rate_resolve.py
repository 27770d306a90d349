"""From dated rows of decimal strings to the integer rates of one kind of response."""

from __future__ import annotations

from typing import NamedTuple

from costd.core.instants import parse_instant
from costd.core.models import ModelName
from costd.core.money import parse_rate, scale_rate
from costd.core.rate_periods import (
    ALWAYS,
    ANY_LENGTH,
    Hourly,
    Period,
    Rates,
    Resolved,
    unpriced,
    unpublished,
)
from costd.core.rate_rows import LongRates, Model, RateSet, Row

_SPEEDS = {
    "": False,
    "standard": False,
    "normal": False,
    "default": False,
    "fast": True,
    "summed": False,
}


class _Kind(NamedTuple):
    """What about a response decides which rates of a row it takes."""

    surcharges: tuple[str, ...]
    fast: bool
    peak: bool
    summed: bool
    """It is a sum over requests: how long each prompt was, nobody knows."""


def resolve(
    model: Model, name: ModelName, speed: str, geo: str, backend: str
) -> Resolved:
    """The rates of ``model`` for a response with this speed, geography and backend."""
    if speed not in _SPEEDS:
        return unpriced("unknown-speed")
    fast = _SPEEDS[speed] or name.fast
    surcharges = _surcharges(name, geo, name.backend or backend)
    summed = speed == "summed"
    calm = _periods(model, _Kind(surcharges, fast, peak=False, summed=summed))
    hourly = model.rows[-1].peak
    if hourly is None:
        return Resolved(calm)
    peak = _periods(model, _Kind(surcharges, fast, peak=True, summed=summed))
    return Hourly(calm, peak, hourly.hours, weekdays=hourly.weekdays)


def _surcharges(name: ModelName, geo: str, backend: str) -> tuple[str, ...]:
    """Which multipliers of a row apply; a backend's global endpoint has none."""
    if backend:
        return ("regional",) if name.region not in {"", "global"} else ()
    return ("us",) if geo == "us" else ()


def _periods(model: Model, kind: _Kind) -> tuple[Period, ...]:
    periods = [_period(model, row, kind) for row in model.rows]
    periods[0] = periods[0]._replace(since=ALWAYS)
    return tuple(reversed(periods))


def _period(model: Model, row: Row, kind: _Kind) -> Period:
    """One row: which of its rates, and from which prompt length which others."""
    since = start_of(row)
    near, far, mode = _select(row, kind)
    if near is None or not near.is_published:
        reason = "fast-unpublished" if mode == "fast" else "rate-unpublished"
        rates = unpublished(reason)
        return Period(since, ANY_LENGTH, rates, rates)
    rates = _rates(model, row, near, mode, kind)
    if far is not None:
        mode = "long" if mode == "standard" else f"{mode}_long"
        return Period(since, far.above, rates, _rates(model, row, far, mode, kind))
    if mode == "fast" and row.long is not None:
        return Period(since, row.long.above, rates, unpublished("long-unpublished"))
    return Period(since, ANY_LENGTH, rates, rates)


def _select(row: Row, kind: _Kind) -> tuple[RateSet | None, LongRates | None, str]:
    if row.overridden:
        return row, None, "override"
    if kind.fast:
        return row.fast, row.fast_long, "fast"
    if kind.peak and row.peak is not None:
        return row.peak, None, "peak"
    return row, None if kind.summed else row.long, "standard"


def _rates(model: Model, row: Row, rates: RateSet, mode: str, kind: _Kind) -> Rates:
    """Integer rates with their surcharges.

    A bucket without a rate of its own costs what its tokens would cost without a
    cache: providers bill them as input. A write for an hour costs at least a write.
    """
    factors = [
        (label, factor) for label in kind.surcharges if (factor := getattr(row, label))
    ]

    def pico(*published: str) -> int:
        rate = parse_rate(next(text for text in published if text))
        for _, factor in factors:
            rate = scale_rate(rate, factor)
        return rate

    labels = "".join(f"+{label}" for label, _ in factors)
    return Rates(
        input=pico(rates.input),
        output=pico(rates.output),
        cache_read=pico(rates.cache_read, rates.input),
        cache_creation_5m=pico(rates.cache_creation_5m, rates.input),
        cache_creation_1h=pico(
            rates.cache_creation_1h, rates.cache_creation_5m, rates.input
        ),
        search=search_rate(model, row),
        id=f"{model.label}@{row.since or 'always'}/{mode}{labels}",
    )


def search_rate(model: Model, row: Row) -> int:
    """Pico-USD per web search, -1 where none is published."""
    published = row.search or model.search
    return parse_rate(published) * 1000 if published else -1


def start_of(row: Row) -> int:
    """The instant from which a row holds."""
    at = parse_instant(row.since) if row.since else ALWAYS
    if at is None:
        raise ValueError(f"{row.since!r} is not a date")
    return at
