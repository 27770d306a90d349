"""A page in colours, by rich; whoever imports this waits for rich."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from costd.cli.render.fit import fit
from costd.cli.render.page import Cell, Line, Page, Table, cleaned

STYLES = {
    "": "",
    "title": "bold",
    "dim": "dim",
    "good": "green",
    "warn": "yellow",
    "bad": "bold red",
    "money": "cyan",
    "sum": "bold",
}
NARROWEST = 40


def console(stream: TextIO, environ: Mapping[str, str] | None = None) -> Console:
    """A console for ``stream``; in plain text where colours are not wanted."""
    found = os.environ if environ is None else environ
    is_plain = bool(found.get("NO_COLOR")) or found.get("TERM") == "dumb"
    return Console(
        file=stream,
        force_terminal=True,
        color_system=None if is_plain else "auto",
        highlight=False,
        markup=False,
        emoji=False,
    )


def group(page: Page, room: int) -> Group:
    """The page for a terminal of ``room`` columns."""
    return Group(*(_part(part, max(room, NARROWEST)) for part in cleaned(page)))


def _part(part: Line | Table, room: int) -> RenderableType:
    if isinstance(part, Table):
        return _table(fit(part, room))
    return _text(part.cells)


def _text(cells: tuple[Cell, ...]) -> Text:
    return Text.assemble(*((cell.text, STYLES[cell.style]) for cell in cells))


def _table(table: Table) -> RichTable:
    drawn = RichTable(
        box=SIMPLE_HEAD,
        show_header=any(column.title for column in table.columns),
        header_style=STYLES["dim"],
        show_edge=False,
        pad_edge=False,
        # with the box's own space between two columns: GAP of ``fit``
        padding=(0, 1, 0, 0),
    )
    for column in table.columns:
        drawn.add_column(
            Text(column.title),
            justify="right" if column.right else "left",
            no_wrap=True,
        )
    for row in (*table.rows, *table.sums):
        drawn.add_row(*(_text((cell,)) for cell in row))
    return drawn
