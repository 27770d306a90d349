"""What a run has spent: by the ledger, else by what its report says of tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from costd.core.instants import parse_instant
from costd.core.money import from_usd, to_usd
from costd.core.rates import RateCard
from costd.core.summary import BASIS, Sums, cost_usd, together
from costd.core.summary import tokens as bucketed
from costd.ledger.runs import Part, Sample

Json = dict[str, Any]

STATES = {
    "pending": "the agent's log has not been read yet",
    "counted": "what the ledger holds of the run's sessions in its time",
    "reported": "the report names an amount or tokens, and no log does",
    "estimated": "the report's own guess at tokens, by list prices",
    "unpriced": "tokens are known, but no price",
    "unknown": "no session of the run was found, and its report names no tokens",
}
"""What a cost is; only ``counted`` is the ledger's."""

BUCKETS = ("input", "output", "cache_read", "cache_creation_5m", "cache_creation_1h")


class Spent(NamedTuple):
    """The two sections of a report, the cost in nano-USD, and who spent it."""

    tokens: Json
    cost: Json
    nano: int | None
    agent: str
    model: str


def spent(
    told: Json,
    parts: Sequence[Part],
    samples: Sequence[Sample],
    card: RateCard,
    *,
    is_over: bool,
) -> Spent:
    """Tokens and cost of a run.

    Args:
        told: its report, as it came.
        parts: what its sessions spent in its time, by price.
        samples: for each part one response, which shows its rates.
        card: the rates.
        is_over: no log will come any more.
    """
    if parts:
        return _counted(told, parts, samples, card)
    return _reported(told, card, is_over=is_over)


def _counted(
    told: Json, parts: Sequence[Part], samples: Sequence[Sample], card: RateCard
) -> Spent:
    total = together(map(_sums, parts))
    models: dict[str, Sums] = {}
    for part in parts:
        models[part.model] = models.get(part.model, Sums()).plus(_sums(part))
    dearest = max(
        models, key=lambda name: (models[name].cost, models[name].total_tokens)
    )
    tokens = {
        **bucketed(total),
        "estimated": False,
        "basis": "ledger",
        "per_iteration": _section(told, "tokens").get("per_iteration") or [],
        "by_model": {model: bucketed(sums) for model, sums in models.items()},
    }
    amount = cost_usd(total)
    cost = {
        **_cost(amount, "unpriced" if amount is None else "counted"),
        "lower_bound": bool(total.unfinalised or total.unpriced),
        "unfinalised_responses": total.unfinalised,
        "unpriced_responses": total.unpriced,
        "unpriced_tokens": total.unpriced_tokens,
        "responses": total.responses,
        "rates": [
            _rates(part, found, card)
            for part, found in zip(parts, samples, strict=True)
        ],
        "per_iteration": [],
    }
    nano = None if amount is None else total.cost
    return Spent(tokens, cost, nano, parts[0].agent, dearest)


def _rates(part: Part, found: Sample, card: RateCard) -> Json:
    """The rates by which a part was priced, where the card still has them."""
    shown = card.explain(
        model=part.model, speed=part.speed, geo=part.geo, **found._asdict()
    )
    is_same = shown.charge.price_id == part.price
    return {
        "model": part.model,
        "price": None if part.unpriced else part.price,
        "card_version": part.card_version,
        "usd_per_million": shown.rates if is_same and not part.unpriced else None,
        "responses": part.responses,
        "cost_usd": cost_usd(_sums(part)),
    }


def _reported(told: Json, card: RateCard, *, is_over: bool) -> Spent:
    """By what the report itself says: an amount, or tokens of a model that has a price."""
    section, said = _section(told, "tokens"), _section(told, "cost")
    run = _section(told, "run")
    tokens = {
        **{name: _count(section.get(name)) for name in BUCKETS},
        "total": _count(section.get("total")),
        "estimated": section.get("estimated"),
        "basis": None if section.get("total") is None else "reported",
        "per_iteration": section.get("per_iteration") or [],
        "by_model": section.get("by_model") or {},
    }
    models = _section(told, "tokens").get("by_model") or {}
    nano = _amount(said.get("cost_usd"))
    rates: list[Json] = []
    if nano is None and isinstance(models, dict) and models:
        nano, rates = _priced(models, _began(told), card)
    state = "reported"
    if nano is not None and section.get("estimated") and said.get("cost_usd") is None:
        state = "estimated"
    elif nano is None and tokens["total"]:
        state = "unpriced"
    elif nano is None:
        state = "unknown" if is_over else "pending"
    cost = {
        **_cost(None if nano is None else to_usd(nano), state, run),
        "lower_bound": None,
        "unfinalised_responses": None,
        "unpriced_responses": None,
        "unpriced_tokens": tokens["total"] if state == "unpriced" else None,
        "responses": None,
        "rates": rates,
        "per_iteration": _by_iteration(tokens["per_iteration"], run, told, card),
    }
    return Spent(tokens, cost, nano, "", "")


def _by_iteration(rows: Any, run: Json, told: Json, card: RateCard) -> list[Json]:
    """What each iteration cost, where the run has one model with a price."""
    model = run.get("model")
    if not isinstance(rows, list) or not isinstance(model, str):
        return []
    found = []
    for row in rows:
        if isinstance(row, dict):
            nano, _ = _priced({model: row}, _began(told), card)
            amount = None if nano is None else to_usd(nano)
            found.append({"iteration": row.get("iteration"), "cost_usd": amount})
    return found


def _priced(
    models: Mapping[str, Any], at: int, card: RateCard
) -> tuple[int | None, list[Json]]:
    """The price of tokens by model; None where one of them has none."""
    total, rates = 0, list[Json]()
    for model, counts in models.items():
        known = {name: _count(counts.get(name)) or 0 for name in BUCKETS}
        asked = {f"{name}_tokens": count for name, count in known.items()}
        shown = card.explain(model=model, at=at, **asked)  # type: ignore[arg-type]  # all of them are counts
        if shown.charge.cost is None:
            return None, []
        total += shown.charge.cost
        rates.append(
            {
                "model": model,
                "price": shown.charge.price_id,
                "card_version": card.version,
                "usd_per_million": shown.rates,
                "responses": None,
                "cost_usd": to_usd(shown.charge.cost),
            }
        )
    return total, rates


def _cost(amount: float | None, state: str, run: Json | None = None) -> Json:
    reason = None if state == "counted" else STATES[state]
    if state == "pending" and run is not None and not run.get("sessions"):
        reason = "no session of the run has been found yet"
    return {
        "cost_usd": amount,
        "currency": "USD",
        "basis": BASIS,
        "state": state,
        "reason": reason,
    }


def _sums(part: Part) -> Sums:
    return Sums(
        responses=part.responses,
        input_tokens=part.input_tokens,
        output_tokens=part.output_tokens,
        cache_read_tokens=part.cache_read_tokens,
        cache_creation_5m_tokens=part.cache_creation_5m_tokens,
        cache_creation_1h_tokens=part.cache_creation_1h_tokens,
        cost=part.cost,
        unfinalised=part.unfinalised,
        unpriced=part.unpriced,
        unpriced_tokens=part.unpriced_tokens,
    )


def _section(told: Json, name: str) -> Json:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def _began(told: Json) -> int:
    return parse_instant(str(_section(told, "timing").get("started_at"))) or 0


def _count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return value if is_count and 0 <= value < 1 << 53 else None


def _amount(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return from_usd(value)
    except ValueError:
        return None
