"""Runtimes compared, as a page."""

from __future__ import annotations

from typing import Any

from costd.cli.render.page import Cell, Column, Page, Table, heading, line, note
from costd.cli.render.runs import took
from costd.core import amounts

Json = dict[str, Any]

_COLUMNS = (
    Column("runtime", least=6),
    Column("tasks", right=True),
    Column("success", right=True),
    Column("known", right=True, leave=2),
    Column("avg time", right=True),
    Column("total cost", right=True),
    Column("per task", right=True, leave=1),
    Column("per success", right=True),
    Column("tokens", right=True, leave=3),
)
_CAPABILITIES = (
    Column("runtime", least=6),
    Column("kind of work", least=8),
    Column("tasks", right=True),
    Column("success", right=True),
    Column("avg time", right=True),
    Column(""),
)
_MINUTE_MS = 60_000


def runtimes_page(answer: Json) -> Page:
    """The page for the answer to ``runtimes``."""
    found = answer.get("runtimes") or {}
    if not found:
        return [line("No agent has done anything that costd knows of.")]
    ordered = sorted(found.items(), key=lambda item: -(item[1].get("totalCost") or 0))
    page: Page = [Table(_COLUMNS, [_row(name, each) for name, each in ordered])]
    kinds = [
        _kind(name, kind, sums)
        for name, each in ordered
        for kind, sums in (each.get("byCapability") or {}).items()
    ]
    if kinds:
        page += [*heading("by kind of work"), Table(_CAPABILITIES, kinds)]
    if any(each.get("successRate") is None for each in found.values()):
        said = "success: of tasks whose outcome somebody told; costd outcome --help"
        page.append(note(said))
    if any(each.get("costPerSuccessLowerBound") for each in found.values()):
        page.append(note("≥ lower bound: some tasks with an outcome have no cost"))
    return page


def _row(name: str, each: Json) -> tuple[Cell, ...]:
    tasks, unknown = each.get("totalTasks") or 0, each.get("unknownTasks") or 0
    is_bound = bool(each.get("lowerBound"))
    is_least = bool(each.get("costPerSuccessLowerBound"))
    return (
        Cell(name),
        Cell(amounts.number(tasks)),
        Cell(amounts.share(each.get("successRate"))),
        Cell(f"{tasks - unknown:,}", "dim"),
        Cell(_minutes(each.get("avgDurationMinutes"))),
        Cell(amounts.usd(each.get("totalCost"), lower_bound=is_bound), "money"),
        Cell(amounts.usd(each.get("avgCost"), lower_bound=is_bound)),
        Cell(amounts.usd(each.get("costPerSuccess"), lower_bound=is_least), "money"),
        Cell(amounts.tokens(each.get("totalTokens"))),
    )


def _kind(name: str, kind: str, sums: Json) -> tuple[Cell, ...]:
    guessed, tasks = sums.get("inferredTasks") or 0, sums.get("tasks") or 0
    said = "" if not guessed else "by branch" if guessed == tasks else "some by branch"
    return (
        Cell(name),
        Cell(kind),
        Cell(amounts.number(tasks)),
        Cell(amounts.share(sums.get("successRate"))),
        Cell(_minutes(sums.get("avgDuration"))),
        Cell(said, "dim"),
    )


def _minutes(value: Any) -> str:
    return amounts.UNKNOWN if value is None else took(value * _MINUTE_MS)
