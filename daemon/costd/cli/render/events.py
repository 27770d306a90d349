"""Events as a page: one line each, the later ones below."""

from __future__ import annotations

from typing import Any

from costd.cli.render.page import Cell, Column, Page, Table, line, note
from costd.cli.render.words import text
from costd.core import amounts

Json = dict[str, Any]

_LIST = (
    Column("when (UTC)"),
    Column("type"),
    Column("task or issue", least=10),
    Column("result"),
    Column("what", least=12),
    Column("agent", least=6, leave=3),
    Column("model", least=10, leave=2),
    Column("cost", right=True, leave=4),
    Column("tokens", right=True, leave=5),
    Column("order", right=True, leave=1),
)
_STYLES: dict[Any, str] = {True: "good", False: "bad"}


def events_page(answer: Json) -> Page:
    """The page for the answer to ``event_query``."""
    rows, count = answer.get("rows") or [], answer.get("count")
    if not rows:
        return [line("No event in this span.")]
    page: Page = [Table(_LIST, [_row(row) for row in rows])]
    if isinstance(count, int) and count > len(rows):
        shown = amounts.plural(len(rows), "event")
        page.append(note(f"the last {shown} of {count:,}; --limit 0 shows all"))
    return page


def _row(row: Json) -> tuple[Cell, ...]:
    return (
        Cell(amounts.instant(row.get("timestamp")), "dim"),
        Cell(text(row.get("type"))),
        Cell(text(row.get("task_id") or row.get("issue"))),
        _result(row),
        Cell(_what(row), "dim"),
        Cell(text(row.get("agent")), "dim"),
        Cell(text(row.get("model")), "dim"),
        _cost(row),
        Cell(amounts.tokens(row.get("total_tokens"))),
        Cell(amounts.number(row.get("lamport")), "dim"),
    )


def _result(row: Json) -> Cell:
    success = row.get("success")
    if row.get("type") == "gate_result":
        return Cell("passed" if success else "not passed", _STYLES.get(success, ""))
    return Cell(text(row.get("status")), _STYLES.get(success, "dim"))


def _what(row: Json) -> str:
    """The words that say most, by the type of the event."""
    if row.get("type") == "review_cycle":
        found = [
            f"{name.upper()} {row[f'issues_{name}']}"
            for name in ("p0", "p1")
            if row.get(f"issues_{name}") is not None
        ]
        return " ".join([*([row["reviewer"]] if row.get("reviewer") else []), *found])
    names = ("gate_name", "error", "title", "action", "run_id", "task_type")
    return text(next((row[name] for name in names if row.get(name)), None))


def _cost(row: Json) -> Cell:
    source = row.get("cost_source")
    if source == "unpriced":
        return Cell("unpriced", "bad")
    is_estimate = source == "estimated"
    return Cell(amounts.usd(row.get("cost_usd"), estimate=is_estimate), "money")
