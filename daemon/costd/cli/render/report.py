"""A report as a page: rows, their sum, who owns it, and what it cannot know."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from costd.cli.render.page import BLANK, Cell, Column, Page, Table, line
from costd.cli.render.words import (
    basis_line,
    cost_cell,
    issue_cell,
    reservations,
    text,
)
from costd.core import amounts

Json = dict[str, Any]

_PERIODS = ("hour", "day", "week", "month")
_SUMS = (
    Column("cost", right=True),
    Column("tokens", right=True),
    Column("input", right=True, leave=3),
    Column("output", right=True, leave=4),
    Column("cache read", right=True, leave=2),
    Column("cache write", right=True, leave=1),
    Column("responses", right=True, leave=6),
    Column("sessions", right=True, leave=5),
)
LEAST_NAME = 16


def report_page(report: Json) -> Page:
    """The page for the answer to ``report``."""
    total = report.get("total") or {}
    return [
        basis_line(report, span_line(report)),
        BLANK,
        *_body(report, total),
        *footer(report.get("ownership"), total),
        *reservations(total),
    ]


def span_line(report: Json) -> str:
    """The time that an answer is about."""
    since, until = report.get("since"), report.get("until")
    if not since and not until:
        return "all of the ledger"
    return f"{since or 'the beginning'} to {until or 'now'}"


def _body(report: Json, total: Json) -> Page:
    by, rows = report.get("by") or [], report.get("rows") or []
    if by and not rows:
        return [line("Nothing was used in this span.")]
    columns = (*(_column(name) for name in by), *_SUMS)
    if not by:
        return [Table(columns, [_sums(total)])]
    cells = [(*(_key(name, row) for name in by), *_sums(row)) for row in rows]
    labels = [Cell("total", "sum"), *[Cell("") for _ in by[1:]]]
    return [Table(columns, cells, [(*labels, *_sums(total, "sum"))])]


def _column(name: str) -> Column:
    return Column(name, least=0 if name in _PERIODS else LEAST_NAME)


def _key(name: str, row: Json) -> Cell:
    if name == "issue":
        return issue_cell(row.get(name))
    return Cell(text(row.get(name)))


def _sums(row: Json, style: str = "") -> tuple[Cell, ...]:
    tokens = row.get("tokens") or {}
    written = [tokens.get(f"cache_creation_{life}") for life in ("5m", "1h")]
    known = [count for count in written if count is not None]
    return (
        cost_cell(row, style or "money"),
        Cell(amounts.tokens(tokens), style),
        *(
            Cell(amounts.tokens(tokens.get(kind)), style or "dim")
            for kind in ("input", "output", "cache_read")
        ),
        Cell(amounts.tokens(sum(known) if known else None), style or "dim"),
        Cell(amounts.number(row.get("responses")), style),
        Cell(amounts.number(row.get("sessions")), style),
    )


def footer(ownership: Any, total: Json) -> Page:
    """``issues + buckets = total``, to the nano-dollar."""
    if not ownership:
        return []
    names = ("issues", "buckets", "total")
    issues, buckets, whole = _sum(*(ownership.get(f"{name}_usd") for name in names))
    bound = amounts.LOWER_BOUND if total.get("lower_bound") else ""
    said = f"issues {issues} + buckets {buckets} = total {bound}{whole}"
    page: Page = [BLANK, line(Cell(said, "dim"))]
    if ownership.get("exact") is False:
        page.append(line(Cell("✗ ", "bad"), "That is not equal: please report it."))
    return page


def _sum(*terms: Any) -> list[str]:
    """Two terms and their sum: to the cent, or exact where cents would not add up."""
    short = [amounts.usd(term) for term in terms]
    if amounts.UNKNOWN in short:
        return short
    first, second, whole = (Decimal(cents[1:].replace(",", "")) for cents in short)
    return short if first + second == whole else [amounts.exact(t) for t in terms]
