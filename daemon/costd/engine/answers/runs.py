"""``runs``: the reports of runs, one of them, all of them together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from costd.core.errors import UsageError
from costd.core.instants import format_instant
from costd.core.periods import parse_when
from costd.core.runs import OUTCOMES, iterations_of, row_of, summary
from costd.core.summary import envelope
from costd.engine.jobs import Job
from costd.engine.view import Params, View, number, text, words, zone_of
from costd.ledger import runs as stored
from costd.ledger.runs import Wanted

Json = dict[str, Any]

LIMIT = 20


def run(view: View, params: Params) -> dict[str, Any]:
    """Keep the report that somebody sends.

    Raises:
        UsageError: it is none.
    """
    report = params.get("report")
    if not isinstance(report, dict):
        raise UsageError(
            "report is missing.", "Send what MetricsCollector.to_report() gives."
        )
    kept, is_new = view.runs.take(report)
    return envelope(
        view.now, run_id=kept.run_id, report=kept.place, duplicate=not is_new
    )


def runs(view: View, params: Params) -> Json | Job:
    """Runs, the latest first."""
    wanted = _wanted(view, params, LIMIT)
    return _caught_up(view, lambda: _runs(view, params, wanted))


def _runs(view: View, params: Params, wanted: Wanted) -> Json:
    reports, count = stored.reports(view.connection, wanted)
    is_detailed = params.get("detailed") is True
    rows = []
    for report in map(orjson.loads, reports):
        row = row_of(report)
        rows.append(
            {**row, "per_iteration": iterations_of(report)} if is_detailed else row
        )
    return envelope(
        view.now, timezone=zone_of(params, view.zone).key, rows=rows, count=count
    )


def run_report(view: View, params: Params) -> Json | Job:
    """One report in full."""
    name = text(params, "id") or ""
    return _caught_up(view, lambda: _run_report(view, name))


def _run_report(view: View, name: str) -> Json:
    found, place = stored.report_of(view.connection, name)
    return envelope(view.now, file=place or None, report=orjson.loads(found))


def runs_summary(view: View, params: Params) -> Json | Job:
    """What runs are together, and how the last one compares."""
    wanted = _wanted(view, params, 0)
    return _caught_up(view, lambda: _summary(view, params, wanted))


def _summary(view: View, params: Params, wanted: Wanted) -> Json:
    reports, _ = stored.reports(view.connection, wanted)
    return envelope(
        view.now,
        timezone=zone_of(params, view.zone).key,
        since=text(params, "since"),
        until=text(params, "until"),
        last=row_of(orjson.loads(reports[0])) if reports else None,
        **summary([orjson.loads(report) for report in reports]),
    )


def clean_runs(view: View, params: Params) -> dict[str, Any]:
    """Remove old reports; without ``confirm`` only say which.

    Raises:
        UsageError: ``before`` is missing or no time.
    """
    before = text(params, "before")
    if before is None:
        raise UsageError("before is missing.", "As in: --before 2026-10-01")
    at = parse_when(before, view.now, zone_of(params, view.zone))
    is_confirmed = params.get("confirm") is True
    if is_confirmed:
        count = len(view.runs.clean(at, view.now))
    else:
        count = len(stored.cleanable(view.connection, at))
    return envelope(
        view.now, before=format_instant(at), confirmed=is_confirmed, runs=count
    )


def _caught_up(view: View, work_out: Callable[[], Json]) -> Json | Job:
    return view.runs.caught_up(view.now, view.jobs, work_out)


def _wanted(view: View, params: Params, default: int) -> Wanted:
    tz = zone_of(params, view.zone)
    since, until = text(params, "since"), text(params, "until")
    statuses = [w for word in words(params, "status") for w in word.split(",") if w]
    for status in statuses:
        if status not in OUTCOMES:
            raise UsageError(
                f"{status[:40]!r} is no outcome of a run.",
                f"Use {', '.join(OUTCOMES)}.",
            )
    return Wanted(
        parse_when(since, view.now, tz) if since else None,
        parse_when(until, view.now, tz, end=True) if until else None,
        tuple(statuses),
        text(params, "task") or "",
        number(params, "limit", default),
    )
