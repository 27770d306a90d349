"""What events say of attempts, followed one event after the other: they never change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from sqlite3 import Connection
from typing import Any, NamedTuple

from costd.core.capabilities import capability_of, runtime_of, spelt
from costd.core.efforts import Effort, attempt
from costd.core.events import ACTIVITY, EXECUTION, RUN_REPORT, TASK_END, TASK_START
from costd.core.failures import kind_of
from costd.core.usage import ApiError
from costd.ledger.cells import BUCKET_MS
from costd.ledger.evidence import chunks, marks

_EVENTS_MARK, _CONTEXTS_MARK = "attempts_event", "attempts_context"
_READ = (
    "id, type, at, task_id, issue, session_id, run_id, agent, status, success, "
    "duration_ms, total_tokens, cost, details"
)
_SUMS = (
    "responses",
    "response_ms",
    "tasks",
    "succeeded",
    "failed",
    "blocked",
    "timed",
    "duration_ms",
    "costed",
    "cost",
    "judged",
    "judged_cost",
    "tokens",
)
_ADD = (
    f"INSERT INTO call_cell (bucket, agent, capability, {', '.join(_SUMS)}, "
    f"shortest_ms, longest_ms) VALUES ({', '.join('?' * (len(_SUMS) + 5))}) "
    "ON CONFLICT DO UPDATE SET "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMS)
    + ", shortest_ms = min(coalesce(shortest_ms, excluded.shortest_ms), "
    "coalesce(excluded.shortest_ms, shortest_ms)), "
    "longest_ms = max(coalesce(longest_ms, excluded.longest_ms), "
    "coalesce(excluded.longest_ms, longest_ms))"
)
ADD_FAILURE = (
    "INSERT INTO failure VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
    "count = count + excluded.count, last_at = max(last_at, excluded.last_at)"
)


class Said(NamedTuple):
    """One event, as far as attempts are concerned."""

    id: int
    type: str
    at: int
    task_id: str
    issue: str
    session_id: str
    run_id: str
    agent: str
    status: str
    success: int | None
    duration_ms: int | None
    tokens: int | None
    cost: int | None
    details: str


class Followed(NamedTuple):
    """What new events concern: tasks and runs; and how many there were."""

    events: int
    tasks: set[str]
    runs: set[str]


def follow(connection: Connection, most: int) -> Followed:
    """Count the next events; within the caller's transaction."""
    rows = connection.execute(
        f"SELECT {_READ} FROM event WHERE id > ? ORDER BY id LIMIT ?",
        (_mark(connection, _EVENTS_MARK), most),
    )
    said = [Said(*row) for row in rows]
    if not said:
        return Followed(0, set(), set())
    _count(connection, said)
    connection.executemany(
        "INSERT OR IGNORE INTO called_session VALUES (?)",
        [(e.session_id,) for e in said if e.type == EXECUTION and e.session_id],
    )
    _set_mark(connection, _EVENTS_MARK, said[-1].id)
    runs = {e.run_id for e in said if e.type in (RUN_REPORT, EXECUTION) and e.run_id}
    kinds = (TASK_START, TASK_END, EXECUTION)
    return Followed(
        len(said), {e.task_id for e in said if e.type in kinds and e.task_id}, runs
    )


def is_behind(connection: Connection) -> bool:
    """Whether there are events or contexts that nobody has followed."""
    for mark, table in ((_EVENTS_MARK, "event"), (_CONTEXTS_MARK, "context")):
        (last,) = connection.execute(f"SELECT max(id) FROM {table}").fetchone()
        if (last or 0) > _mark(connection, mark):
            return True
    return False


def _count(connection: Connection, said: Iterable[Said]) -> None:
    cells: dict[tuple[int, str, str], Effort] = {}
    failures: dict[tuple[int, str, str, str], tuple[int, int]] = {}
    for event in said:
        details: dict[str, Any] = json.loads(event.details)
        agent, bucket = runtime_of(event.agent), event.at // BUCKET_MS
        effort = _effort(event)
        if any(effort):
            key = (bucket, agent, spelt(str(details.get("capability") or "")))
            cells[key] = cells.get(key, Effort()).plus(effort)
        if event.success == 0 and event.type in (EXECUTION, ACTIVITY, TASK_END):
            kind = kind_of(
                str(details.get("error") or ""), exit_code=details.get("exit_code")
            )
            where = (bucket, "event", agent, kind)
            count, last = failures.get(where, (0, 0))
            failures[where] = (count + 1, max(last, event.at))
    connection.executemany(
        _ADD,
        [
            (*key, *(getattr(e, n) for n in _SUMS), e.shortest_ms, e.longest_ms)
            for key, e in cells.items()
        ],
    )
    connection.executemany(ADD_FAILURE, [(*k, *v) for k, v in failures.items()])


def _effort(event: Said) -> Effort:
    """What an event adds beside runs.

    A call of an agent that names no run is a task of its own; an activity is one where
    it names no task, session or run that it could be a part of.
    """
    if event.type not in (EXECUTION, ACTIVITY):
        return Effort()
    effort = Effort()
    is_alone = not (event.task_id or event.issue or event.session_id)
    if not event.run_id and (event.type == EXECUTION or is_alone):
        effort = attempt(event.status, event.duration_ms, event.cost, event.tokens)
    if event.duration_ms is not None:
        effort = effort._replace(responses=1, response_ms=event.duration_ms)
    return effort


def recount(
    connection: Connection, costs: Mapping[int, tuple[int | None, int | None]]
) -> None:
    """Put other costs of events into the sums; within the caller's transaction.

    Args:
        connection: the ledger.
        costs: by the number of an event, what it cost and what it costs now.
    """
    mark = _mark(connection, _EVENTS_MARK)
    rows = []
    for some in chunks(number for number in costs if number <= mark):
        query = f"SELECT {_READ} FROM event WHERE id IN ({marks(some)})"
        for said in map(Said._make, connection.execute(query, some)):
            old, new = (_effort(said._replace(cost=cost)) for cost in costs[said.id])
            details = json.loads(said.details)
            key = (said.at // BUCKET_MS, runtime_of(said.agent))
            kind = spelt(str(details.get("capability") or ""))
            sums = (getattr(new, n) - getattr(old, n) for n in _SUMS)
            rows.append((*key, kind, *sums, None, None))
    connection.executemany(_ADD, rows)


def know_kinds(connection: Connection, most: int) -> int:
    """The kind of work of new sessions; within the caller's transaction. How many."""
    rows = connection.execute(
        "SELECT id, session, branch FROM context WHERE id > ? ORDER BY id LIMIT ?",
        (_mark(connection, _CONTEXTS_MARK), most),
    ).fetchall()
    if rows:
        kinds = ((s, capability_of(branch)) for _, s, branch in rows)
        connection.executemany(
            "INSERT OR IGNORE INTO session_kind VALUES (?, ?)",
            [(session, kind) for session, kind in kinds if kind],
        )
        _set_mark(connection, _CONTEXTS_MARK, rows[-1][0])
    return len(rows)


def put_api_error(connection: Connection, error: ApiError, agent: str) -> None:
    """Count a line of a log that says that a call failed, once."""
    cursor = connection.execute(
        "INSERT OR IGNORE INTO api_error VALUES (?)", (error.key.encode(),)
    )
    if cursor.rowcount:
        row = (error.at // BUCKET_MS, "log", agent, error.kind, 1, error.at)
        connection.execute(ADD_FAILURE, row)


def _mark(connection: Connection, name: str) -> int:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (name,)).fetchone()
    return int(row[0]) if row else 0


def _set_mark(connection: Connection, name: str, value: int) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, str(value)))
