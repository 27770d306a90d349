"""Runs by what events say: those that only events tell of, and how the others ended."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from costd.core.instants import format_instant
from costd.core.money import to_usd
from costd.core.outcomes import CANCELLED
from costd.core.runs import OUTCOMES
from costd.engine.told import told_run
from costd.ledger import Connection, Ledger, attempts, derived
from costd.ledger import runs as stored
from costd.ledger.attempts import Said
from costd.ledger.derived import EndedTask

Json = dict[str, Any]

AT_ONCE = 1_000
"""Events and contexts that are followed in one step."""


class Step(NamedTuple):
    """What was followed: whether anything was, and whether there is more."""

    is_new: bool
    has_more: bool


class Attempts:
    """Follows the events of a ledger.

    Args:
        ledger: where they are.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def follow(self) -> Step:
        """Take in what is new, a step of it."""
        if not self.is_behind():
            return Step(is_new=False, has_more=False)
        with self._ledger.database.transaction() as connection:
            found = attempts.follow(connection, AT_ONCE)
            contexts = attempts.know_kinds(connection, AT_ONCE)
            for run_id in sorted(found.runs):
                self._run(connection, run_id)
            for task_id in sorted(found.tasks):
                self._task(connection, task_id)
        return Step(is_new=True, has_more=AT_ONCE in (found.events, contexts))

    def is_behind(self) -> bool:
        """Whether there is something that was not taken in."""
        return attempts.is_behind(self._ledger.database.connection)

    def reported(self, issue: str, run_id: str, since: int) -> None:
        """A run was reported: what events said before may be of it."""
        with self._ledger.database.transaction() as connection:
            for prefix in (run_id, run_id[:8]):
                if derived.events_of_run(connection, prefix):
                    self._run(connection, prefix)
            if issue:
                for task_id in derived.tasks_of_issue(connection, issue, since):
                    self._task(connection, task_id)

    def _run(self, connection: Connection, run_id: str) -> None:
        """What events say of one run."""
        said = derived.events_of_run(connection, run_id)
        made_of = f"run:{run_id}"
        derived.forget(connection, made_of)
        number = derived.named(connection, run_id)
        if number is not None:
            status, evidence = _outcome(said)
            if status != "unknown":
                derived.judge(connection, number, status, evidence)
        else:
            _put(connection, run_of_events(run_id, said), made_of)

    def _task(self, connection: Connection, task_id: str) -> None:
        """What the end of a task says of the runs for it."""
        made_of = f"task:{task_id}"
        derived.forget(connection, made_of)
        task = derived.ended_task(connection, task_id)
        if task is not None and not derived.has_calls(connection, task_id):
            # Who only says how it ended speaks of what was done for the issue last.
            since = task.start_at or 0
            known = derived.runs_at(connection, task.issue, since, task.end_at)
            if known and task.issue:
                number, told, _ = known[0]
                if told == "unknown":
                    said = f"task_end of {task_id} says {task.status}"
                    derived.judge(connection, number, _known(task.status), said)
            else:
                sessions = derived.sessions_at(
                    connection, task.issue, since, task.end_at
                )
                agents = derived.agents_of(connection, task_id)
                report = run_of_task(task, sessions, *agents)
                _put(connection, report, made_of)

    def lag(self) -> int:
        """How many events and contexts were not taken in, at most."""
        return sum(attempts.behind(self._ledger.database.connection))


def _put(connection: Connection, report: Json, made_of: str) -> None:
    """Keep a run that is made of events: nobody left a report of it, nor does costd."""
    run = told_run(report, "event")._replace(made_of=made_of, place="")
    stored.put(connection, run)


def run_of_task(
    task: EndedTask, sessions: Mapping[str, int], agent: str, model: str
) -> Json:
    """A report of a task that ended, where no other speaks of it.

    Args:
        task: the task.
        sessions: those that worked on its issue, and when each began to.
        agent: who worked on it, as events say; empty where none does.
        model: the same of the model.
    """
    began = task.start_at
    if began is None:
        began = min(sessions.values(), default=None)
    return _report(
        run_id=_uuid(f"task:{task.task_id}"),
        about={
            "issue": task.issue or None,
            "task": task.task_id,
            "agent": agent or None,
            "model": model or None,
            "sessions": sorted(sessions),
        },
        outcome={
            "status": _known(task.status),
            "evidence": f"task_end says {task.status}",
            "iterations": task.iterations,
        },
        began=began,
        ended=task.end_at,
    )


def run_of_events(run_id: str, said: list[Said]) -> Json:
    """A report of a run of which there are only events."""
    details: Json = {}
    for event in said:
        details |= json.loads(event.details)
    ends = [event.at for event in said]
    starts = [e.at - e.duration_ms for e in said if e.duration_ms is not None]
    began = details.get("started_at") or min(starts, default=None)
    status, evidence = _outcome(said)
    tokens, costs = _known_sum(e.tokens for e in said), _known_sum(e.cost for e in said)
    last = {
        name: next((v for e in reversed(said) if (v := getattr(e, name))), None)
        for name in ("issue", "agent")
    }
    report = _report(
        run_id=_uuid(f"run:{run_id}"),
        about={
            **last,
            "task": next((e.task_id for e in said if e.task_id), None),
            "capability": details.get("capability"),
            "sessions": sorted({e.session_id for e in said if e.session_id}),
        },
        outcome={
            "status": status,
            "evidence": evidence,
            "exit_code": details.get("exit_code"),
            "iterations": details.get("iterations"),
        },
        began=began,
        ended=max(details.get("ended_at") or 0, *ends),
    )
    if tokens is not None:
        report["tokens"] = {"total": tokens, "estimated": False}
    if costs is not None:
        report["cost"] = {"cost_usd": to_usd(costs)}
    return report


def _report(
    *, run_id: str, about: Json, outcome: Json, began: int | None, ended: int
) -> Json:
    at = ended if began is None else min(began, ended)
    took = None if began is None else ended - at
    return {
        "run": {"run_id": run_id, "source": "event", **about},
        "outcome": outcome,
        "timing": {
            "started_at": format_instant(at),
            "completed_at": format_instant(ended),
            "duration_ms": took,
            "phases": {},
            "per_iteration": [],
        },
    }


def _outcome(said: list[Said]) -> tuple[str, str]:
    """The last outcome that an event names; ``run_report`` before single calls."""
    found = [e for e in said if e.status and _known(e.status) != "unknown"]
    found.sort(key=lambda event: event.type == "run_report")
    if not found:
        stopped = any(event.status == CANCELLED for event in said)
        return "unknown", "cancelled" if stopped else "no event says how it ended"
    return _known(found[-1].status), f"{found[-1].type} says {found[-1].status}"


def _known(status: str) -> str:
    """An outcome of runs: what was cancelled has proved nothing."""
    return status if status in OUTCOMES else "unknown"


def _known_sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _uuid(name: str) -> str:
    """The same for the same name."""
    text = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
