"""Runs as values: one line of a list, what many are together, how the last one compares.

Rates are shares of runs whose outcome somebody reported; averages are over the runs
that have the figure. Where there is none it is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Json = dict[str, Any]

OUTCOMES = ("completed", "blocked", "failed", "unknown")
JUDGED = ("completed", "blocked", "failed")
"""Outcomes with evidence: the others are in no rate."""

LAST = 5
"""The runs that the last one is compared with."""

STEADY = 0.10
"""A change of less than a tenth is none."""

TREND = ("cost_usd", "tokens", "duration_ms", "iterations")
_MOST_EXPENSIVE = 5


def row_of(report: Json) -> Json:
    """One run in a list: what its report says, flat."""
    run, outcome = _part(report, "run"), _part(report, "outcome")
    tokens, cost = _part(report, "tokens"), _part(report, "cost")
    timing, files = _part(report, "timing"), _part(report, "files")
    return {
        "run_id": run.get("run_id"),
        "started_at": timing.get("started_at"),
        "completed_at": timing.get("completed_at"),
        "duration_ms": timing.get("duration_ms"),
        **{
            name: run.get(name)
            for name in (
                "issue",
                "task",
                "role",
                "capability",
                "agent",
                "provider",
                "model",
                "project",
                "source",
            )
        },
        "status": outcome.get("status") or "unknown",
        "evidence": outcome.get("evidence"),
        "exit_code": outcome.get("exit_code"),
        "iterations": outcome.get("iterations"),
        "input_tokens": tokens.get("input"),
        "output_tokens": tokens.get("output"),
        "tokens": tokens.get("total"),
        "tokens_estimated": tokens.get("estimated"),
        "cost_usd": cost.get("cost_usd"),
        "cost_state": cost.get("state"),
        "lower_bound": bool(cost.get("lower_bound")),
        "files_changed": files.get("count"),
        "scope_violations": _part(report, "scope").get("violations"),
        "validation_failures": _part(report, "validation").get("failures"),
    }


def iterations_of(report: Json) -> list[Json]:
    """A run's iterations, each with what is known of it."""
    found: dict[Any, Json] = {}
    for each in _list(_part(report, "timing").get("per_iteration")):
        known = found.setdefault(each.get("iteration"), {})
        known["duration_ms"] = each.get("duration_ms")
        known["phases"] = each.get("phases") or {}
    for each in _list(_part(report, "tokens").get("per_iteration")):
        known = found.setdefault(each.get("iteration"), {})
        known["input_tokens"] = each.get("input")
        known["output_tokens"] = each.get("output")
        known["tokens"] = each.get("total")
    for each in _list(_part(report, "cost").get("per_iteration")):
        found.setdefault(each.get("iteration"), {})["cost_usd"] = each.get("cost_usd")
    blank = dict.fromkeys(
        ("duration_ms", "input_tokens", "output_tokens", "tokens", "cost_usd")
    )
    return [
        {"iteration": number, **blank, "phases": {}, **known}
        for number, known in sorted(
            found.items(), key=lambda item: str(item[0]).zfill(9)
        )
    ]


def summary(reports: Sequence[Json]) -> Json:
    """What runs are together; the latest first."""
    rows = [row_of(report) for report in reports]
    counts = dict.fromkeys(OUTCOMES, 0)
    for row in rows:
        counts[row["status"] if row["status"] in counts else "unknown"] += 1
    dear = [row for row in rows if row["cost_usd"] is not None]
    dear.sort(key=lambda row: -row["cost_usd"])
    return {
        "runs": len(rows),
        **counts,
        "success_rate": success_rate(counts),
        "total_cost_usd": _sum(row["cost_usd"] for row in rows),
        "runs_without_cost": len(rows) - len(dear),
        "lower_bound": any(row["lower_bound"] for row in rows),
        "total_tokens": _sum(row["tokens"] for row in rows),
        "avg_cost_usd": average(row["cost_usd"] for row in rows),
        "avg_tokens": average(row["tokens"] for row in rows),
        "avg_duration_ms": average(row["duration_ms"] for row in rows),
        "avg_iterations": average(row["iterations"] for row in rows),
        "most_expensive": dear[:_MOST_EXPENSIVE],
        "phases": distribution(reports),
        "trend": trend(rows),
    }


def success_rate(counts: Mapping[str, int]) -> float | None:
    """Completed runs of those whose outcome is known; None where none is."""
    known = sum(counts.get(status, 0) for status in JUDGED)
    return counts.get("completed", 0) / known if known else None


def average(values: Iterable[float | None]) -> float | None:
    """Of those that are known, to nine decimals; None where none is."""
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 9) if known else None


def distribution(reports: Iterable[Json]) -> list[Json]:
    """Each phase's share of a run's time, averaged over the runs that tell; largest first.

    A run in which a phase does not occur has a share of 0 of it, so that the shares
    add up to 1.
    """
    sums: dict[str, float] = {}
    runs = 0
    for report in reports:
        phases = _part(_part(report, "timing"), "phases")
        known = {n: ms for n, ms in phases.items() if isinstance(ms, int | float)}
        whole = sum(known.values())
        if whole <= 0:
            continue
        runs += 1
        for name, ms in known.items():
            sums[name] = sums.get(name, 0.0) + ms / whole
    found = [{"phase": n, "share": round(s / runs, 9)} for n, s in sums.items()]
    return sorted(
        found, key=lambda each: (-float(str(each["share"])), str(each["phase"]))
    )


def trend(rows: Sequence[Json]) -> Json | None:
    """The latest run against the average of the five before it; None without any."""
    if len(rows) < 2:  # noqa: PLR2004 - one run has nothing to be compared with
        return None
    last, before = rows[0], rows[1 : 1 + LAST]
    return {
        "runs": len(before),
        **{name: _change(last[name], [row[name] for row in before]) for name in TREND},
    }


def _change(last: float | None, before: list[float | None]) -> Json:
    usual = average(before)
    change = None
    if last is not None and usual:
        change = round((last - usual) / usual, 9)
    return {
        "last": last,
        "average": usual,
        "change": change,
        "direction": None if change is None else _direction(change),
    }


def _direction(change: float) -> str:
    if abs(change) < STEADY:
        return "flat"
    return "up" if change > 0 else "down"


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known), 9) if known else None


def _part(report: Mapping[str, Any], name: str) -> Json:
    found = report.get(name)
    return found if isinstance(found, dict) else {}


def _list(value: Any) -> list[Json]:
    return (
        [each for each in value if isinstance(each, dict)]
        if isinstance(value, list)
        else []
    )
