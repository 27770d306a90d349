"""Suggestions as pages: what could be linked, and what was."""

from __future__ import annotations

from typing import Any

from costd.cli.render.claims import moved_page, selector
from costd.cli.render.page import BLANK, Cell, Column, Page, Table, line, note
from costd.cli.render.words import cost_cell, issue_cell, text
from costd.core import amounts

Json = dict[str, Any]

_ROWS = (
    Column("what", least=16),
    Column("could be", least=8),
    Column("sure", right=True),
    Column("why", least=16, leave=1),
    Column("now in", least=12, leave=2),
    Column("responses", right=True, leave=3),
    Column("cost", right=True),
)


def suggest_page(answer: Json) -> Page:
    """The page for the answer to ``suggest``."""
    rows = answer.get("rows") or []
    if not rows:
        return [
            line("Nothing to link: no name hints at an issue that it does not have.")
        ]
    page: Page = [Table(_ROWS, [_row(row) for row in rows])]
    count = answer.get("count")
    if isinstance(count, int) and count > len(rows):
        page.append(note(f"{len(rows):,} of {count:,}; --limit 0 shows all"))
    applicable = answer.get("applicable") or 0
    if applicable:
        unpriced = answer.get("applicable_unpriced_responses")
        cost = amounts.usd(answer.get("applicable_usd"), lower_bound=bool(unpriced))
        if answer.get("applicable_usd") is None:
            cost = "unpriced work"
        said = (
            f"{amounts.plural(applicable, 'claim')} would move {cost}. Make them all: "
        )
        page += [BLANK, line(said, Cell(text(answer.get("apply_command")), "title"))]
    if len(rows) > applicable:
        page.append(note("what is ambiguous is left to you: costd link"))
    return page


def applied_page(answer: Json) -> Page:
    """The page for what ``costd suggest --apply`` has done."""
    claims = answer.get("claims") or []
    page: Page = [
        line(
            Cell("✓ ", "good"), f"{selector(claim)} → ", issue_cell(claim.get("issue"))
        )
        for claim in claims
    ]
    if not claims:
        page.append(line("Nothing was linked."))
    if skipped := answer.get("skipped"):
        page.append(note(f"{amounts.plural(skipped, 'ambiguous one')} left to you"))
    return [*page, *moved_page(answer)]


def _row(row: Json) -> tuple[Cell, ...]:
    ambiguous = row.get("reason") == "ambiguous"
    return (
        Cell(selector(row)),
        issue_cell(row.get("issue")),
        Cell("?" if ambiguous else amounts.share(row.get("confidence")), "dim"),
        Cell(text(row.get("evidence")), "dim"),
        issue_cell(row.get("bucket")),
        Cell(amounts.number(row.get("responses")), "dim"),
        cost_cell(row),
    )
