"""What a page is made of: lines and tables of cells, each a text with a meaning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from unicodedata import combining, east_asian_width

from costd.core.plain import one_line


class Cell(NamedTuple):
    """A text and what it is: ``title dim good warn bad money`` or nothing special."""

    text: str
    style: str = ""


class Line(NamedTuple):
    """Cells one after the other; without any, an empty line."""

    cells: tuple[Cell, ...] = ()


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        title: its head.
        right: whether it is aligned to the right, as numbers are.
        least: the width it may be shortened to on a narrow terminal; 0 for never.
        leave: when it is left out there: 1 first, then 2, …; 0 for never.
    """

    title: str
    right: bool = False
    least: int = 0
    leave: int = 0


class Table(NamedTuple):
    """Rows under a head, and sums below them."""

    columns: tuple[Column, ...]
    rows: Sequence[tuple[Cell, ...]]
    sums: Sequence[tuple[Cell, ...]] = ()


Page = list[Line | Table]

BLANK = Line()


def line(*cells: Cell | str) -> Line:
    """A line of cells; a bare text is nothing special."""
    return Line(tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in cells))


def note(text: str) -> Line:
    """A line of small print."""
    return line(Cell(text, "dim"))


def heading(text: str) -> list[Line | Table]:
    """A heading, with its distance from what is above."""
    return [BLANK, line(Cell(text, "title"))]


def cleaned(page: Iterable[Line | Table]) -> Page:
    """The page without anything that moves, hides or reorders text on a terminal.

    Names come from logs, which anybody can write.
    """
    return [
        Table(part.columns, _clean_rows(part.rows), _clean_rows(part.sums))
        if isinstance(part, Table)
        else Line(_clean(part.cells))
        for part in page
    ]


def width(text: str) -> int:
    """How many columns of a terminal ``text`` takes."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def _clean(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return tuple(Cell(one_line(cell.text), cell.style) for cell in cells)


def _clean_rows(rows: Sequence[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
    return [_clean(row) for row in rows]
