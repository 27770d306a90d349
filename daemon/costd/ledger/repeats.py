"""Failures that events tell of and something else tells of too: they are one failure.

A task's end that says ``failed`` says what became of the calls and runs in it; the end of
a run, what became of its calls. Whatever of them failed is counted as itself.
"""

from __future__ import annotations

from sqlite3 import Connection
from typing import NamedTuple

from costd.core.capabilities import runtime_of
from costd.core.events import ACTIVITY, EXECUTION, RUN_REPORT, TASK_END
from costd.core.failures import kind_of
from costd.ledger import attempts

_CALLS = f"type IN ('{EXECUTION}', '{ACTIVITY}') AND success = 0"
_OF_RUN = f"SELECT 1 FROM event WHERE run_id = ? AND {_CALLS} LIMIT 1"
# Since the end before: a task that is tried again ends again.
_BEFORE = (
    f"SELECT max(at) FROM event WHERE task_id = ? AND type = '{TASK_END}' AND at < ?"
)
_OF_TASK = (
    "SELECT 1 FROM event WHERE task_id = ? AND at > ? AND at <= ? "
    f"AND (({_CALLS}) OR (type = '{RUN_REPORT}' AND success = 0)) LIMIT 1"
)
_RUN_OF_ISSUE = (
    "SELECT 1 FROM run WHERE issue = ? AND issue <> '' AND status = 'failed' "
    "AND made_of = '' AND said_status = '' AND cleaned_at IS NULL "
    "AND ended_at > ? AND started_at <= ? LIMIT 1"
)


class Repeat(NamedTuple):
    """A failure that is counted twice: that of an event, its kind, and whose it is."""

    at: int
    kind: str
    agent: str


class _End(NamedTuple):
    """An event that says that something has failed."""

    at: int
    type: str
    task_id: str
    issue: str
    run_id: str
    error: str | None
    exit_code: int | None
    agent: str


def repeats(connection: Connection, since: int, until: int) -> list[Repeat]:
    """Those of a span that are counted, by the time of the event that only repeats."""
    rows = connection.execute(
        "SELECT at, type, coalesce(nullif(task_id, ''), issue), issue, run_id, "
        "json_extract(details, '$.error'), json_extract(details, '$.exit_code'), agent "
        f"FROM event WHERE at >= ? AND at < ? AND success = 0 "
        f"AND type IN ('{TASK_END}', '{RUN_REPORT}') AND id <= ?",
        (since, until, attempts.followed(connection)),
    ).fetchall()
    return [
        Repeat(
            end.at,
            kind_of(str(end.error or ""), exit_code=end.exit_code),
            runtime_of(end.agent),
        )
        for end in map(_End._make, rows)
        if _is_told_elsewhere(connection, end)
    ]


def _is_told_elsewhere(connection: Connection, end: _End) -> bool:
    def finds(query: str, *values: object) -> bool:
        return connection.execute(query, values).fetchone() is not None

    if end.run_id and finds(_OF_RUN, end.run_id):
        return True
    if end.type != TASK_END or not end.task_id:
        return False
    (before,) = connection.execute(_BEFORE, (end.task_id, end.at)).fetchone()
    span = (before or 0, end.at)
    return finds(_OF_TASK, end.task_id, *span) or finds(_RUN_OF_ISSUE, end.issue, *span)
