"""Runs as pages: the list, one report, and all of them together."""

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
from costd.cli.render.words import SESSION_CHARS, issue_cell, text
from costd.core import amounts

Json = dict[str, Any]

STYLES = {"completed": "good", "blocked": "warn", "failed": "bad", "unknown": "dim"}
BAR = 25
_LIST = (
    Column("run", least=SESSION_CHARS),
    Column("began (UTC)", leave=4),
    Column("issue", least=8),
    Column("role", least=6, leave=2),
    Column("agent", least=6, leave=3),
    Column("model", least=12, leave=1),
    Column("outcome"),
    Column("took", right=True),
    Column("cost", right=True),
    Column("tokens", right=True, leave=6),
    Column("files", right=True, leave=5),
)
_FILES = (("created", "+", "good"), ("modified", "~", "warn"), ("deleted", "-", "bad"))
_MOST_FILES = 20
_ARROWS = {"up": "up", "down": "down", "flat": "about the same"}
_TRENDS = (
    ("cost_usd", "cost"),
    ("tokens", "tokens"),
    ("duration_ms", "time"),
    ("iterations", "iterations"),
)


def list_page(answer: Json) -> Page:
    """The page for the answer to ``runs``."""
    rows, count = answer.get("rows") or [], answer.get("count")
    if not rows:
        said = "No run in this span. costd exec leaves one: costd exec --help"
        return [line(said)]
    page: Page = [Table(_LIST, [_row(row) for row in rows])]
    if isinstance(count, int) and count > len(rows):
        shown = amounts.plural(len(rows), "run")
        page.append(note(f"{shown} of {count:,}; --limit 0 shows all"))
    if any(row.get("lower_bound") for row in rows):
        page.append(note("≥ lower bound: costd runs show ID says more"))
    if any(row.get("cost_state") == "pending" for row in rows):
        page.append(note("pending: the agent's log has not been read yet"))
    return page


def _row(row: Json) -> tuple[Cell, ...]:
    status = text(row.get("status"))
    return (
        Cell(text(row.get("run_id"))[:SESSION_CHARS]),
        Cell(amounts.instant(row.get("started_at")), "dim"),
        issue_cell(row.get("issue") or row.get("task")),
        Cell(text(row.get("role")), "dim"),
        Cell(text(row.get("agent")), "dim"),
        Cell(text(row.get("model")), "dim"),
        Cell(status, STYLES.get(status, "")),
        Cell(took(row.get("duration_ms"))),
        _cost(row),
        Cell(amounts.tokens(row.get("tokens"))),
        Cell(amounts.number(row.get("files_changed")), "dim"),
    )


def _cost(row: Json) -> Cell:
    if row.get("cost_usd") is None:
        state = text(row.get("cost_state"))
        return Cell(state, "bad" if state == "unpriced" else "dim")
    is_guess = row.get("cost_state") == "estimated"
    is_bound = bool(row.get("lower_bound"))
    shown = amounts.usd(row.get("cost_usd"), lower_bound=is_bound, estimate=is_guess)
    return Cell(shown, "money")


def report_page(answer: Json, *, is_verbose: bool = False) -> Page:
    """The page for the answer to ``run_report``."""
    report = answer.get("report") or {}
    run = report.get("run") or {}
    page: Page = [line(Cell(f"run {text(run.get('run_id'))}", "title")), BLANK]
    page.append(_facts(report))
    page += _bars(report)
    page += _rates(report)
    page += _files(report)
    page += _checks(report)
    if is_verbose:
        page += _iterations(report)
    return page


def _facts(report: Json) -> Table:
    run, outcome = report.get("run") or {}, report.get("outcome") or {}
    cost, tokens = report.get("cost") or {}, report.get("tokens") or {}
    timing, place = report.get("timing") or {}, report.get("environment") or {}
    status = text(outcome.get("status"))
    flat = {**cost, "cost_state": cost.get("state")}
    facts = [
        ("outcome", Cell(status, STYLES.get(status, ""))),
        ("because", Cell(text(outcome.get("evidence")), "dim")),
        ("cost", _cost(flat)),
        ("", Cell(text(cost.get("reason")), "dim")),
        ("tokens", Cell(_tokens(tokens))),
        ("issue", issue_cell(run.get("issue"))),
        ("task", Cell(text(run.get("task")))),
        ("role", Cell(text(run.get("role")))),
        ("capability", Cell(text(run.get("capability")))),
        ("agent", Cell(text(run.get("agent")))),
        ("model", Cell(text(run.get("model")))),
        ("began", Cell(f"{amounts.instant(timing.get('started_at'))} UTC")),
        ("took", Cell(took(timing.get("duration_ms")))),
        ("iterations", Cell(_iterations_said(outcome))),
        (
            "sessions",
            Cell(", ".join(map(str, run.get("sessions") or [])) or "-", "dim"),
        ),
        ("CI", Cell(_ci(place), "dim")),
    ]
    shown = [(name, cell) for name, cell in facts if cell.text not in ("-", "")]
    return Table((Column(""), Column("")), [(Cell(n, "dim"), c) for n, c in shown])


def _tokens(tokens: Json) -> str:
    total = tokens.get("total")
    if total is None:
        return "-"
    sign = amounts.ESTIMATE if tokens.get("estimated") else ""
    names = ("input", "output", "cache_read")
    parts = [f"{n.replace('_', ' ')} {amounts.tokens(tokens.get(n))}" for n in names]
    return f"{sign}{amounts.tokens(total)} ({', '.join(parts)})"


def _iterations_said(outcome: Json) -> str:
    count, most = outcome.get("iterations"), outcome.get("max_iterations")
    if count is None:
        return "-"
    return f"{count} of at most {most}" if most else str(count)


def _ci(place: Json) -> str:
    if not place.get("ci"):
        return "-"
    names = ("ci_provider", "ci_build_id", "ci_branch")
    return " ".join(str(place[name]) for name in names if place.get(name)) or "yes"


def _bars(report: Json) -> Page:
    """Each phase as a bar of the whole time."""
    phases = (report.get("timing") or {}).get("phases") or {}
    known = {n: ms for n, ms in phases.items() if isinstance(ms, int | float)}
    whole = sum(known.values())
    if whole <= 0:
        return []
    rows = [
        _bar(name, ms / whole, took(ms))
        for name, ms in sorted(known.items(), key=lambda item: -item[1])
    ]
    return [*heading("phases"), _bar_table(rows)]


def _bar_table(rows: list[tuple[Cell, ...]]) -> Table:
    right = Column("", right=True)
    return Table((Column("", least=8), Column(""), right, right), rows)


def _bar(name: str, share: float, said: str) -> tuple[Cell, ...]:
    full = round(share * BAR)
    drawn = "█" * full + "░" * (BAR - full)
    return (
        Cell(name),
        Cell(drawn, "money"),
        Cell(amounts.share(share)),
        Cell(said, "dim"),
    )


def _rates(report: Json) -> Page:
    rates = (report.get("cost") or {}).get("rates") or []
    rows = []
    for rate in rates:
        used = rate.get("usd_per_million") or {}
        tokens = {name: v for name, v in used.items() if name != "web_searches"}
        said = ", ".join(f"{n.replace('_', ' ')} {v}" for n, v in tokens.items())
        rows.append(
            (
                Cell(text(rate.get("model"))),
                Cell(amounts.usd(rate.get("cost_usd")), "money"),
                Cell(amounts.number(rate.get("responses")), "dim"),
                Cell(said or "-", "dim"),
            )
        )
    if not rows:
        return []
    columns = (
        Column("model", least=12),
        Column("cost", right=True),
        Column("responses", right=True),
        Column("USD per million tokens", least=16),
    )
    return [*heading("rates used"), Table(columns, rows)]


def _files(report: Json) -> Page:
    files = report.get("files") or {}
    if not files.get("count"):
        return []
    lines: list[Line] = [
        line(Cell(f"{sign} ", style), str(path))
        for kind, sign, style in _FILES
        for path in files.get(kind) or []
    ]
    more = len(lines) - _MOST_FILES
    page: Page = [*heading(amounts.plural(files["count"], "file"))]
    page += lines[:_MOST_FILES]
    if more > 0:
        page.append(note(f"and {more:,} more; --json shows all"))
    return page


def _checks(report: Json) -> Page:
    checks, scope = report.get("validation") or {}, report.get("scope") or {}
    page: Page = []
    if checks.get("total_runs"):
        said = f"{amounts.plural(checks['total_runs'], 'check')}, "
        page.append(line(f"{said}{checks.get('failures')} failed"))
    if scope.get("violations"):
        page.append(
            line(amounts.plural(scope["violations"], "violation"), " of its scope")
        )
    return [BLANK, *page] if page else []


def _iterations(report: Json) -> Page:
    """A line for each iteration: what it took, by phase, and its tokens."""
    from costd.core.runs import iterations_of  # noqa: PLC0415 - only with --verbose

    page: Page = []
    for each in iterations_of(report):
        phases = sorted((each.get("phases") or {}).items(), key=lambda item: -item[1])
        said = " | ".join(f"{name} {took(ms)}" for name, ms in phases)
        tokens = amounts.tokens(each.get("tokens"))
        head = f"{each['iteration']}: {took(each.get('duration_ms'))}, {tokens} tokens"
        page.append(line(head, Cell(f"  {said}", "dim")))
    said = "Nobody told of iterations."
    return [*heading("iterations"), *(page or [note(said)])]


def summary_page(answer: Json) -> Page:
    """The page for the answer to ``runs_summary``."""
    if not answer.get("runs"):
        return [line("No run in this span. costd exec leaves one: costd exec --help")]
    page: Page = [_totals(answer)]
    if answer.get("unknown"):
        page.append(note("unknown: costd outcome says how the work on an issue ended"))
    dear = answer.get("most_expensive") or []
    if dear:
        page += [*heading("most expensive"), Table(_LIST, [_row(row) for row in dear])]
    phases = answer.get("phases") or []
    if phases:
        rows = [_bar(text(p.get("phase")), p["share"], "") for p in phases]
        page += [*heading("where the time goes, on average"), _bar_table(rows)]
    return [*page, *trend_lines(answer.get("trend"))]


def _totals(answer: Json) -> Table:
    counts = ", ".join(f"{answer.get(s)} {s}" for s in STYLES if answer.get(s))
    is_bound = bool(answer.get("lower_bound") or answer.get("runs_without_cost"))
    missing = answer.get("runs_without_cost")
    without = f" ({amounts.plural(missing, 'run')} without a cost)" if missing else ""
    total = amounts.usd(answer.get("total_cost_usd"), lower_bound=is_bound)
    iterations = answer.get("avg_iterations")
    facts = [
        ("runs", f"{answer['runs']:,} ({counts})"),
        ("success rate", _rate(answer)),
        ("total cost", total + (without if total != amounts.UNKNOWN else "")),
        ("average cost", amounts.usd(answer.get("avg_cost_usd"))),
        ("average tokens", amounts.tokens(_whole(answer.get("avg_tokens")))),
        ("average time", took(answer.get("avg_duration_ms"))),
        ("iterations", "-" if iterations is None else f"{iterations:.1f} on average"),
    ]
    rows = [(Cell(name, "dim"), Cell(said)) for name, said in facts]
    return Table((Column(""), Column("")), rows)


def _rate(answer: Json) -> str:
    known = sum(answer.get(name) or 0 for name in ("completed", "blocked", "failed"))
    if answer.get("success_rate") is None:
        return "unknown: nobody told how a run ended"
    return f"{amounts.share(answer['success_rate'])} of {known:,} with a known outcome"


def last_run_lines(answer: Json) -> Page:
    """The last run and its trend, below a status."""
    last = answer.get("last_run")
    if not last:
        return [BLANK, note("no run yet: costd exec leaves a report of each")]
    page: Page = [*heading("last run"), Table(_LIST, [_row(last)])]
    return [*page, *trend_lines(answer.get("run_trend"))]


def trend_lines(trend: Json | None) -> Page:
    """How the last run compares with those before it."""
    if not trend:
        return []
    rows = []
    for name, said in _TRENDS:
        change = trend.get(name) or {}
        if change.get("change") is None:
            continue
        percent = f"{change['change'] * 100:+.0f} %"
        shown = (_figure(name, change["last"]), _figure(name, change["average"]))
        way = _ARROWS[change["direction"]]
        rows.append(
            (Cell(said), *(Cell(s) for s in shown), Cell(percent), Cell(way, "dim"))
        )
    if not rows:
        return []
    before = amounts.plural(trend.get("runs") or 0, "run")
    columns = (
        Column(""),
        Column("last run", right=True),
        Column("average", right=True),
        Column("change", right=True),
        Column(""),
    )
    title = f"the last run against the {before} before it"
    return [*heading(title), Table(columns, rows)]


def _figure(name: str, value: Any) -> str:
    if name == "cost_usd":
        return amounts.usd(value)
    if name == "duration_ms":
        return took(value)
    if name == "tokens":
        return amounts.tokens(_whole(value))
    return f"{value:.1f}"


def clean_page(answer: Json) -> Page:
    """The page for the answer to ``clean_runs``."""
    count = amounts.plural(answer.get("runs") or 0, "report")
    before = amounts.instant(answer.get("before"))
    if answer.get("confirmed"):
        return [line(f"Removed {count} of runs that began before {before} UTC.")]
    return [
        line(f"{count} of runs that began before {before} UTC."),
        note("nothing was removed; --confirm does it"),
    ]


def took(ms: Any) -> str:
    """``0.4s``, ``12.3s``, ``4m 05s``, ``1h 02m`` of milliseconds."""
    if isinstance(ms, bool) or not isinstance(ms, int | float):
        return amounts.UNKNOWN
    seconds = ms / 1000
    if seconds < 60:  # noqa: PLR2004 - seconds in a minute
        return f"{seconds:.2f}s" if seconds < 1 else f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 - minutes in an hour
        return f"{minutes}m {rest:02d}s"
    return f"{minutes // 60}h {minutes % 60:02d}m"


def _whole(value: Any) -> int | None:
    return None if value is None else round(value)
