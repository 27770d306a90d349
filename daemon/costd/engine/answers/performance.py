"""``performance``: how many tasks went well, how long they took, what goes wrong.

The shape is one that dashboards read: ``successRate`` is a percentage, times are
milliseconds. A figure without evidence is None.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from costd.core.capabilities import runtime_of
from costd.core.efforts import Effort, together
from costd.core.failures import kind_of
from costd.core.instants import format_instant
from costd.core.periods import day_of, parse_when, start_of_day
from costd.core.summary import envelope
from costd.engine.efforts import Days, days_of
from costd.engine.jobs import Job
from costd.engine.view import Params, View, text, words, zone_of
from costd.ledger import efforts as stored
from costd.ledger.repeats import Repeat, repeats

_DAYS = 30
_MOST_PATTERNS, _MOST_SLOW = 20, 10
Agents = frozenset[str]
"""Runtimes that are wanted; none: all of them."""


def performance(view: View, params: Params) -> dict[str, Any] | Job:
    """Figures of a span; without one, of the last thirty days."""
    return view.runs.caught_up(
        view.now,
        view.jobs,
        lambda: envelope(view.now, **performance_of(view, params)),
    )


def performance_of(view: View, params: Params) -> dict[str, Any]:
    """What ``performance.json`` holds."""
    tz = zone_of(params, view.zone)
    today = day_of(view.now, tz)
    said = text(params, "since"), text(params, "until")
    since = start_of_day(today - timedelta(days=_DAYS - 1), tz)
    until = tomorrow = start_of_day(today + timedelta(days=1), tz)
    if said[0]:
        since = parse_when(said[0], view.now, tz)
    if said[1]:
        until = parse_when(said[1], view.now, tz, end=True)
    until = max(since, until)
    agents = frozenset(words(params, "agent"))
    days = _of_agents(days_of(view, since, until, tz), agents)
    failed = _failed_runs(view, since, until, agents)
    twice = _repeats(view, since, until, agents)
    total = together(days.efforts.values())
    return {
        "schemaVersion": 1,
        "timezone": tz.key,
        "since": format_instant(since),
        "until": format_instant(until),
        "summary": {
            "successRate": _percent(total.success_rate),
            "avgResponseTime": _whole(total.avg_response_ms),
            "avgTaskTime": _whole(total.avg_ms),
            "totalTasks": total.tasks,
            "successfulTasks": total.succeeded,
            "failedTasks": total.failed,
            "blockedTasks": total.blocked,
            "unknownTasks": total.unknown,
            "errorsToday": _errors(view, start_of_day(today, tz), tomorrow, agents),
        },
        "daily": _daily(days, failed, twice, tz),
        "errorPatterns": _patterns(view, (since, until, agents), failed, twice),
        "topSlowTasks": [
            {
                "title": slow.title,
                "duration": slow.duration_ms,
                "timestamp": format_instant(slow.at),
                "issue": slow.issue or None,
                "agent": runtime_of(slow.agent) or None,
                "status": slow.status or "unknown",
                "runId": slow.run_id or None,
            }
            for slow in stored.slowest(
                view.connection, since, until, _MOST_SLOW, agents
            )
        ],
    }


def _of_agents(days: Days, agents: Agents) -> Days:
    if not agents:
        return days
    efforts = {day: found for day, found in days.efforts.items() if day[1] in agents}
    failures = {day: count for day, count in days.failures.items() if day[1] in agents}
    return days._replace(efforts=efforts, failures=failures)


def _errors(view: View, since: int, until: int, agents: Agents) -> int:
    """What went wrong in a span: by events and logs, and runs that failed."""
    counted = stored.failure_buckets(view.connection, since, until)
    times = sum(
        count for _, _, agent, count in counted if not agents or agent in agents
    )
    twice = len(_repeats(view, since, until, agents))
    return times + len(_failed_runs(view, since, until, agents)) - twice


def _daily(
    days: Days, failed: list[tuple[int, str]], twice: list[Repeat], zone: ZoneInfo
) -> list[dict[str, Any]]:
    errors: dict[str, int] = {}
    for (date, _), count in days.failures.items():
        errors[date] = errors.get(date, 0) + count
    for at, _ in failed:
        date = day_of(at, zone).isoformat()
        errors[date] = errors.get(date, 0) + 1
    for repeat in twice:
        date = day_of(repeat.at, zone).isoformat()
        errors[date] = errors.get(date, 0) - 1
    by_date: dict[str, Effort] = {}
    for (date, _), effort in days.efforts.items():
        by_date[date] = by_date.get(date, Effort()).plus(effort)
    return [
        {
            "date": date,
            "successRate": _percent(effort.success_rate),
            "avgDuration": _whole(effort.avg_ms),
            "taskCount": effort.tasks,
            "successfulTasks": effort.succeeded,
            "failedTasks": effort.failed,
            "unknownTasks": effort.unknown,
            "errors": errors.get(date, 0),
        }
        for date in days.dates
        if (effort := by_date.get(date, Effort())).tasks or date in errors
    ]


def _failed_runs(
    view: View, since: int, until: int, agents: Agents
) -> list[tuple[int, str]]:
    """When runs failed, and the kind of failure; those of events are counted there."""
    found = view.runs.once(
        ("failed-runs", since, until),
        lambda: [
            (at, _kind(report), agent)
            for at, agent, report in stored.failed_runs(view.connection, since, until)
        ],
    )
    return [(at, kind) for at, kind, agent in found if not agents or agent in agents]


def _repeats(view: View, since: int, until: int, agents: Agents) -> list[Repeat]:
    """What is counted twice: by an event, and by the run or the call that it is about."""
    found = view.runs.once(
        ("repeats", since, until), lambda: repeats(view.connection, since, until)
    )
    return [each for each in found if not agents or each.agent in agents]


def _kind(report: bytes) -> str:
    """What a failed run's report says of why, as a kind."""
    if not report:
        return kind_of()
    outcome = orjson.loads(report).get("outcome") or {}
    error = outcome.get("error") or {}
    said = f"{error.get('type') or ''} {error.get('message') or ''}".strip()
    code = outcome.get("exit_code")
    is_code = isinstance(code, int)
    evidence = "" if is_code else str(outcome.get("evidence") or "")
    return kind_of(said or evidence, exit_code=code if is_code else None)


def _patterns(
    view: View,
    asked: tuple[int, int, Agents],
    failed: list[tuple[int, str]],
    twice: list[Repeat],
) -> list[dict[str, Any]]:
    """What went wrong, by kind: the most frequent first."""
    since, until, agents = asked
    found: dict[str, tuple[int, int, set[str]]] = {}
    rows = [
        (row.kind, row.times, row.last_at, row.source)
        for row in stored.failures(
            view.connection, since, until, 10 * _MOST_PATTERNS, agents
        )
    ]
    rows += [(kind, 1, at, "run") for at, kind in failed]
    again = Counter(repeat.kind for repeat in twice)
    for kind, times, last_at, source in rows:
        count, last, sources = found.get(kind, (0, 0, set()))
        once = times - again[kind] if source == "event" else times
        if once > 0:
            found[kind] = (count + once, max(last, last_at), sources | {source})
    ordered = sorted(
        found.items(), key=lambda item: (-item[1][0], -item[1][1], item[0])
    )
    return [
        {
            "message": kind,
            "count": count,
            "lastOccurred": format_instant(last),
            "sources": sorted(sources),
        }
        for kind, (count, last, sources) in ordered[:_MOST_PATTERNS]
    ]


def _percent(share: float | None) -> float | None:
    return None if share is None else round(share * 100, 6)


def _whole(ms: float | None) -> int | None:
    return None if ms is None else round(ms)
