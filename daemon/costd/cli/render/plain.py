"""A page as text for a pipe or a file: aligned with spaces, whole, without colours."""

from __future__ import annotations

from costd.cli.render.page import Cell, Column, Line, Page, Table, cleaned, width

GAP = "  "


def plain(page: Page) -> str:
    """The page as text, without a newline at its end."""
    lines = list[str]()
    for part in cleaned(page):
        lines += _table(part) if isinstance(part, Table) else [_line(part)]
    return "\n".join(lines).strip("\n")


def _line(part: Line) -> str:
    return "".join(cell.text for cell in part.cells).rstrip()


def _table(table: Table) -> list[str]:
    head = tuple(Cell(column.title) for column in table.columns)
    rows = [head] if any(column.title for column in table.columns) else []
    rows += [*table.rows, *table.sums]
    widths = [
        max((width(row[place].text) for row in rows), default=0)
        for place in range(len(table.columns))
    ]
    return [_row(row, table.columns, widths) for row in rows]


def _row(row: tuple[Cell, ...], columns: tuple[Column, ...], widths: list[int]) -> str:
    texts = []
    for cell, column, most in zip(row, columns, widths, strict=True):
        padding = " " * (most - width(cell.text))
        texts.append(padding + cell.text if column.right else cell.text + padding)
    return GAP.join(texts).rstrip()
