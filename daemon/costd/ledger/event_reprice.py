"""New prices for events that were priced by the rate card, or could not be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from sqlite3 import Connection
from typing import Any, NamedTuple

from costd.core.events import Event
from costd.core.rates import RateCard
from costd.ledger import attempts, events, usage_cells
from costd.ledger.event_prices import ESTIMATED, UNPRICED, Cost, cost_of

_AT_ONCE = 10_000
_ALL = (
    f"SELECT {events.COLUMNS}, id FROM event WHERE id > ? AND cost_source IN "
    f"('{ESTIMATED}', '{UNPRICED}') ORDER BY id LIMIT ?"
)


class Change(NamedTuple):
    """An event that has another cost now."""

    id: int
    event: Event
    before: Cost
    after: Cost


def reprice(connection: Connection, card: RateCard) -> int:
    """Estimate anew; within the caller's transaction. How many costs have changed.

    What an event reports itself stays as it is.
    """
    count, tasks = 0, set[str]()
    for changes in _batches(connection, card):
        connection.executemany(
            "UPDATE event SET cost = ?, cost_source = ?, price = ? WHERE id = ?",
            ((*change.after, change.id) for change in changes),
        )
        costs = {c.id: (c.before.nano, c.after.nano) for c in changes}
        attempts.recount(connection, costs)
        usage_cells.add(connection, ((c.event, c.before, -1) for c in changes))
        usage_cells.add(connection, ((c.event, c.after, 1) for c in changes))
        tasks |= {c.event.task_id or c.event.issue for c in changes}
        count += len(changes)
    usage_cells.sweep(connection)
    events.refold_tasks(connection, sorted(tasks - {""}))
    return count


def _batches(connection: Connection, card: RateCard) -> Iterator[list[Change]]:
    last = 0
    while rows := connection.execute(_ALL, (last, _AT_ONCE)).fetchall():
        last = rows[-1][-1]
        found = (_change(card, row) for row in rows)
        yield [change for change in found if change is not None]


def _change(card: RateCard, row: Sequence[Any]) -> Change | None:
    event = events.to_event(row)
    width = len(Event._fields)
    before = Cost(event.cost, str(row[width]), str(row[width + 1]))
    after = cost_of(card, event._replace(cost=None))
    if after[:2] == before[:2]:
        return None
    return Change(row[-1], event, before, after)
