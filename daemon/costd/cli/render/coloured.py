"""A page in colours, as text for a terminal.

By a few lines of its own: ``costd status`` is what a person types most, and a library
that draws tables takes three times as long to load as the daemon to answer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from costd.cli.render.fit import GAP, cut, fit
from costd.cli.render.page import Cell, Line, Page, Table, cleaned, width

STYLES = {
    "title": "1",
    "dim": "2",
    "good": "32",
    "warn": "33",
    "bad": "1;31",
    "money": "36",
    "sum": "1",
}
"""Of the sixteen colours that every terminal has in its own palette."""
NARROWEST = 40
_USUAL = 80


def coloured(page: Page, room: int, environ: Mapping[str, str]) -> str:
    """The page for a terminal of ``room`` columns, without a newline at its end.

    Without colours where ``NO_COLOR`` or a dumb terminal asks for none.
    """
    is_plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
    styles = {} if is_plain else STYLES
    room = max(room, NARROWEST)
    lines = list[str]()
    for part in cleaned(page):
        if isinstance(part, Table):
            lines += _table(fit(part, room), room, styles)
        else:
            lines += _line(part, room, styles)
    return "\n".join(lines)


def columns(environ: Mapping[str, str]) -> int:
    """How wide the terminal is that standard output goes to."""
    if environ.get("COLUMNS", "").isdigit():
        return int(environ["COLUMNS"])
    for descriptor in (1, 2, 0):
        try:
            return os.get_terminal_size(descriptor).columns or _USUAL
        except OSError:
            continue
    return _USUAL


def _styled(cell: Cell, styles: Mapping[str, str]) -> str:
    style = styles.get(cell.style)
    return f"\x1b[{style}m{cell.text}\x1b[0m" if style and cell.text else cell.text


def _line(part: Line, room: int, styles: Mapping[str, str]) -> Iterator[str]:
    """The line, or several where it is too long: broken between words."""
    written, used = list[Cell](), 0
    for cell in part.cells:
        held = ""
        for word in _words(cell.text):
            if used and used + width(word.rstrip(" ")) > room:
                yield _joined([*written, Cell(held, cell.style)], styles)
                written, used, held = [], 0, ""
            held += word
            used += width(word)
        written.append(Cell(held, cell.style))
    yield _joined(written, styles)


def _joined(cells: Sequence[Cell], styles: Mapping[str, str]) -> str:
    *before, last = cells or (Cell(""),)
    last = Cell(last.text.rstrip(" "), last.style)
    return "".join(_styled(cell, styles) for cell in (*before, last))


def _words(text: str) -> Iterator[str]:
    """The words with the spaces after them."""
    start = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or (text[end - 1] == " " and text[end] != " "):
            yield text[start:end]
            start = end


def _table(table: Table, room: int, styles: Mapping[str, str]) -> Iterator[str]:
    rows = [*table.rows, *table.sums]
    widths = [
        max(width(column.title), *(width(row[place].text) for row in rows), 0)
        for place, column in enumerate(table.columns)
    ]
    gaps = GAP * (len(widths) - 1)
    while sum(widths) + gaps > max(room, len(widths) + gaps):
        widths[widths.index(max(widths))] -= 1
    if any(column.title for column in table.columns):
        head = tuple(Cell(column.title, "dim") for column in table.columns)
        yield _row(head, table, widths, styles)
        yield "─" * (sum(widths) + gaps)
    for row in rows:
        yield _row(row, table, widths, styles)


def _row(
    row: tuple[Cell, ...],
    table: Table,
    widths: list[int],
    styles: Mapping[str, str],
) -> str:
    texts = []
    for cell, column, most in zip(row, table.columns, widths, strict=True):
        text = cut(cell.text, most)
        padding = " " * (most - width(text))
        shown = _styled(Cell(text, cell.style), styles)
        texts.append(padding + shown if column.right else shown + padding)
    return (" " * GAP).join(texts).rstrip(" ")
