"""What events say of attempts, followed one event after the other: they never change."""

from __future__ import annotations

from collections.abc import Mapping
from sqlite3 import Connection
from typing import NamedTuple

from costd.core.capabilities import capability_of, runtime_of, spelt
from costd.core.events import ACTIVITY, EXECUTION, RUN_REPORT, TASK_END, TASK_START
from costd.core.failures import kind_of
from costd.core.usage import ApiError
from costd.ledger.cells import BUCKET_MS
from costd.ledger.evidence import chunks, marks

_EVENTS_MARK, _CONTEXTS_MARK = "attempts_event", "attempts_context"
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
    first = _mark(connection, _EVENTS_MARK)
    last, count = connection.execute(
        "SELECT max(id), count(*) FROM "
        "(SELECT id FROM event WHERE id > ? ORDER BY id LIMIT ?)",
        (first, most),
    ).fetchone()
    if not count:
        return Followed(0, set(), set())
    span = (first, last)
    _count_calls(connection, span)
    _count_failures(connection, span)
    connection.execute(
        "INSERT OR IGNORE INTO called_session SELECT DISTINCT session_id FROM event "
        f"WHERE id > ? AND id <= ? AND type = '{EXECUTION}' AND session_id <> ''",
        span,
    )
    _set_mark(connection, _EVENTS_MARK, last)
    return Followed(
        count,
        _distinct(connection, "task_id", (TASK_START, TASK_END, EXECUTION), span),
        _distinct(connection, "run_id", (RUN_REPORT, EXECUTION), span),
    )


def followed(connection: Connection) -> int:
    """The number of the last event that is counted."""
    return _mark(connection, _EVENTS_MARK)


def is_behind(connection: Connection) -> bool:
    """Whether there are events or contexts that nobody has followed."""
    return any(behind(connection))


def behind(connection: Connection) -> tuple[int, int]:
    """How many events and contexts at most nobody has followed."""
    found = []
    for mark, table in ((_EVENTS_MARK, "event"), (_CONTEXTS_MARK, "context")):
        (last,) = connection.execute(f"SELECT max(id) FROM {table}").fetchone()
        found.append(max(0, (last or 0) - _mark(connection, mark)))
    return found[0], found[1]


# A call of an agent that names no run is a task of its own; an activity is one where it
# names no task, session or run that it could be a part of.
_IS_TASK = (
    f"(run_id = '' AND (type = '{EXECUTION}' OR task_id || issue || session_id = ''))"
)
_IS_KNOWN = "status IN ('completed', 'failed', 'blocked')"
_CALLS = f"""
SELECT at / {BUCKET_MS}, agent, coalesce(json_extract(details, '$.capability'), ''),
       count(duration_ms), coalesce(sum(duration_ms), 0),
       sum({_IS_TASK}), sum({_IS_TASK} AND status = 'completed'),
       sum({_IS_TASK} AND status = 'failed'), sum({_IS_TASK} AND status = 'blocked'),
       sum({_IS_TASK} AND duration_ms IS NOT NULL),
       coalesce(sum(iif({_IS_TASK}, duration_ms, 0)), 0),
       sum({_IS_TASK} AND cost IS NOT NULL),
       coalesce(sum(iif({_IS_TASK}, cost, 0)), 0),
       sum({_IS_TASK} AND {_IS_KNOWN} AND cost IS NOT NULL),
       coalesce(sum(iif({_IS_TASK} AND {_IS_KNOWN}, cost, 0)), 0),
       coalesce(sum(iif({_IS_TASK}, total_tokens, 0)), 0),
       min(iif({_IS_TASK}, duration_ms, NULL)), max(iif({_IS_TASK}, duration_ms, NULL))
FROM event WHERE id > ? AND id <= ? AND type IN ('{EXECUTION}', '{ACTIVITY}')
GROUP BY 1, 2, 3
"""


def _count_calls(connection: Connection, span: tuple[int, int]) -> None:
    rows = connection.execute(_CALLS, span).fetchall()
    connection.executemany(
        _ADD,
        [
            (bucket, runtime_of(agent), spelt(str(capability)), *sums)
            for bucket, agent, capability, *sums in rows
        ],
    )


def _count_failures(connection: Connection, span: tuple[int, int]) -> None:
    found: dict[tuple[int, str, str, str], tuple[int, int]] = {}
    rows = connection.execute(
        "SELECT at, agent, json_extract(details, '$.error'), "
        "json_extract(details, '$.exit_code') FROM event "
        "WHERE id > ? AND id <= ? AND success = 0 "
        f"AND type IN ('{EXECUTION}', '{ACTIVITY}', '{TASK_END}', '{RUN_REPORT}')",
        span,
    )
    for at, agent, error, code in rows:
        kind = kind_of(str(error or ""), exit_code=code)
        key = (at // BUCKET_MS, "event", runtime_of(agent), kind)
        times, last = found.get(key, (0, 0))
        found[key] = (times + 1, max(last, at))
    connection.executemany(ADD_FAILURE, [(*key, *sums) for key, sums in found.items()])


def _distinct(
    connection: Connection, column: str, types: tuple[str, ...], span: tuple[int, int]
) -> set[str]:
    rows = connection.execute(
        f"SELECT DISTINCT {column} FROM event WHERE id > ? AND id <= ? "
        f"AND type IN ({marks(types)}) AND {column} <> ''",
        (*span, *types),
    )
    return {value for (value,) in rows}


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
        found = connection.execute(
            f"SELECT id, at / {BUCKET_MS}, agent, "
            "coalesce(json_extract(details, '$.capability'), ''), "
            f"{_IS_KNOWN} FROM event WHERE id IN ({marks(some)}) "
            f"AND type IN ('{EXECUTION}', '{ACTIVITY}') AND {_IS_TASK}",
            some,
        )
        for number, bucket, agent, capability, is_known in found:
            old, new = costs[number]
            changed = dict.fromkeys(_SUMS, 0)
            changed["costed"] = (new is not None) - (old is not None)
            changed["cost"] = (new or 0) - (old or 0)
            if is_known:
                changed["judged"] = changed["costed"]
                changed["judged_cost"] = changed["cost"]
            key = (bucket, runtime_of(agent), spelt(str(capability)))
            rows.append((*key, *changed.values(), None, None))
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
