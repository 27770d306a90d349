"""Hooks as pages: what one would send, and which ones are there."""

from __future__ import annotations

from typing import Any

from costd.cli.render.page import BLANK, Cell, Column, Page, Table, line, note
from costd.cli.render.words import issue_cell, text

Json = dict[str, Any]

_FACTS = (Column(""), Column("", least=30))


def test_page(answer: Json) -> Page:
    """The page for ``costd hook --test``."""
    message = answer.get("message")
    page: Page = []
    if answer.get("sample"):
        page += [note("nothing on standard input: a sample is shown"), BLANK]
    if not isinstance(message, dict):
        return [
            *page,
            line(Cell("! ", "warn"), "It names no session: nothing is sent."),
        ]
    environment = message.get("environment") or {}
    told = {**message, **environment}
    told.pop("environment", None)
    rows = [(Cell(name, "dim"), Cell(text(value))) for name, value in told.items()]
    page.append(Table(_FACTS, rows))
    return [*page, BLANK, *_owner(answer), _way(answer, is_kept=bool(environment))]


def _owner(answer: Json) -> Page:
    if not answer.get("issue"):
        return [line("No variable names an issue: branch and directory decide.")]
    role = f" in the role {answer['role']}" if answer.get("role") else ""
    evidence = f"{role}, by {text(answer.get('evidence'))}."
    return [line("It links the session to ", issue_cell(answer["issue"]), evidence)]


def _way(answer: Json, *, is_kept: bool) -> Any:
    if answer.get("daemon"):
        return line(Cell("✓ ", "good"), "A daemon is there to take it.")
    if is_kept:
        said = f"No daemon answers: it would wait in {text(answer.get('spool'))}."
    else:
        said = "No daemon answers: nothing is lost, it reads the logs when it starts."
    return line(Cell("! ", "warn"), said)


def status_page(answer: Json) -> Page:
    """The page for ``costd hook status``."""
    rows = [
        (
            Cell("✓" if call else "✗", "good" if call else "bad"),
            Cell(event),
            Cell(text(call), "dim"),
        )
        for event, call in (answer.get("events") or {}).items()
    ]
    columns = (Column(""), Column("event"), Column("calls", least=20))
    page: Page = [line(text(answer.get("settings"))), Table(columns, rows)]
    for name in answer.get("blocked_by") or []:
        page.append(
            line(Cell("! ", "warn"), f"{text(name)} is set: no hook is called.")
        )
    for program in answer.get("missing_programs") or []:
        page.append(
            line(Cell("! ", "bad"), f"there is no such program: {text(program)}")
        )
    if not answer.get("installed"):
        page.append(note("costd hook install adds what is missing"))
    return page
