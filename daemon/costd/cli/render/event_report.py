"""What events say was used, as a page."""

from __future__ import annotations

from typing import Any

from costd.cli.render.page import BLANK, Cell, Column, Page, Table, line, note
from costd.cli.render.report import LEAST_NAME, span_line
from costd.cli.render.words import basis_line, text
from costd.cli.words import PERIODS
from costd.core import amounts

Json = dict[str, Any]

_SUMS = (
    Column("cost", right=True),
    Column("of it estimated", right=True, leave=2),
    Column("tokens", right=True),
    Column("input", right=True, leave=3),
    Column("output", right=True, leave=4),
    Column("events", right=True),
    Column("in logs too", right=True, leave=1),
)


def event_report_page(answer: Json) -> Page:
    """The page for the answer to ``event_report``."""
    total, by = answer.get("total") or {}, answer.get("by") or []
    rows = answer.get("rows") or []
    head = basis_line(answer, f"events, {span_line(answer)}")
    logged = total.get("in_logs") or {}
    if not total.get("events") and not logged.get("events"):
        return [head, BLANK, line("No event says what was used in this span.")]
    names = [Column(name, least=0 if name in PERIODS else LEAST_NAME) for name in by]
    cells = [(*(Cell(text(row.get(n))) for n in by), *_sums(row)) for row in rows]
    if by:
        labels = [Cell("total", "sum"), *[Cell("") for _ in by[1:]]]
        table = Table((*names, *_SUMS), cells, [(*labels, *_sums(total, "sum"))])
    else:
        table = Table(_SUMS, [_sums(total)])
    return [head, BLANK, table, *_notes(total, logged)]


def _sums(row: Json, style: str = "") -> tuple[Cell, ...]:
    tokens, logged = row.get("tokens") or {}, row.get("in_logs") or {}
    return (
        _cost(row, style or "money"),
        Cell(amounts.usd(row.get("estimated_usd") or None), style or "dim"),
        Cell(amounts.tokens(tokens), style),
        Cell(amounts.tokens(tokens.get("input")), style or "dim"),
        Cell(amounts.tokens(tokens.get("output")), style or "dim"),
        Cell(amounts.number(row.get("events")), style),
        Cell(amounts.number(logged.get("events")), style or "dim"),
    )


def _cost(row: Json, style: str) -> Cell:
    if row.get("cost_usd") is None and row.get("unpriced_events"):
        return Cell("unpriced", "bad")
    bound = bool(row.get("lower_bound"))
    return Cell(amounts.usd(row.get("cost_usd"), lower_bound=bound), style)


def _notes(total: Json, logged: Json) -> Page:
    page: Page = [BLANK]
    if logged.get("events"):
        said = amounts.plural(logged["events"], "event")
        page.append(
            note(
                f"{said} with {amounts.tokens(logged.get('tokens'))} tokens are in"
                " session logs too: costd report has them, and they are in no sum here"
            )
        )
    if total.get("unpriced_events"):
        said = amounts.plural(total["unpriced_events"], "event")
        page.append(
            note(f"≥ lower bound: {said} without a price; costd event query says why")
        )
    return page if page != [BLANK] else []
