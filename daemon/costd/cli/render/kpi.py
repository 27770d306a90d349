"""The figures of tasks as a page, and as one line."""

from __future__ import annotations

from typing import Any

from costd.cli.render.page import BLANK, Cell, Column, Page, Table, line, note
from costd.cli.render.report import span_line
from costd.cli.render.words import text
from costd.core import amounts

Json = dict[str, Any]

_FIGURES = (
    Column("cycle time", right=True),
    Column("cost/task", right=True),
    Column("iterations", right=True, leave=3),
    Column("gates", right=True),
    Column("reviews", right=True, leave=2),
    Column("P0", right=True, leave=4),
    Column("P1", right=True, leave=5),
)
_PERIODS = (
    Column("period"),
    Column("tasks", right=True),
    Column("ok", right=True),
    Column("failed", right=True),
    Column("unknown", right=True, leave=1),
    *_FIGURES,
)
_TASKS = (
    Column("task", least=12),
    Column("status"),
    Column("ended (UTC)", leave=1),
    *_FIGURES,
)
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_TITLES = {"daily": "day", "weekly": "week", "cycle": "cycle", "task": "task"}


def kpi_page(answer: Json) -> Page:
    """The page for the answer to ``kpi``."""
    rows, total = answer.get("rows") or [], answer.get("total") or {}
    head = note(
        " · ".join(
            [
                span_line(answer),
                f"by {_TITLES.get(str(answer.get('period')), 'period')}",
                text(answer.get("timezone")),
                text(answer.get("basis")),
            ]
        )
    )
    if not total.get("tasks") and not rows:
        return [head, BLANK, line("No task in this span."), *_hint()]
    if answer.get("period") == "task":
        table = Table(_TASKS, [_task(row) for row in rows], [_task_total(total)])
    else:
        cells = [_period(row, text(row.get("label"))) for row in rows]
        table = Table(_PERIODS, cells, [_period(total, "total", "sum")])
    return [head, BLANK, table, *_left_out(answer)]


def summary_page(answer: Json) -> Page:
    """All of it on one line."""
    total = answer.get("total") or {}
    tasks = total.get("tasks") or 0
    outcomes = [
        f"{total.get(name)} {name}"
        for name in ("succeeded", "failed", "unknown")
        if total.get(name)
    ]
    said = amounts.plural(tasks, "task") + (f": {', '.join(outcomes)}" if tasks else "")
    parts = [said]
    if total.get("cycle_time_seconds") is not None:
        parts.append(f"{_time(total)} a task")
    if total.get("cost_usd") is not None:
        parts.append(f"{_cost(total).text} a task")
    if total.get("iterations") is not None:
        parts.append(f"{_average(total.get('iterations'))} iterations")
    if total.get("gates"):
        parts.append(f"gates {_gates(total)}")
    if total.get("reviews"):
        found = [
            f"{name.upper()} {total[f'issues_{name}']}"
            for name in ("p0", "p1")
            if total.get(f"issues_{name}") is not None
        ]
        parts.append(", ".join([amounts.plural(total["reviews"], "review"), *found]))
    return [line(" · ".join(parts))]


def _period(row: Json, label: str, style: str = "") -> tuple[Cell, ...]:
    counts = [row.get(name) for name in ("tasks", "succeeded", "failed", "unknown")]
    styles = ("", "good", "bad", "dim")
    return (
        Cell(label, style),
        *(
            Cell(amounts.number(count), style or (kind if count else "dim"))
            for count, kind in zip(counts, styles, strict=True)
        ),
        *_figures(row, style),
    )


def _task(row: Json) -> tuple[Cell, ...]:
    status = text(row.get("status"))
    style = {"completed": "good", "failed": "bad"}.get(status, "dim")
    return (
        Cell(text(row.get("task_id"))),
        Cell(status, style),
        Cell(amounts.instant(row.get("to")), "dim"),
        *_figures(row),
    )


def _task_total(total: Json) -> tuple[Cell, ...]:
    said = amounts.plural(total.get("tasks") or 0, "task")
    return (
        Cell(f"all {said}", "sum"),
        Cell(f"{total.get('succeeded')} completed", "sum"),
        Cell("", "sum"),
        *_figures(total, "sum"),
    )


def _figures(row: Json, style: str = "") -> tuple[Cell, ...]:
    return (
        Cell(_time(row), style),
        _cost(row, style or "money"),
        Cell(_average(row.get("iterations")), style or "dim"),
        Cell(_gates(row), style),
        Cell(amounts.number(row.get("reviews")), style or "dim"),
        Cell(amounts.number(row.get("issues_p0")), style or "dim"),
        Cell(amounts.number(row.get("issues_p1")), style or "dim"),
    )


def _time(row: Json) -> str:
    """``45s``, ``12m``, ``3h 05m``, ``2d 4h``."""
    value = row.get("cycle_time_seconds")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return amounts.UNKNOWN
    seconds = round(value)
    if seconds < _MINUTE:
        return f"{seconds}s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE}m"
    if seconds < _DAY:
        return f"{seconds // _HOUR}h {seconds % _HOUR // _MINUTE:02d}m"
    return f"{seconds // _DAY}d {seconds % _DAY // _HOUR}h"


def _cost(row: Json, style: str = "money") -> Cell:
    if row.get("cost_usd") is None and row.get("unpriced_events"):
        return Cell("unpriced", "bad")
    bound = bool(row.get("lower_bound"))
    return Cell(amounts.usd(row.get("cost_usd"), lower_bound=bound), style)


def _average(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return amounts.UNKNOWN
    return f"{value:.1f}".removesuffix(".0")


def _gates(row: Json) -> str:
    if not row.get("gates"):
        return amounts.UNKNOWN
    share = amounts.share(row.get("gate_pass_rate"))
    return f"{row.get('gates_passed')}/{row['gates']} {share}"


def _left_out(answer: Json) -> Page:
    """What the numbers do not say by themselves."""
    rows, total = answer.get("rows") or [], answer.get("total") or {}
    page: Page = []
    tasks = total.get("tasks") or 0
    if answer.get("period") == "task" and tasks > len(rows):
        page.append(note(f"{len(rows)} of {tasks:,} tasks; --limit 0 shows all"))
    if total.get("lower_bound"):
        page.append(note("≥ lower bound: some of it has no price, or no final count"))
    return page


def _hint() -> Page:
    return [note("tell costd of one: costd event task_start task_id=MIN-123")]
