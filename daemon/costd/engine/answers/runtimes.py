"""``runtimes``: what each runtime did, how well, how long and for how much.

A *task* is one attempt: a run, a call of an agent that events report and that is in no
run, or a session that is a part of neither. Of the last nobody knows how it ended.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from costd.core.efforts import Effort, minutes, together
from costd.core.instants import format_instant
from costd.core.money import to_usd
from costd.core.periods import day_of, parse_when, start_of_day, starts
from costd.core.summary import BASIS, Sums, cost_usd, envelope
from costd.core.summary import together as summed
from costd.engine.dearest import dearest_by, sessions_in
from costd.engine.efforts import Days, days_of
from costd.engine.history import days_by, sums_by
from costd.engine.jobs import Job
from costd.engine.view import Params, View, text, words, zone_of
from costd.ledger import efforts as stored
from costd.ledger.efforts import Kind
from costd.ledger.reports import Cut, Question, cut, session_counts

_DAYS = 30
_MOST_AGENTS, _MOST_MODELS = 100, 10_000


def runtimes(view: View, params: Params) -> dict[str, Any] | Job:
    """The same as ``runtime-metrics.json``, as of now; or of a span of time.

    Without one, sums are of all time and days are the last thirty. ``agent`` names the
    runtimes that are wanted.

    Raises:
        UsageError: a zone or a time that there is none of.
    """
    metrics = runtime_metrics
    if text(params, "since") or text(params, "until") or text(params, "tz"):
        span = _span(view, params)
        metrics = partial(runtimes_in, span=span)
    wanted = words(params, "agent")

    def answer() -> dict[str, Any]:
        found = metrics(view)
        rows = found["runtimes"]
        if wanted:
            found["runtimes"] = {n: row for n, row in rows.items() if n in wanted}
        return envelope(view.now, **found)

    return view.runs.caught_up(view.now, view.jobs, answer)


class _Span(NamedTuple):
    """A span of time, and the zone of its days; None: since ever."""

    since: int | None
    until: int
    zone: ZoneInfo


def _span(view: View, params: Params) -> _Span:
    zone = zone_of(params, view.zone)
    since, until = text(params, "since"), text(params, "until")
    today = start_of_day(day_of(view.now, zone), zone)
    first = parse_when(since, view.now, zone) if since else None
    last = parse_when(until, view.now, zone, end=True) if until else _end(today, zone)
    return _Span(first, max(last, first or 0), zone)


def runtimes_in(view: View, span: _Span) -> dict[str, Any]:
    """What each runtime did in a span of time, and on each of its days."""
    first = day_of(span.until - 1, span.zone) - timedelta(days=_DAYS - 1)
    since = start_of_day(first, span.zone) if span.since is None else span.since
    begin = 0 if span.since is None else span.since
    inside = (begin, span.until)
    question = Question(("agent",), span.since, span.until, span.zone, {})
    connection = view.connection
    by_day = question._replace(by=("day", "agent"), since=since)
    _, agents = dearest_by(view, question, _MOST_AGENTS)
    sessions, models = dict[str, int](), dict[tuple[str, ...], Sums]()
    for (agent,) in (row.keys for row in agents):
        only = question._replace(by=("model",), filters={"agent": [agent]})
        sessions[agent] = sessions_in(view, only)
        _, rows = dearest_by(view, only, _MOST_MODELS)
        models |= {(agent, *row.keys): row.sums for row in rows}
    held: dict[str, set[int]] = {}
    for agent, session, _ in stored.covered_buckets(
        connection, begin, span.until, is_short=False
    ):
        held.setdefault(agent, set()).add(session)
    return _metrics(
        since,
        span.zone,
        view.ledger.card.as_of,
        _Found(
            models=models,
            costs=days_by(view, by_day, with_sessions=True),
            days=days_of(view, since, span.until, span.zone),
            kinds=stored.by_kind(connection, inside),
            sessions=sessions,
            inferred=stored.sessions_by_kind(connection, inside),
            held={agent: len(some) for agent, some in held.items()},
        ),
    )


class _Found(NamedTuple):
    """What runtimes are made of, for all of them."""

    models: dict[tuple[str, ...], Sums]
    costs: list[Cut]
    days: Days
    kinds: list[Kind]
    sessions: dict[str, int]
    inferred: dict[tuple[str, str], int]
    held: dict[str, int]


def runtime_metrics(view: View) -> dict[str, Any]:
    """What ``runtime-metrics.json`` holds."""
    first = day_of(view.now, view.zone) - timedelta(days=_DAYS - 1)
    since = start_of_day(first, view.zone)
    models, costs = sums_by(view, ("agent", "model")), _days(view, since)
    today, _, _ = starts(view.now, view.zone)
    once, connection = view.runs.once, view.connection
    return _metrics(
        since,
        view.zone,
        view.ledger.card.as_of,
        _Found(
            models=models,
            costs=costs,
            days=days_of(view, since, _end(today, view.zone), view.zone),
            kinds=_attempts(view),
            sessions=session_counts(connection),
            inferred=once("session-kinds", lambda: stored.sessions_by_kind(connection)),
            held=once("covered", lambda: stored.covered(connection)),
        ),
    )


def _metrics(since: int, zone: ZoneInfo, as_of: str, found: _Found) -> dict[str, Any]:
    of_kinds = {kind.agent for kind in found.kinds if kind.agent}
    names = sorted({*found.sessions, *of_kinds})
    return {
        "schemaVersion": 1,
        "timezone": zone.key,
        "basis": BASIS,
        "pricesAsOf": as_of,
        "since": format_instant(since),
        "runtimes": {
            name: _runtime(
                name,
                alone=found.sessions.get(name, 0) - found.held.get(name, 0),
                kinds=[kind for kind in found.kinds if kind.agent == name],
                inferred={n: c for (a, n), c in found.inferred.items() if a == name},
                models={m: s for (a, m), s in found.models.items() if a == name},
                days=_by_day(name, found.days, found.costs),
            )
            for name in names
        },
    }


def _end(today: int, zone: ZoneInfo) -> int:
    """When a day ends: after 23, 24 or 25 hours."""
    return start_of_day(day_of(today, zone) + timedelta(days=1), zone)


def _attempts(view: View) -> list[Kind]:
    return view.runs.once("attempts", lambda: stored.by_kind(view.connection))


def _days(view: View, since: int) -> list[Cut]:
    """Each day of each agent; the days before today are cut once."""
    today, _, _ = starts(view.now, view.zone)
    question = Question(("day", "agent"), since, today, view.zone, {})
    past = view.memory.before(
        today, ("days", since), lambda: cut(view.connection, question)
    )
    recent = question._replace(since=today, until=view.now + 1)
    return [*past, *cut(view.connection, recent)]


def _runtime(
    name: str,
    *,
    alone: int,
    kinds: list[Kind],
    inferred: dict[str, int],
    models: dict[str, Sums],
    days: list[dict[str, Any]],
) -> dict[str, Any]:
    """One runtime.

    Args:
        name: the agent.
        alone: its sessions that are in no attempt.
        kinds: its attempts.
        inferred: sessions in no attempt by the kind of work that their branch names.
        models: what the ledger holds of it.
        days: its days.
    """
    effort = together(kind.effort for kind in kinds)
    tasks = effort.tasks + alone
    sums = summed(models.values())
    return {
        "runtime": name,
        "totalTasks": tasks,
        "successfulTasks": effort.succeeded,
        "failedTasks": effort.failed,
        "blockedTasks": effort.blocked,
        "unknownTasks": tasks - effort.known,
        "successRate": effort.success_rate,
        "avgDurationMinutes": minutes(effort.avg_ms),
        **(_logged(sums, tasks) if models else _reported(effort)),
        "costPerSuccess": _usd(effort.cost_per_success),
        "costPerSuccessLowerBound": bool(effort.succeeded and effort.is_lower_bound),
        "totalTokens": sums.total_tokens if models else effort.tokens or None,
        "unpricedTokens": sums.unpriced_tokens,
        "byCapability": _by_capability(kinds, inferred),
        "byModel": {name: _model(found) for name, found in sorted(models.items())},
        "dailyStats": days,
    }


def _logged(sums: Sums, tasks: int) -> dict[str, Any]:
    """What it has cost by its logs."""
    total = cost_usd(sums)
    return {
        "avgCost": to_usd(sums.cost // tasks) if tasks and total is not None else None,
        "totalCost": total,
        "costBasis": "ledger",
        "lowerBound": bool(sums.unfinalised or sums.unpriced),
    }


def _reported(effort: Effort) -> dict[str, Any]:
    """What it has cost by what is told of its tasks, of which some tell nothing."""
    costed = effort.costed
    return {
        "avgCost": to_usd(effort.cost // costed) if costed else None,
        "totalCost": to_usd(effort.cost) if costed else None,
        "costBasis": "reported" if costed else None,
        "lowerBound": 0 < costed < effort.tasks,
    }


def _model(found: Sums) -> dict[str, Any]:
    return {
        "cost": cost_usd(found),
        "tokens": found.total_tokens,
        "responses": found.responses,
        "lowerBound": bool(found.unfinalised or found.unpriced),
    }


def _by_capability(
    kinds: list[Kind], inferred: dict[str, int]
) -> dict[str, dict[str, Any]]:
    """Each kind of work that somebody named, or that a branch does."""
    names = {kind.capability for kind in kinds if kind.capability} | set(inferred)
    found = {}
    for name in sorted(names):
        own = [kind for kind in kinds if kind.capability == name]
        effort = together(kind.effort for kind in own)
        guessed = sum(kind.effort.tasks for kind in own if kind.is_inferred)
        guessed += inferred.get(name, 0)
        tasks = effort.tasks + inferred.get(name, 0)
        found[name] = {
            "tasks": tasks,
            "successRate": effort.success_rate,
            "avgDuration": minutes(effort.avg_ms),
            "unknownTasks": tasks - effort.known,
            "inferredTasks": guessed,
            "inferred": guessed == tasks,
        }
    return found


def _by_day(name: str, days: Days, costs: list[Cut]) -> list[dict[str, Any]]:
    """The days on which an agent did anything: attempts, and sessions in none."""
    money = {row.keys[0]: row.sums for row in costs if row.keys[1] == name}
    found = []
    for date in sorted({*days.dates, *money}):
        key, sums = (date, name), money.get(date)
        effort = days.efforts.get(key, Effort())
        if sums is None and not effort.tasks and key not in days.failures:
            continue
        sessions = 0 if sums is None else sums.sessions
        tasks = effort.tasks + max(sessions - days.covered.get(key, 0), 0)
        found.append(
            {
                "date": date,
                "tasks": tasks,
                "cost": _day_cost(sums, effort),
                "successRate": effort.success_rate,
                "successfulTasks": effort.succeeded,
                "failedTasks": effort.failed,
                "unknownTasks": tasks - effort.known,
                "errors": days.failures.get(key, 0),
                "minDurationMinutes": minutes(effort.shortest_ms),
                "avgDurationMinutes": minutes(effort.avg_ms),
                "maxDurationMinutes": minutes(effort.longest_ms),
                "tokens": (effort.tokens or None)
                if sums is None
                else sums.total_tokens,
                "sessions": sessions,
            }
        )
    return found


def _day_cost(sums: Sums | None, effort: Effort) -> float | None:
    """By the ledger where it holds anything of that day, else as events say."""
    if sums is not None:
        return cost_usd(sums)
    return to_usd(effort.cost) if effort.costed else None


def _usd(nano: float | None) -> float | None:
    return None if nano is None else to_usd(round(nano))
