"""``activities``: what activities that somebody told of have cost."""

from __future__ import annotations

from typing import Any

from costd.core.money import to_usd
from costd.core.summary import envelope, instant
from costd.engine.answers.report import read_question
from costd.engine.view import Params, View, number, text
from costd.ledger.activities import dearest, kinds

_LIMIT = 10


def activities(view: View, params: Params) -> dict[str, Any]:
    """By type, and the dearest ones. Their money is what events say: in no other sum.

    Raises:
        UsageError: a time or a zone that there is none of.
    """
    view.telling.catch_up(view.now)
    question = read_question(view, {**params, "filters": {}})
    span = question.since, question.until
    return envelope(
        view.now,
        timezone=question.zone.key,
        since=text(params, "since"),
        until=text(params, "until"),
        byType=[
            {
                "type": kind.name or None,
                "count": kind.told,
                "cost": None if kind.silent == kind.told else to_usd(kind.cost),
                "lowerBound": kind.unpriced > 0,
            }
            for kind in kinds(view.connection, *span)
        ],
        dearest=[
            {
                "event_id": each.event_id,
                "timestamp": instant(each.at),
                "type": each.kind or None,
                "title": each.title or None,
                "model": each.model or None,
                "issue": each.issue or None,
                "session_id": each.session_id or None,
                "status": each.status or None,
                "tokens": each.tokens,
                "cost": to_usd(each.cost),
            }
            for each in dearest(view.connection, *span, number(params, "limit", _LIMIT))
        ],
    )
