"""A table as wide as a terminal: what may be left out goes, what may be cut is cut."""

from __future__ import annotations

from costd.cli.render.page import Cell, Column, Table, width

GAP = 2
CUT = "…"


def fit(table: Table, room: int) -> Table:
    """``table`` in at most ``room`` columns of a terminal, where that is possible."""
    while _natural(table) > room and (place := _first_to_leave(table)) is not None:
        if _least(table) <= room:
            break
        table = _without(table, place)
    excess = _natural(table) - room
    return _shortened(table, excess) if excess > 0 else table


def cut(text: str, room: int) -> str:
    """``text`` in at most ``room`` columns, with a sign where something is missing."""
    if width(text) <= room:
        return text
    while text and width(text) > room - 1:
        text = text[:-1]
    return text + CUT


def _widths(table: Table) -> list[int]:
    return [
        max(
            width(column.title),
            *(width(row[place].text) for row in [*table.rows, *table.sums]),
            0,
        )
        for place, column in enumerate(table.columns)
    ]


def _natural(table: Table) -> int:
    return sum(_widths(table)) + GAP * (len(table.columns) - 1)


def _least(table: Table) -> int:
    """The width with everything shortened as far as it may be."""
    widths = zip(_widths(table), table.columns, strict=True)
    parts = [min(most, column.least or most) for most, column in widths]
    return sum(parts) + GAP * (len(table.columns) - 1)


def _first_to_leave(table: Table) -> int | None:
    candidates = [
        (column.leave, place)
        for place, column in enumerate(table.columns)
        if column.leave
    ]
    return min(candidates)[1] if candidates else None


def _without(table: Table, place: int) -> Table:
    def but_one(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
        return (*row[:place], *row[place + 1 :])

    columns = (*table.columns[:place], *table.columns[place + 1 :])
    return Table(
        columns, [but_one(r) for r in table.rows], [but_one(r) for r in table.sums]
    )


def _shortened(table: Table, excess: int) -> Table:
    """``table`` with its widest columns that may be cut narrower by ``excess``."""
    widths = _widths(table)
    while excess > 0:
        room = [
            (widths[place], place)
            for place, column in enumerate(table.columns)
            if column.least and widths[place] > column.least
        ]
        if not room:
            break
        widths[max(room)[1]] -= 1
        excess -= 1
    rows = [_cut_row(row, table.columns, widths) for row in table.rows]
    sums = [_cut_row(row, table.columns, widths) for row in table.sums]
    return Table(table.columns, rows, sums)


def _cut_row(
    row: tuple[Cell, ...], columns: tuple[Column, ...], widths: list[int]
) -> tuple[Cell, ...]:
    return tuple(
        Cell(cut(cell.text, most), cell.style) if column.least else cell
        for cell, column, most in zip(row, columns, widths, strict=True)
    )
