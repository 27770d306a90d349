"""The summary files: which there are and what is in them.

Shapes that dashboards already read keep their names and camelCase.
"""

from __future__ import annotations

from typing import Any

from costd.core.periods import day_of
from costd.engine.answers.performance import performance_of
from costd.engine.answers.report import costs_summary
from costd.engine.answers.runtimes import runtime_metrics
from costd.engine.answers.status import status
from costd.engine.view import View


def documents(view: View, *, state: str = "running") -> dict[str, Any]:
    """Every summary file's content, by its name."""
    current = status(view, {})
    today = day_of(view.now, view.zone)
    once = view.memory.once
    return {
        "status.json": {
            **current,
            "state": state,
            "stale_after_seconds": 2 * view.tick_ms // 1000,
        },
        "costs-summary.json": once(("costs", today), lambda: costs_summary(view, {})),
        "runtime-metrics.json": once(
            ("runtimes", today, view.runs.version), lambda: runtime_metrics(view)
        ),
        "performance.json": once(
            ("performance", today, view.runs.version), lambda: performance_of(view, {})
        ),
    }
