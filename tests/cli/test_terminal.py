"""Pages on terminals: narrow ones, and those that want no colours."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.canned import SUMS, live, report, status
from costd.cli.render.coloured import coloured
from costd.cli.render.fit import GAP, cut, fit
from costd.cli.render.page import Cell, Column, Page, Table, line, width
from costd.cli.render.report import report_page
from costd.cli.render.status import status_page


def drawn(page: Page, room: int, **environ: str) -> str:
    return coloured(page, room, {"TERM": "xterm-256color", **environ})


def busy() -> dict[str, Any]:
    health = [{"code": "x", "message": "m " * 80, "fix": "f", "severity": "error"}]
    unattributed = {"none:default-branch": 3.2}
    return status(live=[live(), live()], health=health, unattributed=unattributed)


@pytest.mark.parametrize("room", [60, 80, 100, 132, 200])
def test_a_page_is_never_wider_than_the_terminal(room: int) -> None:
    rows = [{"day": "2026-11-21", "model": "claude-opus-5-20261101", **SUMS}]
    for page in (status_page(busy()), report_page(report(rows=rows))):
        text = drawn(page, room, NO_COLOR="1")
        assert max(width(line.rstrip()) for line in text.splitlines()) <= room


def test_eighty_columns_show_the_money_and_shorten_the_names() -> None:
    text = drawn(status_page(busy()), 80, NO_COLOR="1")
    row = next(line for line in text.splitlines() if line.startswith("1a2b3c4d"))
    assert row.split() == [
        "1a2b3c4d",
        "MIN-123",
        "review",
        "feature/min-123-a…",
        "$1.23",
        "~$1.31",
        "$4.50",
        "1.2M",
        "12s",
    ]


def test_a_wide_terminal_shows_everything() -> None:
    text = drawn(status_page(busy()), 160, NO_COLOR="1")
    assert "feature/min-123-a-branch-with-a-long-name" in text
    assert "claude-opus-5" in text


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colours_where_they_are_not_wanted(environ: dict[str, str]) -> None:
    assert "\x1b" not in drawn(status_page(busy()), 80, **environ)


@pytest.mark.parametrize("environ", [{}, {"NO_COLOR": ""}])
def test_colours_elsewhere(environ: dict[str, str]) -> None:
    assert "\x1b[1;31m✗" in drawn(status_page(busy()), 80, **environ)


def test_names_are_no_markup_and_no_escapes() -> None:
    page = status_page(status(live=[live(branch="[red]x[/] :smile:", issue="\x1b[5m")]))
    text = drawn(page, 200, NO_COLOR="1")
    assert "[red]x[/] :smile:" in text
    assert r"\x1b[5m" in text


TABLE = Table(
    (Column("name", least=4), Column("extra", leave=1), Column("$", right=True)),
    [(Cell("a-long-name"), Cell("more"), Cell("$1.00"))],
)


@pytest.mark.parametrize(
    ("room", "row"),
    [
        (80, ["a-long-name", "more", "$1.00"]),
        (25, ["a-long-name", "more", "$1.00"]),
        (24, ["a-long-na…", "more", "$1.00"]),
        (18, ["a-l…", "more", "$1.00"]),
        (17, ["a-long-na…", "$1.00"]),
        (11, ["a-l…", "$1.00"]),
        (5, ["a-l…", "$1.00"]),
    ],
)
def test_names_are_shortened_before_columns_are_left_out(
    room: int, row: list[str]
) -> None:
    assert [cell.text for cell in fit(TABLE, room).rows[0]] == row


@given(st.text(), st.integers(min_value=1, max_value=20))
def test_a_cut_text_fits(text: str, room: int) -> None:
    short = cut(text, room)
    assert width(short) <= room
    assert short == text or short.endswith("…")


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("ø", 1), ("日本", 4), ("e\u0301", 1), ("", 0)]
)
def test_width_is_what_a_terminal_needs(text: str, columns: int) -> None:
    assert width(text) == columns


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5), st.integers(30, 90))
def test_any_table_fits_when_its_names_may_be_cut(names: list[str], room: int) -> None:
    columns = (Column("name", least=5), Column("$", right=True))
    table = fit(Table(columns, [(Cell(n), Cell("$1.00")) for n in names]), room)
    widest = max(width(row[0].text) for row in table.rows)
    assert max(widest, 4) + GAP + 5 <= room


def test_a_long_line_is_broken_between_words_and_keeps_its_colours() -> None:
    page: Page = [line(Cell("some words ", "dim"), Cell("more of them " * 5, "bad"))]
    text = coloured(page, 40, {})
    lines = text.splitlines()
    assert lines[0].startswith("\x1b[2msome words \x1b[0m\x1b[1;31mmore of")
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", row) for row in lines]
    assert " ".join(row.strip() for row in plain).split() == (
        ["some", "words", *["more", "of", "them"] * 5]
    )
    assert max(len(row.rstrip()) for row in plain) <= 40


def test_a_table_that_cannot_be_narrow_enough_is_cut() -> None:
    table = Table((Column("$", right=True),) * 3, [(Cell("$1,234,567.00"),) * 3])
    lines = coloured([table], 40, {"NO_COLOR": "1"}).splitlines()
    assert max(width(row) for row in lines) <= 40
    assert "…" in lines[2]
