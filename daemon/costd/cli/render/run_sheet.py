"""Runs as CSV: a row for each run, or for each iteration."""

from __future__ import annotations

from typing import Any

from costd.cli.render.sheet import as_csv

Json = dict[str, Any]

COLUMNS = {
    "run_id": "run_id",
    "timestamp": "started_at",
    "issue": "issue",
    "task": "task",
    "status": "status",
    "exit_code": "exit_code",
    "iterations": "iterations",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "total_tokens": "tokens",
    "tokens_estimated": "tokens_estimated",
    "cost_usd": "cost_usd",
    "cost_state": "cost_state",
    "lower_bound": "lower_bound",
    "duration_seconds": "duration_ms",
    "files_modified": "files_changed",
    "agent": "agent",
    "provider": "provider",
    "model": "model",
    "role": "role",
    "capability": "capability",
    "scope_violations": "scope_violations",
    "validation_failures": "validation_failures",
}
"""A column, and the field of a run that it shows."""

EACH = (
    "run_id",
    "iteration",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cost_usd",
    "duration_ms",
)


def run_sheet(rows: list[Json], *, is_detailed: bool) -> tuple[str, int]:
    """The text, and how many rows it has under its head."""
    if is_detailed:
        found = [_iteration(r, i) for r in rows for i in r.get("per_iteration") or []]
        return as_csv({"by": EACH, "rows": found}), len(found)
    return as_csv({"by": list(COLUMNS), "rows": list(map(_run, rows))}), len(rows)


def _run(row: Json) -> Json:
    cells = {column: row.get(field) for column, field in COLUMNS.items()}
    took = row.get("duration_ms")
    cells["duration_seconds"] = None if took is None else round(took / 1000, 3)
    return cells


def _iteration(row: Json, iteration: Json) -> Json:
    values = {**iteration, "run_id": row.get("run_id")}
    values["total_tokens"] = iteration.get("tokens")
    phases = iteration.get("phases") or {}
    return {
        **{name: values.get(name) for name in EACH},
        **{f"phase_{name}_ms": ms for name, ms in phases.items()},
    }
