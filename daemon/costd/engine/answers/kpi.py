"""``kpi``: what the tasks of each period took, cost and came to."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from costd.core.cycles import cycles
from costd.core.errors import UsageError
from costd.core.instants import DAY, SECOND, format_instant
from costd.core.kpi import Figures, Task
from costd.core.money import divide_half_even, to_usd
from costd.core.periods import Period, parse_when, periods
from costd.core.summary import BASIS, Sums, cost_usd, envelope, instant
from costd.engine.history import sums_by
from costd.engine.view import Params, View, number, text, zone_of
from costd.ledger import kpi as kept
from costd.ledger.cells import BUCKET_MS
from costd.ledger.events import tasks_of

_LIMIT = 50
_DAILY, _WEEKLY, _CYCLE, _TASK, _ALL = "daily", "weekly", "cycle", "task", "all"
_NAMES = {
    _DAILY: _DAILY,
    "day": _DAILY,
    _WEEKLY: _WEEKLY,
    "week": _WEEKLY,
    _CYCLE: _CYCLE,
    "billing": _CYCLE,
    "billing-cycle": _CYCLE,
    "billing_cycle": _CYCLE,
    _TASK: _TASK,
    "tasks": _TASK,
    _ALL: _ALL,
}


class _Span(NamedTuple):
    """What is asked for; instants in milliseconds, ``until`` excluded."""

    since: int | None
    until: int | None
    zone: ZoneInfo
    cycle_day: int

    def holds(self, at: int) -> bool:
        """Whether an instant counts in it, by its quarter of an hour."""
        low, high = kept.buckets(self.since, self.until)
        return low <= at // BUCKET_MS < high


class _Owned(NamedTuple):
    """What the ledger holds of a task that is an issue, and the task."""

    task: Task
    sums: Sums


def kpi(view: View, params: Params) -> dict[str, Any]:
    """The figures by ``period``: daily, weekly, cycle, task or all.

    Raises:
        UsageError: a period, a time or a zone that there is none of.
    """
    tz = zone_of(params, view.zone)
    since, until = text(params, "since"), text(params, "until")
    span = _Span(
        parse_when(since, view.now, tz) if since else None,
        parse_when(until, view.now, tz, end=True) if until else None,
        tz,
        _cycle_day(view, params),
    )
    period = _period(params)
    view.telling.catch_up(view.now)
    owned = [one for one in _owned(view) if span.holds(one.task.counted_at or 0)]
    if period in (_TASK, _ALL):
        found = [Period("", -(2**40), 2**60)]
    else:
        found = _periods(view, period, span)
    figures = kept.by_period(view.connection, found, span.since, span.until)
    rows = _tasks(view, params, span) if period == _TASK else []
    if period not in (_TASK, _ALL):
        rows = _rows(found, figures, owned)
    total = Figures()
    for sums in figures:
        total = total.plus(sums)
    return envelope(
        view.now,
        period=period,
        timezone=tz.key,
        cycle_day=span.cycle_day,
        since=since,
        until=until,
        rows=rows,
        total=_figures(total, owned),
        basis=BASIS,
    )


def _period(params: Params) -> str:
    name = text(params, "period") or _DAILY
    if name not in _NAMES:
        raise UsageError(
            f"{name[:40]!r} is no period.",
            f"Use {_DAILY}, {_WEEKLY}, {_CYCLE}, {_TASK} or {_ALL}.",
        )
    return _NAMES[name]


def _cycle_day(view: View, params: Params) -> int:
    day = number(params, "cycle_day", view.telling.cycle_day)
    if not 1 <= day <= 31:  # noqa: PLR2004 - the longest month
        raise UsageError("cycle_day must be a day from 1 to 31.", "Give cycle_day=15.")
    return day


def _owned(view: View) -> list[_Owned]:
    """The tasks that are issues for which the ledger holds responses."""
    sums = {
        issue: found
        for (issue,), found in sums_by(view, ("issue",)).items()
        if found.responses and not issue.startswith("none:")
    }
    tasks = tasks_of(view.connection, list(sums))
    return [_Owned(task, sums[name]) for name, task in tasks.items() if task.is_task]


def _rows(
    found: list[Period], figures: list[Figures], owned: list[_Owned]
) -> list[dict[str, Any]]:
    parts: list[list[_Owned]] = [[] for _ in found]
    starts = [one.start for one in found]
    for one in owned:
        parts[bisect_right(starts, one.task.counted_at or 0) - 1].append(one)
    return [
        {
            "from": format_instant(one.start),
            "to": format_instant(one.end),
            "label": one.label,
            **_figures(sums, part),
        }
        for one, sums, part in zip(found, figures, parts, strict=True)
        if any(sums)
    ]


def _periods(view: View, kind: str, span: _Span) -> list[Period]:
    extent = kept.extent(view.connection)
    if extent is None:
        return []
    first = max(extent[0], span.since or 0)
    last = min(extent[1], (span.until or 2**62) - 1)
    if first > last:
        return []
    return _with_tasks(kept.days(view.connection, first, last), kind, span)


def _with_tasks(days: list[int], kind: str, span: _Span) -> list[Period]:
    """The periods that touch some UTC days, by their ordinal numbers.

    An event with a date of its own making must not make all days until then a row.
    """
    found: dict[int, Period] = {}
    for day in days:
        low, high = day * DAY, (day + 1) * DAY - 1
        if kind == _CYCLE:
            some = cycles(low, high, span.cycle_day, span.zone)
        else:
            some = periods("day" if kind == _DAILY else "week", low, high, span.zone)
        found.update((one.start, one) for one in some)
    return list(found.values())


def _figures(sums: Figures, owned: list[_Owned]) -> dict[str, Any]:
    """Sums as they are shown: averages over the tasks that have the figure."""
    sums, is_bound = _with_ledger(sums, owned)
    return {
        "tasks": sums.tasks,
        "succeeded": sums.succeeded,
        "failed": sums.failed,
        "unknown": sums.tasks - sums.succeeded - sums.failed,
        "blocked": sums.blocked,
        "cancelled": sums.cancelled,
        "success_rate": _ratio(sums.succeeded, sums.succeeded + sums.failed),
        "cycle_time_seconds": _ratio(sums.cycle_ms / SECOND, sums.timed),
        "timed_tasks": sums.timed,
        "cost_usd": _average(sums.cost, sums.costed),
        "total_cost_usd": to_usd(sums.cost) if sums.costed else None,
        "costed_tasks": sums.costed,
        "lower_bound": is_bound,
        "unpriced_events": sums.unpriced,
        "iterations": _ratio(sums.iterations, sums.iterated),
        "iterated_tasks": sums.iterated,
        "gates": sums.gates,
        "gates_passed": sums.gates_passed,
        "gate_pass_rate": _ratio(sums.gates_passed, sums.gates),
        "reviews": sums.reviews,
        "issues_p0": sums.issues_p0 if sums.counted_p0 else None,
        "issues_p1": sums.issues_p1 if sums.counted_p1 else None,
    }


def _average(cost: int, tasks: int) -> float | None:
    return to_usd(divide_half_even(cost, tasks)) if tasks else None


def _ratio(part: float, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _with_ledger(sums: Figures, owned: list[_Owned]) -> tuple[Figures, bool]:
    """With the ledger's cost in the place of what events say of the same tasks."""
    is_bound = False
    for task, ledger in owned:
        said, cost = task.figures, cost_usd(ledger)
        sums = sums._replace(
            costed=sums.costed - said.costed + (cost is not None),
            cost=sums.cost - said.cost + ledger.cost,
            unpriced=sums.unpriced - said.unpriced,
        )
        is_bound = is_bound or bool(ledger.unfinalised or ledger.unpriced)
    return sums, is_bound or sums.unpriced > 0


def _tasks(view: View, params: Params, span: _Span) -> list[dict[str, Any]]:
    limit = number(params, "limit", _LIMIT)
    found = kept.tasks(view.connection, span.since, span.until, limit or None)
    ledger = sums_by(view, ("issue",))
    return [_task(task, ledger.get((task.task_id,), Sums())) for task in found]


def _task(task: Task, ledger: Sums) -> dict[str, Any]:
    owned = [_Owned(task, ledger)] if ledger.responses else []
    shown = _figures(task.figures.plus(task.steps), owned)
    for name in ("tasks", "succeeded", "failed", "unknown", "blocked", "cancelled"):
        del shown[name]
    for name in ("success_rate", "timed_tasks", "costed_tasks", "iterated_tasks"):
        del shown[name]
    del shown["total_cost_usd"]
    return {
        "task_id": task.task_id,
        "issue": task.issue or None,
        "status": task.status or "unknown",
        "from": instant(task.start_at if task.start_at is not None else task.first_at),
        "to": instant(task.end_at),
        "cost_source": "ledger" if owned else _source(task),
        **shown,
    }


def _source(task: Task) -> str | None:
    if task.cost is None:
        return None
    return "estimated" if task.estimated else "reported"
