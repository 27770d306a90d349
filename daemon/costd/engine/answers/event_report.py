"""``event_report``: what events say was used, beside what session logs say."""

from __future__ import annotations

from itertools import islice
from typing import Any

from costd.core.money import to_usd
from costd.core.summary import BASIS, envelope
from costd.engine.answers.report import read_question
from costd.engine.jobs import Job
from costd.engine.view import Params, View, text
from costd.ledger.event_sums import Cut, Usage

_AT_ONCE = 1
"""Steps that are worth no job; with the next one, in which the end is found."""
_DONE = object()


def event_report(view: View, params: Params) -> dict[str, Any] | Job:
    """Any cut of the usage in events; worked out in steps, since there may be many.

    Raises:
        UsageError: an unknown dimension, filter, zone or time.
    """
    view.telling.catch_up(view.now)
    question = read_question(view, params)
    cut = Cut(view.connection, question)

    def found() -> dict[str, Any]:
        rows = [
            {**dict(zip(question.by, row.keys, strict=True)), **_usage(row.usage)}
            for row in cut.rows
            if question.by
        ]
        return envelope(
            view.now,
            timezone=question.zone.key,
            since=text(params, "since"),
            until=text(params, "until"),
            by=list(question.by),
            filters={name: list(some) for name, some in question.filters.items()},
            rows=rows,
            total=_usage(cut.total),
            price_card={
                "version": view.ledger.card.version,
                "as_of": view.ledger.card.as_of,
            },
            basis=BASIS,
        )

    steps = view.ledger.database.stepping(cut.steps())
    for _ in islice(steps, _AT_ONCE):
        pass
    if next(steps, _DONE) is _DONE:
        return found()
    return view.jobs.begin(Job(steps, found))


def _usage(found: Usage) -> dict[str, Any]:
    cost = found.reported + found.estimated
    return {
        "events": found.events,
        "tokens": {
            "input": found.input_tokens,
            "output": found.output_tokens,
            "cache_read": found.cache_read_tokens,
            "cache_creation_5m": found.cache_creation_5m_tokens,
            "cache_creation_1h": found.cache_creation_1h_tokens,
            "total": found.total_tokens,
        },
        "cost_usd": None if found.unpriced and not found.priced else to_usd(cost),
        "reported_usd": to_usd(found.reported),
        "estimated_usd": to_usd(found.estimated),
        "lower_bound": found.unpriced > 0,
        "unpriced_events": found.unpriced,
        "unpriced_tokens": found.unpriced_tokens,
        "in_logs": {
            "events": found.logged_events,
            "tokens": found.logged_tokens,
            "cost_usd": to_usd(found.logged_cost),
        },
    }
