"""How tasks go, as a page."""

from __future__ import annotations

from typing import Any

from costd.cli.render.page import Cell, Column, Page, Table, heading, line, note
from costd.cli.render.runs import STYLES, took
from costd.cli.render.words import text
from costd.core import amounts

Json = dict[str, Any]

_DAYS = (
    Column("day"),
    Column("tasks", right=True),
    Column("success", right=True),
    Column("failed", right=True),
    Column("unknown", right=True, leave=1),
    Column("avg time", right=True),
    Column("errors", right=True),
)
_ERRORS = (
    Column("what goes wrong", least=16),
    Column("times", right=True),
    Column("last (UTC)"),
    Column("told by", leave=1),
)
_SLOW = (
    Column("slowest tasks", least=16),
    Column("took", right=True),
    Column("ended (UTC)", leave=2),
    Column("agent", leave=1),
    Column("outcome"),
)
_TOLD = {"event": "events", "log": "logs", "run": "runs"}


def performance_page(answer: Json) -> Page:
    """The page for the answer to ``performance``."""
    summary = answer.get("summary") or {}
    page: Page = [_facts(summary)]
    if not summary.get("totalTasks"):
        page.append(
            note("no run and no event in this span: see costd exec, costd event")
        )
    elif summary.get("unknownTasks"):
        page.append(note("unknown: costd outcome says how the work on an issue ended"))
    if daily := answer.get("daily"):
        page += [line(), Table(_DAYS, [_day(each) for each in daily])]
    if patterns := answer.get("errorPatterns"):
        page += [
            *heading("errors"),
            Table(_ERRORS, [_error(each) for each in patterns]),
        ]
    if slow := answer.get("topSlowTasks"):
        page += [line(), Table(_SLOW, [_slow(each) for each in slow])]
    return page


def _facts(summary: Json) -> Table:
    names = (
        ("succeeded", "successfulTasks"),
        ("failed", "failedTasks"),
        ("blocked", "blockedTasks"),
        ("unknown", "unknownTasks"),
    )
    counts = ", ".join(f"{summary[k]:,} {n}" for n, k in names if summary.get(k))
    tasks = amounts.number(summary.get("totalTasks"))
    known = (summary.get("totalTasks") or 0) - (summary.get("unknownTasks") or 0)
    rate = _percent(summary.get("successRate"))
    if rate != amounts.UNKNOWN:
        rate = f"{rate} of {known:,} with a known outcome"
    facts = (
        ("success rate", rate),
        ("tasks", f"{tasks} ({counts})" if counts else tasks),
        ("average task", took(summary.get("avgTaskTime"))),
        ("average response", took(summary.get("avgResponseTime"))),
        ("errors today", amounts.number(summary.get("errorsToday"))),
    )
    rows = [(Cell(name, "dim"), Cell(said)) for name, said in facts]
    return Table((Column(""), Column("")), rows)


def _day(each: Json) -> tuple[Cell, ...]:
    failed, errors = each.get("failedTasks") or 0, each.get("errors") or 0
    return (
        Cell(text(each.get("date"))),
        Cell(amounts.number(each.get("taskCount"))),
        Cell(_percent(each.get("successRate"))),
        Cell(f"{failed:,}", "bad" if failed else "dim"),
        Cell(amounts.number(each.get("unknownTasks")), "dim"),
        Cell(took(each.get("avgDuration"))),
        Cell(f"{errors:,}", "warn" if errors else "dim"),
    )


def _error(each: Json) -> tuple[Cell, ...]:
    sources = [_TOLD.get(name, name) for name in each.get("sources") or []]
    return (
        Cell(text(each.get("message"))),
        Cell(amounts.number(each.get("count"))),
        Cell(amounts.instant(each.get("lastOccurred")), "dim"),
        Cell(", ".join(sources), "dim"),
    )


def _slow(each: Json) -> tuple[Cell, ...]:
    status = text(each.get("status"))
    return (
        Cell(text(each.get("title"))),
        Cell(took(each.get("duration"))),
        Cell(amounts.instant(each.get("timestamp")), "dim"),
        Cell(text(each.get("agent")), "dim"),
        Cell(status, STYLES.get(status, "")),
    )


def _percent(value: Any) -> str:
    return amounts.UNKNOWN if value is None else f"{value:.0f} %"
