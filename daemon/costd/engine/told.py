"""From a report as somebody sends it to a run: what is refused, what is left out."""

from __future__ import annotations

import re
from typing import Any

import orjson

from costd.core.attribution import require_issue, role_of
from costd.core.errors import UsageError
from costd.core.instants import format_instant, parse_instant
from costd.core.run_shape import in_shape
from costd.core.runs import OUTCOMES
from costd.ledger.runs import NewRun

Json = dict[str, Any]

_RUN_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,128}")
_LONGEST = 200
_MOST_SESSIONS = 200
_FIX = "Send what costd.runs.MetricsCollector.to_report() gives."


def told_run(report: Json, source: str = "") -> NewRun:
    """The run that a report speaks of.

    Only the sections that a report has are kept; words that are too long are cut.

    Raises:
        UsageError: it has no id of its own, or no time.
    """
    run, timing = report.get("run"), report.get("timing")
    if not isinstance(run, dict) or not isinstance(timing, dict):
        raise UsageError("The report has no run or no timing.", _FIX)
    run_id = run.get("run_id")
    if not isinstance(run_id, str) or not _RUN_ID.fullmatch(run_id):
        raise UsageError("The report's run_id is no UUID in lower case.", _FIX)
    started_at = _instant(timing, "started_at")
    if started_at is None:
        raise UsageError("The report does not say when the run began.", _FIX)
    ended_at = max(_instant(timing, "completed_at") or started_at, started_at)
    issue = _issue(run)
    kept = _kept(report, run, issue)
    about: Json = kept["run"]
    names = ("task", "capability", "agent", "model")
    words = {name: _word(about, name) for name in names}
    role = _word(about, "role")
    sessions = tuple(kept["run"]["sessions"])
    return NewRun(
        run_id=run_id,
        source=source or _word(about, "source") or "api",
        place=f"{format_instant(started_at)[:10]}/run-{run_id[:8]}.json",
        issue=issue,
        role=role_of(role) or role,
        status=kept["outcome"]["status"],
        started_at=started_at,
        ended_at=ended_at,
        duration_ms=_duration(timing),
        told=orjson.dumps(kept),
        sessions=sessions,
        **words,
    )


def _kept(report: Json, run: Json, issue: str) -> Json:
    kept = in_shape(report)
    sessions = run.get("sessions")
    listed = sessions if isinstance(sessions, list) else []
    known = [s for s in listed if isinstance(s, str) and _SESSION.fullmatch(s)]
    kept["run"] |= {"sessions": known[:_MOST_SESSIONS], "issue": issue or None}
    if kept["outcome"]["status"] not in OUTCOMES:
        kept["outcome"]["status"] = "unknown"
    return kept


def _issue(run: Json) -> str:
    """The issue as costd spells it; empty where it is none."""
    word = _word(run, "issue")
    if not word:
        return ""
    try:
        return require_issue(word)
    except UsageError:
        return ""


def _instant(timing: Json, name: str) -> int | None:
    value = timing.get(name)
    return parse_instant(value) if isinstance(value, str) else None


def _duration(timing: Json) -> int | None:
    value = timing.get("duration_ms")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return round(value) if is_number and 0 <= value < 1 << 53 else None  # type: ignore[operator,arg-type]  # it is a number there


def _word(run: Json, name: str) -> str:
    value = run.get(name)
    return value[:_LONGEST] if isinstance(value, str) else ""
