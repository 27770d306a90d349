"""The summary files: which there are and what is in them.

Shapes that dashboards already read keep their names and camelCase.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from costd.core.instants import format_instant
from costd.core.money import to_usd
from costd.core.periods import day_of, start_of_day, starts
from costd.core.summary import BASIS, Sums, cost_usd, together
from costd.engine.answers.report import costs_summary
from costd.engine.answers.status import status
from costd.engine.history import sums_by
from costd.engine.view import View
from costd.ledger.reports import Cut, Question, cut, session_counts

_DAYS = 30


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
    first = day_of(view.now, view.zone) - timedelta(days=_DAYS - 1)
    since = start_of_day(first, view.zone)
    models, days = sums_by(view, ("agent", "model")), _days(view, since)
    return {
        "schemaVersion": 1,
        "timezone": view.zone.key,
        "basis": BASIS,
        "pricesAsOf": view.ledger.card.as_of,
        "since": format_instant(since),
        "runtimes": {
            agent: _runtime(
                count,
                {model: s for (name, model), s in models.items() if name == agent},
                [day for day in days if day.keys[1] == agent],
            )
            for agent, count in session_counts(view.connection).items()
        },
    }


def _days(view: View, since: int) -> list[Cut]:
    """Each day of each agent; the days before today are cut once."""
    today, _, _ = starts(view.now, view.zone)
    question = Question(("day", "agent"), since, today, view.zone, {})
    past = view.memory.before(
        today, ("days", since), lambda: cut(view.connection, question)
    )
    recent = question._replace(since=today, until=view.now + 1)
    return [*past, *cut(view.connection, recent)]


def _runtime(tasks: int, models: dict[str, Sums], days: list[Cut]) -> dict[str, Any]:
    """A task is a session; what became of it nobody has said, so no rate is given."""
    sums = together(models.values())
    return {
        "totalTasks": tasks,
        "successfulTasks": 0,
        "failedTasks": 0,
        "unknownTasks": tasks,
        "successRate": None,
        "avgDurationMinutes": None,
        "avgCost": to_usd(sums.cost // tasks),
        "totalCost": cost_usd(sums),
        "totalTokens": sums.total_tokens,
        "lowerBound": bool(sums.unfinalised or sums.unpriced),
        "unpricedTokens": sums.unpriced_tokens,
        "byCapability": {},
        "byModel": {
            model: {
                "cost": cost_usd(found),
                "tokens": found.total_tokens,
                "responses": found.responses,
            }
            for model, found in sorted(models.items())
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
