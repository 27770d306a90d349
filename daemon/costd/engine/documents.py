"""The summary files: which there are and what is in them.

Shapes that dashboards already read keep their names and camelCase.
"""

from __future__ import annotations

from typing import Any

from costd.core.instants import format_instant
from costd.core.money import to_usd
from costd.core.periods import day_of
from costd.core.summary import BASIS, Sums, cost_usd
from costd.engine.answers.report import costs_summary
from costd.engine.answers.status import status
from costd.engine.view import View
from costd.ledger.reports import Cut, Question, cut

_DAYS = 30
_DAY_MS = 86_400_000


def documents(view: View, *, state: str = "running") -> dict[str, Any]:
    """Every summary file's content, by its name."""
    current = status(view, {})
    today = day_of(view.now, view.zone)
    once = view.memory.once
    return {
        "status.json": {
            **current,
            "state": state,
            "complete": not view.intake.is_busy,
            "stale_after_seconds": 2 * view.tick_ms // 1000,
        },
        "costs-summary.json": once(("costs", today), lambda: costs_summary(view, {})),
        "runtime-metrics.json": once(
            ("runtimes", today), lambda: runtime_metrics(view)
        ),
    }


def runtime_metrics(view: View) -> dict[str, Any]:
    """What each runtime cost; outcomes are unknown until somebody reports them."""
    question = Question(("agent",), None, None, view.zone, {})
    models = cut(view.connection, question._replace(by=("agent", "model")))
    since = view.now - _DAYS * _DAY_MS
    days = cut(view.connection, question._replace(by=("day", "agent"), since=since))
    runtimes = {
        row.keys[0]: _runtime(
            row.sums,
            [m for m in models if m.keys[0] == row.keys[0]],
            [d for d in days if d.keys[1] == row.keys[0]],
        )
        for row in cut(view.connection, question)
    }
    return {
        "schemaVersion": 1,
        "timezone": view.zone.key,
        "basis": BASIS,
        "pricesAsOf": view.ledger.card.as_of,
        "since": format_instant(since // _DAY_MS * _DAY_MS),
        "runtimes": runtimes,
    }


def _runtime(sums: Sums, models: list[Cut], days: list[Cut]) -> dict[str, Any]:
    """A task is a session; what became of it nobody has said, so no rate is given."""
    return {
        "totalTasks": sums.sessions,
        "successfulTasks": 0,
        "failedTasks": 0,
        "unknownTasks": sums.sessions,
        "successRate": None,
        "avgDurationMinutes": None,
        "avgCost": to_usd(sums.cost // sums.sessions) if sums.sessions else None,
        "totalCost": cost_usd(sums),
        "totalTokens": sums.total_tokens,
        "lowerBound": bool(sums.unfinalised or sums.unpriced),
        "unpricedTokens": sums.unpriced_tokens,
        "byCapability": {},
        "byModel": {
            row.keys[1]: {
                "cost": cost_usd(row.sums),
                "tokens": row.sums.total_tokens,
                "responses": row.sums.responses,
            }
            for row in models
        },
        "dailyStats": [
            {
                "date": row.keys[0],
                "tasks": row.sums.sessions,
                "cost": cost_usd(row.sums),
                "successRate": None,
            }
            for row in days
        ],
    }
