"""``report`` and what is made of it: any cut of the ledger."""

from __future__ import annotations

from typing import Any

from costd.core.errors import UsageError
from costd.core.instants import format_instant
from costd.core.money import to_usd
from costd.core.periods import parse_when, starts
from costd.core.summary import BASIS, Sums, amounts, cost_usd, envelope, together
from costd.engine.history import sums_by
from costd.engine.view import Params, View, text, words, zone_of
from costd.ledger.reports import Question, cut, owned


def report(view: View, params: Params) -> dict[str, Any]:
    """The contract of ``costd report --format json``."""
    question = read_question(view, params)
    rows = cut(view.connection, question)
    whole = cut(view.connection, question._replace(by=()))
    total = whole[0].sums if whole else Sums()
    owners = owned(view.connection, question)
    return envelope(
        view.now,
        timezone=question.zone.key,
        since=text(params, "since"),
        until=text(params, "until"),
        by=list(question.by),
        filters={name: list(found) for name, found in question.filters.items()},
        rows=[
            {
                **dict(zip(question.by, row.keys, strict=True)),
                **amounts(row.sums),
            }
            for row in rows
        ]
        if question.by
        else [],
        total=amounts(total),
        ownership={
            "issues_usd": to_usd(owners.issues),
            "buckets_usd": to_usd(owners.buckets),
            "total_usd": to_usd(total.cost),
            "exact": owners.issues + owners.buckets == total.cost,
        },
        price_card={
            "version": view.ledger.card.version,
            "as_of": view.ledger.card.as_of,
        },
        basis=BASIS,
    )


def read_question(view: View, params: Params) -> Question:
    """The question that the parameters ask.

    Raises:
        UsageError: an unknown dimension, filter, zone or time.
    """
    tz = zone_of(params, view.zone)
    since, until = text(params, "since"), text(params, "until")
    filters = params.get("filters") or {}
    if not isinstance(filters, dict):
        raise UsageError("filters must be an object.", 'Give {"model": "…"}.')
    by = words(params, "by")
    if len(set(by)) != len(by):
        raise UsageError("--by names a dimension twice.", "Leave one of them out.")
    return Question(
        tuple(by),
        parse_when(since, view.now, tz) if since else None,
        parse_when(until, view.now, tz, end=True) if until else None,
        tz,
        {str(name): words(filters, name) for name in filters if words(filters, name)},
    )


def costs_summary(view: View, params: Params) -> dict[str, Any]:
    """Today, this week and this month, each by model."""
    tz = zone_of(params, view.zone)
    spans = dict(zip(("today", "week", "month"), starts(view.now, tz), strict=True))
    return {
        "schema_version": 1,
        "timezone": tz.key,
        "basis": BASIS,
        **{name: _window(view, since) for name, since in spans.items()},
    }


def _window(view: View, since: int) -> dict[str, Any]:
    models = sums_by(view, ("model",), since, view.now + 1)
    sums = together(models.values())
    return {
        "since": format_instant(since),
        "totalCost": cost_usd(sums),
        "totalTokens": sums.total_tokens,
        "responses": sums.responses,
        "unpricedTokens": sums.unpriced_tokens,
        "lowerBound": bool(sums.unfinalised or sums.unpriced),
        "byModel": {
            model: {
                "cost": cost_usd(found),
                "tokens": found.total_tokens,
                "responses": found.responses,
            }
            for (model,), found in sorted(models.items())
        },
    }
