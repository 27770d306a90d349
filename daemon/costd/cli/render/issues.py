"""Issues as pages: the list with the buckets, and one in full."""

from __future__ import annotations

from typing import Any

from costd.cli.render.page import (
    BLANK,
    Cell,
    Column,
    Line,
    Page,
    Table,
    heading,
    line,
    note,
)
from costd.cli.render.report import footer, span_line
from costd.cli.render.words import (
    SESSION_CHARS,
    cost_cell,
    issue_cell,
    reservations,
    text,
)
from costd.core import amounts

Json = dict[str, Any]

_SUMS = (
    Column("cost", right=True),
    Column("tokens", right=True),
    Column("responses", right=True, leave=4),
)
_LIST = (
    Column("issue", least=12),
    Column("last (UTC)", leave=3),
    Column("roles", least=8, leave=2),
    Column("models", least=12, leave=1),
    *_SUMS,
    Column("sessions", right=True, leave=5),
)
_BUCKETS = (Column("owned by no issue", least=16), Column("why", least=20), *_SUMS)
_SESSIONS = (
    Column("session", least=SESSION_CHARS),
    Column("last (UTC)"),
    Column("role", least=6, leave=3),
    Column("project", least=8, leave=1),
    Column("model", least=12, leave=2),
    Column("cost", right=True),
    Column("share", right=True),
    Column("tokens", right=True),
    Column("responses", right=True, leave=5),
    Column("subagents", right=True, leave=4),
)
_PULLS = (
    Column("pull request", least=16),
    Column("since (UTC)"),
    Column("address", least=20),
)


def issues_page(answer: Json) -> Page:
    """The page for the answer to ``issues``."""
    rows, buckets = answer.get("rows") or [], answer.get("buckets") or []
    total = answer.get("total") or {}
    page: Page = [_about(answer), BLANK]
    if rows:
        page.append(Table(_LIST, [_issue(row) for row in rows]))
    else:
        page.append(line("No issue owns anything in this span."))
    page += _more(len(rows), answer.get("count"), "issue")
    if buckets:
        page += [BLANK, Table(_BUCKETS, [_bucket(row) for row in buckets])]
        page.append(note("costd suggest says what of it could be linked"))
    ownership = {**total, "total_usd": total.get("cost_usd")}
    return [*page, *footer(ownership, total), *reservations(total)]


def issue_page(answer: Json) -> Page:
    """The page for the answer to ``issue``."""
    total = answer.get("total") or {}
    said = f"{amounts.tokens(total.get('tokens'))} tokens in "
    said += f"{amounts.plural(total.get('responses') or 0, 'response')} of "
    said += amounts.plural(total.get("sessions") or 0, "session")
    return [
        line(issue_cell(answer.get("issue"))._replace(style="title")),
        _about(answer),
        BLANK,
        line(cost_cell(total, "sum"), f"  {said}"),
        *_live(answer.get("live")),
        *_sessions(answer.get("by_session")),
        *_cut("by model", answer.get("by_model"), "model"),
        *_cut("by role", answer.get("by_role"), "role"),
        *_cut("by day", answer.get("by_day"), "day"),
        *_cut("subagents", answer.get("subagents"), "agent_id", "agent_type", "role"),
        *_pulls(answer.get("prs")),
        *_claims(answer),
        *reservations(total),
    ]


def _about(answer: Json) -> Line:
    """What the amounts are."""
    basis = text(answer.get("basis") or "list-price equivalent")
    return note(" · ".join([span_line(answer), text(answer.get("timezone")), basis]))


def _issue(row: Json) -> tuple[Cell, ...]:
    live = " ●" if row.get("live") else ""
    return (
        issue_cell(row.get("issue")),
        Cell(amounts.instant(row.get("last_at")) + live, "good" if live else "dim"),
        Cell(_names(row.get("roles")), "dim"),
        Cell(_names(row.get("models")), "dim"),
        *_sums(row),
        Cell(amounts.number(row.get("sessions")), "dim"),
    )


def _bucket(row: Json) -> tuple[Cell, ...]:
    return issue_cell(row.get("bucket")), Cell(text(row.get("reason"))), *_sums(row)


def _sums(row: Json) -> tuple[Cell, ...]:
    return (
        cost_cell(row),
        Cell(amounts.tokens(row.get("tokens"))),
        Cell(amounts.number(row.get("responses")), "dim"),
    )


def _names(values: Any) -> str:
    return ", ".join(map(str, values or [])) or amounts.UNKNOWN


def _more(shown: int, count: Any, noun: str) -> Page:
    if not isinstance(count, int) or count <= shown:
        return []
    return [note(f"{amounts.plural(shown, noun)} of {count:,}; --limit 0 shows all")]


def _live(sessions: Any) -> Page:
    page: Page = []
    for session in sessions or []:
        rate = amounts.usd(session.get("usd_per_hour"))
        said = f"{text(session.get('session_id'))} on {text(session.get('branch'))}"
        page.append(line(Cell("● ", "good"), said, Cell(f"  {rate}/h", "money")))
    return page


def _sessions(rows: Any) -> Page:
    if not rows:
        return []
    cells = [
        (
            Cell(text(row.get("session_id"))),
            Cell(
                amounts.instant(row.get("last_at")) + (" ●" if row.get("live") else "")
            ),
            Cell(_names(row.get("roles")), "dim"),
            Cell(text(row.get("project")), "dim"),
            Cell(_names(row.get("models")), "dim"),
            cost_cell(row),
            Cell(amounts.share(row.get("share")), "dim"),
            Cell(amounts.tokens(row.get("tokens"))),
            Cell(amounts.number(row.get("responses"))),
            Cell(amounts.number(row.get("subagents")), "dim"),
        )
        for row in rows
    ]
    return [*heading("by session"), Table(_SESSIONS, cells)]


def _cut(title: str, rows: Any, *keys: str) -> Page:
    """A table of parts of the issue."""
    if not rows:
        return []
    columns = (
        *(Column("subagent" if key == "agent_id" else key) for key in keys),
        Column("cost", right=True),
        Column("share", right=True),
        Column("tokens", right=True),
        Column("responses", right=True),
    )
    cells = [
        (
            *(Cell(text(row.get(key))) for key in keys),
            cost_cell(row),
            Cell(amounts.share(row.get("share")), "dim"),
            Cell(amounts.tokens(row.get("tokens"))),
            Cell(amounts.number(row.get("responses"))),
        )
        for row in rows
    ]
    return [*heading(title), Table(columns, cells)]


def _pulls(rows: Any) -> Page:
    if not rows:
        return []
    cells = [
        (
            Cell(f"{text(row.get('repository'))}!{text(row.get('number'))}"),
            Cell(amounts.instant(row.get("linked_at")), "dim"),
            Cell(text(row.get("url")), "dim"),
        )
        for row in rows
    ]
    return [*heading("pull requests"), Table(_PULLS, cells)]


def _claims(answer: Json) -> Page:
    claims = answer.get("claims") or []
    if not claims:
        return []
    said = f"{amounts.plural(len(claims), 'claim')} by people and tools"
    return [BLANK, note(f"{said}: costd claims --issue {text(answer.get('issue'))}")]
