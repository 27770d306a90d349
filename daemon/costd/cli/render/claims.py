"""Claims as pages: what was said, what it moves, what could be said."""

from __future__ import annotations

from typing import Any

from costd.cli.render.page import BLANK, Cell, Column, Line, Page, Table, line, note
from costd.cli.render.words import cost_cell, issue_cell, text
from costd.core import amounts

Json = dict[str, Any]

_CLAIMS = (
    Column("claim", right=True),
    Column("what", least=16),
    Column("issue", least=8),
    Column("role", least=6),
    Column("from (UTC)", leave=3),
    Column("until (UTC)", leave=2),
    Column("said (UTC)", leave=1),
    Column("by"),
)
_MOVED = (
    Column("from", least=8),
    Column("to", least=8),
    Column("responses", right=True),
    Column("cost", right=True),
)
SELECTORS = ("session", "agent", "pid", "branch", "cwd")


def link_page(answer: Json) -> Page:
    """The page for the answer to ``link``."""
    claim = answer.get("claim") or {}
    return [_said(claim, answer), *moved_page(answer)]


def unlink_page(answer: Json) -> Page:
    """The page for the answer to ``unlink``."""
    claims = answer.get("claims")
    if not isinstance(claims, list):
        claims = [answer["claim"]] if answer.get("claim") else []
    verb = "would be taken back" if answer.get("dry_run") else "is taken back"
    page: Page = [
        line(f"claim {text(claim.get('id'))} {verb}: ", *_claim(claim))
        for claim in claims
    ]
    return [
        *(page or [line("There is no such claim.")]),
        *moved_page(answer),
    ]


def claims_page(answer: Json) -> Page:
    """The page for the answer to ``claims``."""
    rows = answer.get("rows") or []
    if not rows:
        return [line("Nobody has claimed anything.")]
    page: Page = [Table(_CLAIMS, [_row(row) for row in rows])]
    count = answer.get("count")
    if isinstance(count, int) and count > len(rows):
        shown = amounts.plural(len(rows), "claim")
        page.append(note(f"{shown} of {count:,}; --limit 0 shows all"))
    return page


def _row(row: Json) -> tuple[Cell, ...]:
    is_gone = bool(row.get("revoked_at"))
    what = f"{selector(row)}{' (taken back)' if is_gone else ''}"
    style = "dim" if is_gone else ""
    return (
        Cell(text(row.get("id")), style),
        Cell(what, style),
        issue_cell(row.get("issue")),
        Cell(text(row.get("role")), "dim"),
        Cell(amounts.instant(row.get("from")), "dim"),
        Cell(amounts.instant(row.get("until")), "dim"),
        Cell(amounts.instant(row.get("made_at")), "dim"),
        Cell(text(row.get("made_by") or row.get("rule")), "dim"),
    )


def selector(claim: Json) -> str:
    """``session 1a2b…``: what a claim speaks of, with its directory where it has one."""
    kind, value = claim.get("selector"), claim.get("value")
    if kind is None:
        kind = next((name for name in SELECTORS if claim.get(name) is not None), None)
        value = claim.get(str(kind))
    within = f" in {claim['within']}" if claim.get("within") else ""
    return f"{text(kind)} {text(value)}{within}"


def _claim(claim: Json) -> list[Cell | str]:
    role = f" in the role {claim['role']}" if claim.get("role") else ""
    times = [
        f" {name} {amounts.instant(claim.get(name))}"
        for name in ("from", "until")
        if claim.get(name)
    ]
    said = f"{role}{''.join(times)}"
    return [f"{selector(claim)} → ", issue_cell(claim.get("issue")), said]


def _said(claim: Json, answer: Json) -> Line:
    if answer.get("spooled"):
        return line(Cell("… ", "warn"), "waits in the spool: ", *_claim(claim))
    if answer.get("dry_run"):
        return line(Cell("? ", "warn"), "it would be said: ", *_claim(claim))
    known = " was made already" if answer.get("duplicate") else ""
    number = f"claim {text(claim.get('id'))}{known}: "
    return line(Cell("✓ ", "good"), number, *_claim(claim))


def moved_page(answer: Json) -> Page:
    """What went, or would go, from whom to whom."""
    verb = "would move" if answer.get("dry_run") else "moved"
    moved = answer.get("moved")
    if answer.get("spooled") or not isinstance(moved, dict):
        return []
    rows = moved.get("rows") or []
    responses = moved.get("responses") or 0
    if not responses and not rows:
        return [note(f"nothing {verb}: no response is concerned yet")]
    said = f"{cost_cell(moved).text} of "
    said += amounts.plural(responses, "response")
    page: Page = [BLANK, line(f"{said} {verb}")]
    cells = [
        (
            issue_cell(row.get("from")),
            issue_cell(row.get("to")),
            Cell(amounts.number(row.get("responses"))),
            cost_cell(row),
        )
        for row in rows
    ]
    return [*page, Table(_MOVED, cells)] if cells else page
