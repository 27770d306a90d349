"""Events as they are kept: each once, and what they mean for tasks and periods."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields
from operator import attrgetter
from sqlite3 import Connection
from typing import Any, NamedTuple

import orjson

from costd.core.events import Event
from costd.core.kpi import Figures, Task, step_figures
from costd.core.lamport import Clock
from costd.core.rates import RateCard
from costd.ledger import usage_cells
from costd.ledger.cells import BUCKET_MS
from costd.ledger.event_prices import ESTIMATED, Cost, cost_of
from costd.ledger.evidence import chunks, marks

COLUMNS = (
    "event_id, type, at, node_id, lamport, task_id, issue, session_id, run_id, agent, "
    "role, model, feature, status, success, duration_ms, input_tokens, output_tokens, "
    "cache_read_tokens, cache_creation_5m_tokens, cache_creation_1h_tokens, "
    "total_tokens, cost, details, cost_source, price, received_at, origin"
)
"""Those of ``core.events.Event``, in its order, and what the ledger adds to them."""
_SAID = len(Event._fields) - 2
"""Those before the cost, which may be estimated."""
_WIDTH = COLUMNS.count(",") + 1
_PUT = f"INSERT INTO event ({COLUMNS}) VALUES ({', '.join('?' * _WIDTH)})"

TASK_COLUMNS = ", ".join(field.name for field in fields(Task))
_TASK_ROW = attrgetter(*(field.name for field in fields(Task)), "counted_at")
_PUT_TASK = (
    f"INSERT OR REPLACE INTO task ({TASK_COLUMNS}, counted_at) "
    f"VALUES ({', '.join('?' * (TASK_COLUMNS.count(',') + 2))})"
)
_ADD = (
    f"INSERT INTO task_cell (bucket, {', '.join(Figures._fields)}) "
    f"VALUES (?, {', '.join('?' * len(Figures._fields))}) "
    "ON CONFLICT (bucket) DO UPDATE SET "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in Figures._fields)
)


class Taken(NamedTuple):
    """What became of events: those that are new, and how many were known already."""

    accepted: list[Event]
    duplicates: int


def put(
    connection: Connection,
    events: Iterable[Event],
    *,
    card: RateCard,
    clock: Clock,
    now: int,
    origin: str,
) -> Taken:
    """Keep the events that are not known yet; within the caller's transaction."""
    given = list(events)
    first: dict[str, Event] = {}
    for event in given:
        first.setdefault(event.event_id, event)
    for known in _known(connection, list(first)):
        del first[known]
    new = [clock.stamped(event) for event in first.values()]
    priced = [(event, cost_of(card, event)) for event in new]
    connection.executemany(_PUT, (_row(e, c, now, origin) for e, c in priced))
    _fold(connection, priced)
    usage_cells.add(connection, ((event, cost, 1) for event, cost in priced))
    return Taken(new, len(given) - len(new))


def latest(connection: Connection) -> int:
    """The highest logical time in the ledger; 0 where there is none."""
    (found,) = connection.execute("SELECT max(lamport) FROM event").fetchone()
    return found or 0


def _known(connection: Connection, ids: Sequence[str]) -> list[str]:
    found: list[str] = []
    for some in chunks(ids):
        query = f"SELECT event_id FROM event WHERE event_id IN ({marks(some)})"
        found.extend(row[0] for row in connection.execute(query, some))
    return found


def _row(event: Event, cost: Cost, now: int, origin: str) -> tuple[Any, ...]:
    details = orjson.dumps(event.details).decode() if event.details else "{}"
    return (
        *event[:_SAID],
        cost.nano,
        details,
        cost.source,
        cost.price,
        now,
        origin,
    )


def _fold(connection: Connection, priced: Sequence[tuple[Event, Cost]]) -> None:
    """Put the events into their tasks, and the difference into the cells."""
    by_task: dict[str, list[tuple[Event, Cost]]] = defaultdict(list)
    for event, cost in priced:
        if key := event.task_id or event.issue:
            by_task[key].append((event, cost))
    tasks = tasks_of(connection, list(by_task))
    cells: dict[int, Figures] = defaultdict(Figures)
    for key, found in by_task.items():
        task = tasks.setdefault(key, Task(key))
        _add(cells, task.counted_at, Figures().minus(task.figures))
        for event, cost in found:
            task.take(event, cost.nano, is_estimate=cost.source == ESTIMATED)
            _add(cells, event.at, step_figures(event))
        _add(cells, task.counted_at, task.figures)
    connection.executemany(_PUT_TASK, map(_TASK_ROW, tasks.values()))
    connection.executemany(_ADD, ((bucket, *cells[bucket]) for bucket in cells))


def _add(cells: dict[int, Figures], at: int | None, figures: Figures) -> None:
    if at is not None and any(figures):
        bucket = at // BUCKET_MS
        cells[bucket] = cells[bucket].plus(figures)


def tasks_of(connection: Connection, ids: Sequence[str]) -> dict[str, Task]:
    """The tasks of those names that there are."""
    found: dict[str, Task] = {}
    for some in chunks(ids):
        query = f"SELECT {TASK_COLUMNS} FROM task WHERE task_id IN ({marks(some)})"
        for row in connection.execute(query, some):
            found[row[0]] = Task(*row)
    return found


def refold(connection: Connection) -> None:
    """Make tasks and all cells anew out of the events; within the caller's transaction."""
    connection.execute("DELETE FROM task")
    connection.execute("DELETE FROM task_cell")
    usage_cells.fill(connection)
    last = 0
    while rows := connection.execute(_ALL, (last, _AT_ONCE)).fetchall():
        _fold(connection, [_kept(row) for row in rows])
        last = rows[-1][-1]


def refold_tasks(connection: Connection, ids: Sequence[str]) -> None:
    """Make some tasks anew, after the cost of their events has changed."""
    for some in chunks(ids):
        cells: dict[int, Figures] = defaultdict(Figures)
        old = tasks_of(connection, some)
        new = {name: Task(name) for name in some}
        # In two queries: an index serves each of them, and none serves both.
        for where in ("task_id IN ({0})", "task_id = '' AND issue IN ({0})"):
            query = f"SELECT {COLUMNS} FROM event WHERE {where.format(marks(some))}"
            for row in connection.execute(query, some):
                event, cost = _kept(row)
                task = new[event.task_id or event.issue]
                task.take(event, cost.nano, is_estimate=cost.source == ESTIMATED)
        for name, task in new.items():
            if name in old:
                _add(cells, task.counted_at, Figures().minus(old[name].figures))
            _add(cells, task.counted_at, task.figures)
        connection.executemany(_PUT_TASK, map(_TASK_ROW, new.values()))
        connection.executemany(_ADD, ((bucket, *cells[bucket]) for bucket in cells))


_AT_ONCE = 5_000
_ALL = f"SELECT {COLUMNS}, id FROM event WHERE id > ? ORDER BY id LIMIT ?"


def _kept(row: tuple[Any, ...]) -> tuple[Event, Cost]:
    event, width = to_event(row), len(Event._fields)
    return event, Cost(event.cost, row[width], row[width + 1])


def to_event(row: Sequence[Any]) -> Event:
    """The event of a row that begins with the columns of ``Event``."""
    event = Event._make(row[: len(Event._fields)])
    success = None if event.success is None else bool(event.success)
    return event._replace(success=success, details=orjson.loads(row[len(event) - 1]))
