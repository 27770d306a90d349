"""A page as Markdown, for an issue or a chat."""

from __future__ import annotations

import re
from collections.abc import Iterable

from costd.cli.render.page import Cell, Column, Line, Page, Table, cleaned

# What Markdown or the HTML within it would take for more than text.
_SPECIAL = re.compile(r"([\\`*_\[\]<>|])")


def markdown(page: Page) -> str:
    """The page as Markdown, without a newline at its end."""
    parts = []
    for part in cleaned(page):
        text = _table(part) if isinstance(part, Table) else _line(part)
        if text:
            parts.append(text)
    return "\n\n".join(parts)


def _line(part: Line) -> str:
    text = "".join(_escaped(cell) for cell in part.cells).strip()
    return f"**{text}**" if any(cell.style == "title" for cell in part.cells) else text


def _table(table: Table) -> str:
    rows = [
        _row(Cell(column.title) for column in table.columns),
        "|" + "|".join(_rule(column) for column in table.columns) + "|",
        *(_row(row) for row in table.rows),
        *(_row(row) for row in table.sums),
    ]
    return "\n".join(rows)


def _row(cells: Iterable[Cell]) -> str:
    return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"


def _rule(column: Column) -> str:
    return " ---: " if column.right else " --- "


def _escaped(cell: Cell) -> str:
    return _SPECIAL.sub(r"\\\1", cell.text)
