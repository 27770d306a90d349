"""Sessions as pages: the list, and one in full."""

from __future__ import annotations

from typing import Any

from costd.cli.render.page import BLANK, Cell, Column, Page, Table, heading, line, note
from costd.cli.render.words import (
    SESSION_CHARS,
    cost_cell,
    issue_cell,
    reservations,
    text,
)
from costd.core import amounts

Json = dict[str, Any]

_LIST = (
    # Enough of an id to ask for the session; a pipe gets all of it.
    Column("session", least=SESSION_CHARS),
    Column("last (UTC)"),
    Column("issue", least=8),
    Column("role", least=6, leave=3),
    Column("project", least=12, leave=1),
    Column("branch", least=12),
    Column("model", least=12, leave=2),
    Column("cost", right=True),
    Column("tokens", right=True),
    Column("responses", right=True, leave=5),
    Column("subagents", right=True, leave=4),
)


def sessions_page(answer: Json) -> Page:
    """The page for the answer to ``sessions``."""
    rows, count = answer.get("rows") or [], answer.get("count")
    if not rows:
        return [line("No session in this span.")]
    page: Page = [Table(_LIST, [_row(row) for row in rows])]
    if any(row.get("live") for row in rows):
        page.append(note("● live"))
    shown = amounts.plural(len(rows), "session")
    if isinstance(count, int) and count > len(rows):
        page.append(note(f"{shown} of {count:,}; --limit 0 shows all"))
    if any(row.get("lower_bound") for row in rows):
        page.append(note("≥ lower bound: costd session ID says why"))
    return page


def _row(row: Json) -> tuple[Cell, ...]:
    return (
        Cell(text(row.get("session_id"))),
        Cell(_when(row), "good" if row.get("live") else "dim"),
        issue_cell(row.get("issue")),
        Cell(text(row.get("role")), "dim"),
        Cell(text(row.get("project")), "dim"),
        Cell(text(row.get("branch"))),
        Cell(", ".join(map(str, row.get("models") or [])), "dim"),
        cost_cell(row),
        Cell(amounts.tokens(row.get("tokens"))),
        Cell(amounts.number(row.get("responses"))),
        Cell(amounts.number(row.get("subagents")), "dim"),
    )


def _when(row: Json) -> str:
    return amounts.instant(row.get("last_at")) + (" ●" if row.get("live") else "")


def session_page(session: Json) -> Page:
    """The page for the answer to ``session``."""
    return [
        line(Cell(f"session {session.get('session_id')}", "title")),
        BLANK,
        _facts(session),
        *_cut("by model", session.get("by_model"), "model", share=True),
        *_cut("by subagent", session.get("by_agent"), "agent_id", "agent_type"),
        *_cut("by branch", session.get("by_branch"), "branch"),
        *_cut("by day", session.get("by_day"), "day"),
        *_files(session.get("files") or []),
        *_reported(session),
        *reservations(session),
    ]


def _facts(session: Json) -> Table:
    facts = [
        ("cost", cost_cell(session)),
        ("tokens", Cell(_buckets(session.get("tokens") or {}))),
        ("responses", Cell(amounts.number(session.get("responses")))),
        ("issue", issue_cell(session.get("issue"))),
        ("role", Cell(text(session.get("role")))),
        ("agent", Cell(text(session.get("agent")))),
        ("project", Cell(text(session.get("project")))),
        ("branch", Cell(text(session.get("branch")))),
        ("started", Cell(f"{amounts.instant(session.get('started_at'))} UTC")),
        ("last", Cell(f"{_when(session)} UTC")),
    ]
    columns = (Column(""), Column("", least=30))
    return Table(columns, [(Cell(name, "dim"), cell) for name, cell in facts])


def _buckets(tokens: Json) -> str:
    kinds = [
        f"{kind.replace('_', ' ')} {amounts.tokens(count)}"
        for kind, count in tokens.items()
        if kind != "total" and count
    ]
    said = f" ({', '.join(kinds)})" if kinds else ""
    return amounts.tokens(tokens) + said


def _cut(title: str, rows: Any, *keys: str, share: bool = False) -> Page:
    if not rows:
        return []
    columns = (
        *(Column(key.replace("agent_id", "subagent"), least=12) for key in keys),
        Column("cost", right=True),
        *([Column("share", right=True)] if share else []),
        Column("tokens", right=True),
        Column("responses", right=True),
    )
    cells = [
        (
            *(Cell(text(row.get(key))) for key in keys),
            cost_cell(row),
            *([Cell(amounts.share(row.get("share")), "dim")] if share else []),
            Cell(amounts.tokens(row.get("tokens"))),
            Cell(amounts.number(row.get("responses"))),
        )
        for row in rows
    ]
    return [*heading(title), Table(columns, cells)]


def _files(files: list[Json]) -> Page:
    if not files:
        return []
    page = heading("logs")
    for file in files:
        gone = "  (gone; what it held stays counted)" if file.get("vanished") else ""
        size = amounts.size(file.get("bytes"))
        page.append(line(f"{text(file.get('path'))}  ", Cell(size + gone, "dim")))
    return page


def _reported(session: Json) -> Page:
    reported = session.get("reported_cost_usd")
    if reported is None:
        return []
    said = f"The agent itself reported {amounts.usd(reported)}."
    return [BLANK, note(said)]
