"""``prices``, ``reprice`` and the price part of ``explain``."""

from __future__ import annotations

from typing import Any

from costd.core.errors import NotFoundError
from costd.core.money import to_usd
from costd.core.rates import Explanation
from costd.core.summary import envelope
from costd.engine.view import Params, View, text
from costd.ledger.pricing import NOT_BILLED
from costd.ledger.rows import Row


def prices(view: View, params: Params) -> dict[str, Any]:
    """The rate card, or the rows of one model."""
    card, model = view.ledger.card, text(params, "model")
    rows = card.rows_for(model)
    if model and not rows:
        raise NotFoundError(
            f"There is no price for {model[:80]!r}.",
            "Add [prices.overrides] or [prices.aliases] to the configuration.",
        )
    return envelope(
        view.now,
        card={
            "version": card.version,
            "as_of": card.as_of,
            "sources": card.sources,
        },
        rows=rows,
    )


def reprice(view: View, params: Params) -> dict[str, Any]:
    """Price everything by the card at hand."""
    dry_run = params.get("dry_run") is True
    done = view.ledger.reprice(dry_run=dry_run)
    if not dry_run:
        view.runs.repriced()
    return envelope(
        view.now,
        dry_run=dry_run,
        card_version=view.ledger.card.version,
        responses_changed=done.changed,
        cost_before_usd=to_usd(done.before),
        cost_after_usd=to_usd(done.after),
        unpriced_before=done.unpriced_before,
        unpriced_after=done.unpriced_after,
        events_changed=done.events,
        models=[
            {
                "model": change.model,
                "before_usd": to_usd(change.before),
                "after_usd": to_usd(change.after),
                "responses": change.responses,
            }
            for change in done.models
        ],
    )


def explained_price(
    view: View, row: Row, model: str, speed: str, geo: str
) -> Explanation:
    """How the card at hand prices a response."""
    return view.ledger.card.explain(
        model=model,
        at=row.at,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cache_read_tokens=row.cache_read_tokens,
        cache_creation_5m_tokens=row.cache_creation_5m_tokens,
        cache_creation_1h_tokens=row.cache_creation_1h_tokens,
        web_searches=row.web_searches,
        response_id=row.response_id,
        speed=speed,
        geo=geo,
    )


def is_not_billed(price_name: str) -> bool:
    """Whether a response was reported but not billed."""
    return price_name == NOT_BILLED
