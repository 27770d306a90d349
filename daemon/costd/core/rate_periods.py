"""The arithmetic of a charge: integer rates by time and prompt length."""

from __future__ import annotations

from typing import NamedTuple

from costd.core.instants import DAY, HOUR
from costd.core.money import PICO_PER_NANO

ALWAYS = -(1 << 62)
"""Before any instant: the first row also serves what is older."""
ANY_LENGTH = 1 << 62
"""Above any prompt."""
_HALF = PICO_PER_NANO // 2
_FIRST_WEEKDAY = 3
"""The epoch began on a Thursday, counted from Monday."""
_WORKDAYS = 5

UNPRICED = {
    "unknown-model": "The model is on no list; set prices.overrides or an alias.",
    "ambiguous-provider": "Providers sell this model at different prices and the log"
    " does not tell which served it; set an alias to provider/model.",
    "opaque-arn": "The ARN does not name its model; set an alias for it.",
    "unknown-speed": "The response ran at a speed that no list has.",
    "fast-unpublished": "No price is published for fast mode of this model.",
    "long-unpublished": "No price is published for so long a prompt in fast mode.",
    "rate-unpublished": "No price is published for this model at that time.",
    "search-unpublished": "No price is published for this model's web searches.",
}
"""Why a response has no cost, and what can be done."""


class Rates(NamedTuple):
    """Pico-USD per token and per search; -1 is unpublished, ``id`` then the reason."""

    input: int
    output: int
    cache_read: int
    cache_creation_5m: int
    cache_creation_1h: int
    search: int
    id: str


class Period(NamedTuple):
    """Rates from an instant on: ``near`` up to ``above`` prompt tokens, else ``far``."""

    since: int
    above: int
    near: Rates
    far: Rates


class Resolved:
    """All rates that one spelling of a model has had, newest first."""

    __slots__ = ("_latest", "periods")

    def __init__(self, periods: tuple[Period, ...]) -> None:
        self.periods = periods
        self._latest = periods[0]

    def charge(  # noqa: PLR0917 - a first import calls it 90,000 times; keywords cost
        self,
        at: int,
        input_tokens: int,
        output_tokens: int,
        cache_read_tokens: int,
        cache_creation_5m_tokens: int,
        cache_creation_1h_tokens: int,
        web_searches: int = 0,
    ) -> tuple[int | None, str]:
        """Nano-USD and the price's id; or None and the reason why there is no price."""
        since, above, rates, far = self._latest
        if at < since:
            _, above, rates, far = self._period(at)
        if (
            input_tokens
            + cache_read_tokens
            + cache_creation_5m_tokens
            + cache_creation_1h_tokens
            > above
        ):
            rates = far
        rate_in, rate_out, rate_read, rate_5m, rate_1h, rate_search, price_id = rates
        if rate_in < 0:
            return None, price_id
        pico = (
            input_tokens * rate_in
            + output_tokens * rate_out
            + cache_read_tokens * rate_read
            + cache_creation_5m_tokens * rate_5m
            + cache_creation_1h_tokens * rate_1h
        )
        if web_searches:
            if rate_search < 0:
                return None, "search-unpublished"
            pico += web_searches * rate_search
        nano = pico // PICO_PER_NANO
        rest = pico - nano * PICO_PER_NANO
        if rest >= _HALF and (rest > _HALF or nano & 1):
            nano += 1
        return nano, price_id

    def rates(self, at: int, prompt: int) -> Rates:
        """The rates of a response at ``at`` whose whole prompt has ``prompt`` tokens."""
        period = self._period(at)
        return period.far if prompt > period.above else period.near

    def _period(self, at: int) -> Period:
        return next(period for period in self.periods if at >= period.since)


class Hourly(Resolved):
    """A model that costs more within peak hours of the UTC day."""

    __slots__ = ("_hours", "_peak", "_weekdays")

    def __init__(
        self,
        calm: tuple[Period, ...],
        peak: tuple[Period, ...],
        hours: list[tuple[int, int]],
        *,
        weekdays: bool,
    ) -> None:
        super().__init__(calm)
        self._peak = Resolved(peak)
        self._hours = hours
        self._weekdays = weekdays

    def charge(  # noqa: PLR0917 - a first import calls it 90,000 times; keywords cost
        self,
        at: int,
        input_tokens: int,
        output_tokens: int,
        cache_read_tokens: int,
        cache_creation_5m_tokens: int,
        cache_creation_1h_tokens: int,
        web_searches: int = 0,
    ) -> tuple[int | None, str]:
        """As for every model, by the hour of ``at``."""
        charge = self._peak.charge if self._is_peak(at) else super().charge
        return charge(
            at,
            input_tokens,
            output_tokens,
            cache_read_tokens,
            cache_creation_5m_tokens,
            cache_creation_1h_tokens,
            web_searches,
        )

    def rates(self, at: int, prompt: int) -> Rates:
        """As for every model, by the hour of ``at``."""
        if self._is_peak(at):
            return self._peak.rates(at, prompt)
        return super().rates(at, prompt)

    def _is_peak(self, at: int) -> bool:
        if self._weekdays and (at // DAY + _FIRST_WEEKDAY) % 7 >= _WORKDAYS:
            return False
        hour = at % DAY // HOUR
        return any(start <= hour < end for start, end in self._hours)


def unpublished(reason: str) -> Rates:
    """No rates, and why."""
    return Rates(-1, -1, -1, -1, -1, -1, reason)


def unpriced(reason: str) -> Resolved:
    """A model without a price, whatever is asked."""
    rates = unpublished(reason)
    return Resolved((Period(ALWAYS, ANY_LENGTH, rates, rates),))
