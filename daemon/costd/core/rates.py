"""The rate card: what one response costs, and why.

``RateCard.resolve`` reads a model's spelling once and keeps the integer rates that
follow from it; ``Resolved.charge`` is then integer arithmetic only, because a first
import asks it ninety thousand times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import NamedTuple

from msgspec import json

from costd.core.models import ModelName, backend_of
from costd.core.money import format_rate, round_pico
from costd.core.rate_overrides import override
from costd.core.rate_periods import UNPRICED, Resolved, unpriced
from costd.core.rate_resolve import resolve
from costd.core.rate_rows import Catalogue, Table, shown

__all__ = ["UNPRICED", "Charge", "Explanation", "Line", "RateCard", "Resolved"]

_CACHED = 4096


class Charge(NamedTuple):
    """A cost in nano-USD with its row; or None with a reason, a key of ``UNPRICED``."""

    cost: int | None
    price_id: str
    reason: str = ""


class Line(NamedTuple):
    """One bucket of a charge: ``rate`` is exact USD per million tokens.

    For the bucket ``web_searches`` the rate is USD per thousand searches.
    """

    bucket: str
    tokens: int
    rate: str
    cost: int


class Explanation(NamedTuple):
    """A charge with its lines, which add up to it exactly; none if it is unpriced."""

    charge: Charge
    lines: list[Line]
    rates: dict[str, str]


class RateCard:
    """The dated set of rates: Anthropic's, other providers', and the user's over them.

    ``version`` changes whenever a rate, an override or an alias does; ``sources`` says
    which lists the card was made of.

    Args:
        tables: provider to its list.
        sources: name and date of each list, as shown to the user.
        overrides: model to its contract rates, one table or a list of dated ones.
        aliases: raw name to a model, or to ``provider/model``.

    Raises:
        ConfigError: an override that cannot be used.
    """

    def __init__(
        self,
        tables: Mapping[str, Table],
        *,
        sources: list[dict[str, str]],
        overrides: Mapping[str, object],
        aliases: Mapping[str, str],
    ) -> None:
        self._catalogue = Catalogue(tables)
        self._catalogue.alias(aliases)
        override(self._catalogue, overrides)
        self._resolved: dict[tuple[str, str, str, str], Resolved] = {}
        self.sources = sources
        self.as_of = max((table.as_of for table in tables.values()), default="")
        written = json.encode([tables, aliases, overrides], order="sorted")
        self.version = f"{self.as_of}.{blake2b(written, digest_size=4).hexdigest()}"

    def resolve(
        self, model: str, speed: str = "", geo: str = "", backend: str = ""
    ) -> Resolved:
        """The rates of a model as a log spells it; remembered.

        Args:
            model: the raw name.
            speed: the response's own speed, not a setting.
            geo: where inference ran, as the response says.
            backend: what the response's id tells, see ``models.backend_of``.
        """
        key = (model, speed, geo, backend)
        resolved = self._resolved.get(key)
        if resolved is None:
            if len(self._resolved) >= _CACHED:
                self._resolved.clear()
            resolved = self._resolved[key] = self._resolve(*key)
        return resolved

    def price(
        self,
        *,
        model: str,
        at: int,
        input_tokens: int,
        output_tokens: int,
        cache_read_tokens: int,
        cache_creation_5m_tokens: int,
        cache_creation_1h_tokens: int,
        web_searches: int = 0,
        response_id: str = "",
        speed: str = "",
        geo: str = "",
    ) -> Charge:
        """What one response costs, rounded once, half-even."""
        resolved = self.resolve(model, speed, geo, backend_of(response_id))
        cost, price_id = resolved.charge(
            at,
            input_tokens,
            output_tokens,
            cache_read_tokens,
            cache_creation_5m_tokens,
            cache_creation_1h_tokens,
            web_searches,
        )
        return Charge(None, "", price_id) if cost is None else Charge(cost, price_id)

    def explain(
        self,
        *,
        model: str,
        at: int,
        input_tokens: int,
        output_tokens: int,
        cache_read_tokens: int,
        cache_creation_5m_tokens: int,
        cache_creation_1h_tokens: int,
        web_searches: int = 0,
        response_id: str = "",
        speed: str = "",
        geo: str = "",
    ) -> Explanation:
        """The same charge, bucket by bucket."""
        counts = {
            "input": input_tokens,
            "output": output_tokens,
            "cache_read": cache_read_tokens,
            "cache_creation_5m": cache_creation_5m_tokens,
            "cache_creation_1h": cache_creation_1h_tokens,
            "web_searches": web_searches,
        }
        resolved = self.resolve(model, speed, geo, backend_of(response_id))
        cost, price_id = resolved.charge(at, *counts.values())
        if cost is None:
            return Explanation(Charge(None, "", price_id), [], {})
        prompt = sum(counts.values()) - output_tokens - web_searches
        picos = dict(zip(counts, resolved.rates(at, prompt)[:6], strict=True))
        rates = {name: _shown(name, pico) for name, pico in picos.items() if pico >= 0}
        lines = list(_lines(counts, picos, rates))
        return Explanation(Charge(cost, price_id), lines, rates)

    def rows_for(self, model: str | None = None) -> list[dict[str, object]]:
        """The card's rows as ``costd prices`` shows them, of one model or of all."""
        if model is None:
            models = list(self._catalogue.unique())
        else:
            found = self._catalogue.find(model)
            models = [] if found is None else [found]
        return [row for model in models for row in shown(model)]

    def _resolve(self, raw: str, speed: str, geo: str, backend: str) -> Resolved:
        name = self._catalogue.read(raw)
        model = self._catalogue.lookup(name)
        if model is None:
            return unpriced(self._reason(name))
        return resolve(model, name, speed, geo, backend)

    def _reason(self, name: ModelName) -> str:
        if name.name.startswith("arn:"):
            return "opaque-arn"
        if {name.exact, name.name} & self._catalogue.ambiguous:
            return "ambiguous-provider"
        return "unknown-model"


def _shown(bucket: str, pico: int) -> str:
    """USD per million tokens, or per thousand searches."""
    return format_rate(pico // 1000 if bucket == "web_searches" else pico)


def _lines(
    counts: Mapping[str, int], picos: Mapping[str, int], rates: Mapping[str, str]
) -> Iterator[Line]:
    """A line per used bucket; the sum is rounded as it grows, so that lines add up."""
    total = 0
    for bucket, count in counts.items():
        if count:
            before, total = total, total + count * picos[bucket]
            cost = round_pico(total) - round_pico(before)
            yield Line(bucket, count, rates[bucket], cost)
