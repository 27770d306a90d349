"""The status as a page: what runs, what it cost, what is wrong."""

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
from costd.cli.render.words import (
    SESSION_CHARS,
    basis_line,
    cost_cell,
    issue_cell,
    reason_list,
    text,
    unread,
)
from costd.core import amounts

Json = dict[str, Any]

PERIODS = ("today", "week", "month", "all")

_LIVE = (
    Column("session"),
    Column("agent", leave=2),
    Column("issue", least=8),
    Column("role", least=6, leave=3),
    Column("branch", least=14),
    Column("model", least=12, leave=1),
    Column("cost", right=True),
    Column("est.", right=True),
    Column("$/h", right=True),
    Column("tokens", right=True),
    Column("age", right=True),
)
_TOTALS = (
    Column(""),
    Column("cost", right=True),
    Column("tokens", right=True),
    Column("responses", right=True),
)
_COVERAGE = (
    Column("agent"),
    Column("files", right=True),
    Column("behind", right=True),
    Column("last line", right=True),
    Column("skipped", right=True),
    Column("salvaged", right=True, leave=1),
)


def status_page(status: Json) -> Page:
    """The page for the answer to ``status``."""
    return [
        _head(status),
        *_unread(status),
        BLANK,
        _totals(status),
        *_live(status),
        *_unattributed(status),
        *_unpriced(status),
        *_health(status),
        *_coverage(status),
        *_legend(status),
    ]


def _head(status: Json) -> Line:
    uptime = amounts.age(status.get("started_at"), status.get("generated_at"))
    is_hosted = status.get("daemon") is False
    running = "no daemon" if is_hosted else f"up {uptime}"
    name = Cell(f"costd {text(status.get('version'))}", "title")
    return line(name, " · ", *basis_line(status, running).cells)


def _unread(status: Json) -> Page:
    """Said first: what stands below is not all, and may be nothing yet."""
    said = unread(status)
    return [line(Cell(f"! {said}", "warn"))] if said else []


def _totals(status: Json) -> Table:
    totals = status.get("totals") or {}
    partial = {"lower_bound": True} if unread(status) else {}
    rows = []
    for period in PERIODS:
        sums = totals.get(period) or {}
        rows.append(
            (
                Cell(period, "title" if period == "today" else ""),
                cost_cell({"lower_bound": is_bound(status, period), **sums, **partial}),
                Cell(amounts.tokens(sums.get("tokens"))),
                Cell(amounts.number(sums.get("responses"))),
            )
        )
    return Table(_TOTALS, rows)


def is_bound(status: Json, period: str) -> bool:
    """Whether a sum that does not say so is a lower bound: that of everything may be."""
    bound = status.get("lower_bound") or {}
    return period == "all" and bool(bound.get("responses") or bound.get("reasons"))


def _live(status: Json) -> Page:
    live = status.get("live") or []
    if not live:
        return [BLANK, line(Cell("no session is live", "dim"))]
    rows = [_live_row(session, status.get("generated_at")) for session in live]
    return [*heading(amounts.plural(len(live), "live session")), Table(_LIVE, rows)]


def _live_row(session: Json, now: Any) -> tuple[Cell, ...]:
    return (
        Cell(short_id(session.get("session_id"))),
        Cell(text(session.get("agent")), "dim"),
        issue_cell(session.get("issue")),
        Cell(text(session.get("role")), "dim"),
        Cell(text(session.get("branch"))),
        Cell(text(session.get("model")), "dim"),
        cost_cell({"responses": session.get("unpriced_responses"), **session}),
        Cell(amounts.usd(session.get("estimated_cost_usd"), estimate=True), "dim"),
        Cell(amounts.usd(session.get("usd_per_hour"))),
        Cell(amounts.tokens(session.get("tokens"))),
        Cell(amounts.age(session.get("last_at"), now), "dim"),
    )


def _unattributed(status: Json) -> Page:
    buckets = {
        name: cost
        for name, cost in (status.get("unattributed") or {}).items()
        if cost != 0
    }
    if not buckets:
        return []
    rows = [
        (Cell(name), Cell(amounts.usd(cost), "money"))
        for name, cost in sorted(buckets.items(), key=lambda pair: -(pair[1] or 0))
    ]
    table = Table((Column(""), Column("", right=True)), rows)
    return [*heading("without an issue"), table]


def _unpriced(status: Json) -> Page:
    unpriced = status.get("unpriced") or {}
    models = [_model_name(model) for model in unpriced.get("models") or []]
    if not models:
        return []
    said = f"{amounts.tokens(unpriced.get('tokens'))} tokens of {', '.join(models)}"
    return [
        BLANK,
        line(Cell("unpriced  ", "bad"), f"{said} are in no total: no price is known."),
    ]


def _model_name(model: Any) -> str:
    return text(model.get("model") if isinstance(model, dict) else model)


def _health(status: Json) -> Page:
    problems = status.get("health") or []
    if not problems:
        return [BLANK, line(Cell("health", "title"), "  ", Cell("well", "good"))]
    page: Page = heading("health")
    for problem in problems:
        bad = problem.get("severity") == "error"
        sign = Cell("✗ " if bad else "! ", "bad" if bad else "warn")
        page.append(line(sign, f"{problem.get('code')}: {problem.get('message')}"))
        if problem.get("fix"):
            page.append(note(f"  {problem['fix']}"))
    return page


def _coverage(status: Json) -> Page:
    sources = _used(status.get("sources") or [])
    rows = [_source_row(source, status.get("generated_at")) for source in sources]
    page = [*heading("logs"), Table(_COVERAGE, rows)] if rows else heading("logs")
    for source in sources:
        roots = ", ".join(str(root) for root in source.get("roots") or [])
        page.append(note(f"{source.get('name')}: {roots or 'no directory'}"))
        if source.get("last_error"):
            page.append(line(Cell(f"! {source['last_error']}", "warn")))
    if status.get("ledger"):
        page.append(note(_kept(status)))
    if status.get("complete", True) and not any(s.get("files") for s in sources):
        page.append(
            line("No logs yet. What an agent writes there shows up here by itself.")
        )
    return page


def _kept(status: Json) -> str:
    """How the ledger is kept, in a few words."""
    ledger, now = status.get("ledger") or {}, status.get("generated_at")
    said = []
    for name, key in (("checked", "checked_at"), ("copied", "snapshot_at")):
        age = amounts.age(ledger.get(key), now)
        said.append(
            f"{name} {age} ago" if age != amounts.UNKNOWN else f"not {name} yet"
        )
    words = f"ledger: {amounts.size(ledger.get('bytes'))}, {', '.join(said)}"
    mode = (status.get("watch") or {}).get("mode")
    return f"{words}; changes seen by {text(mode)}" if mode else words


def _used(sources: list[Json]) -> list[Json]:
    """Without the agents that nobody has here; all of them while there is none."""
    signs = ("files", "vanished_files", "last_error")
    used = [source for source in sources if any(source.get(sign) for sign in signs)]
    return used or sources


def _source_row(source: Json, now: Any) -> tuple[Cell, ...]:
    skipped, behind = source.get("skipped_lines"), source.get("bytes_behind")
    last = amounts.age(source.get("last_record_at"), now)
    return (
        Cell(text(source.get("name"))),
        Cell(amounts.number(source.get("files"))),
        Cell(amounts.size(behind), "warn" if behind else ""),
        Cell(f"{last} ago" if last != amounts.UNKNOWN else last, "dim"),
        Cell(amounts.number(skipped), "warn" if skipped else "dim"),
        Cell(amounts.number(source.get("salvaged_lines")), "dim"),
    )


def _legend(status: Json) -> Page:
    page: Page = []
    bound = status.get("lower_bound") or {}
    if is_bound(status, "all"):
        page.append(note(f"≥ lower bound{reason_list(bound.get('reasons'))}"))
    if status.get("live"):
        page.append(
            note("~ estimate: with the time since the last line, at its own rate")
        )
    return [BLANK, *page] if page else []


def short_id(session_id: Any) -> str:
    """The first characters of a session's id: enough to ask for it."""
    return text(session_id)[:SESSION_CHARS]
