"""What events say was used, summed up beforehand.

By quarter of an hour, in which every day of every zone can be cut; and by day with what
has few values, such as agent and model. An event is in both as soon as it is kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from sqlite3 import Connection
from typing import NamedTuple

from costd.core.events import Event
from costd.core.instants import DAY
from costd.core.kpi import DIRECT
from costd.ledger.cells import BUCKET_MS
from costd.ledger.event_prices import Cost

Key = tuple[int | str, ...]

SUMS = (
    "cost, input_tokens, output_tokens, cache_read_tokens, cache_creation_5m_tokens, "
    "cache_creation_1h_tokens, total_tokens"
).split(", ")
TYPES = ", ".join(f"'{kind}'" for kind in sorted(DIRECT))
"""Whose usage is summed, as SQL has it."""
NAMED = "(session_id <> '' OR run_id <> '')"
"""Which events may be in a session log too."""


class Level(NamedTuple):
    """One table of sums: how long its buckets are, and what it can be cut by."""

    table: str
    unit: int
    columns: tuple[str, ...]


BY_TIME = Level("usage_cell", BUCKET_MS, ())
BY_DAY = Level("usage_day", DAY, ("type", "agent", "role", "model", "feature"))
_LEVELS = (BY_DAY, BY_TIME)


def levels_for(columns: AbstractSet[str]) -> list[Level]:
    """The levels that can be cut by these columns, the one with long buckets first."""
    return [level for level in _LEVELS if columns <= set(level.columns)]


def add(connection: Connection, priced: Iterable[tuple[Event, Cost, int]]) -> None:
    """Add events, or take them away; within the transaction that changes them.

    Args:
        connection: the ledger.
        priced: events with their costs, and 1, or -1 for those that go.
    """
    cells: dict[Key, list[int]] = defaultdict(lambda: [0] * (len(SUMS) + 1))
    days: dict[Key, list[int]] = defaultdict(lambda: [0] * (len(SUMS) + 1))
    for event, cost, sign in priced:
        if not cost.source or event.type not in DIRECT:
            continue
        named = 1 if event.session_id or event.run_id else 0
        values = (
            1,
            cost.nano or 0,
            event.input_tokens or 0,
            event.output_tokens or 0,
            event.cache_read_tokens or 0,
            event.cache_creation_5m_tokens or 0,
            event.cache_creation_1h_tokens or 0,
            event.total_tokens or 0,
        )
        day = (event.at // DAY, named, cost.source, event.type, event.agent)
        sums = days[(*day, event.role, event.model, event.feature)]
        more = cells[event.at // BUCKET_MS, named, cost.source]
        for place, value in enumerate(values):
            sums[place] += sign * value
            more[place] += sign * value
    for level, found in ((BY_TIME, cells), (BY_DAY, days)):
        connection.executemany(
            _put(level), ((*key, *sums) for key, sums in found.items())
        )


def sweep(connection: Connection) -> None:
    """Remove what nothing is left of."""
    for level in _LEVELS:
        connection.execute(f"DELETE FROM {level.table} WHERE events = 0")


def fill(connection: Connection) -> None:
    """Make all of them anew out of the events; within the caller's transaction."""
    for level in _LEVELS:
        columns = _columns(level)
        groups = ", ".join(str(number + 1) for number in range(len(columns)))
        sums = ", ".join(f"coalesce(sum({name}), 0)" for name in SUMS)
        connection.execute(f"DELETE FROM {level.table}")
        connection.execute(
            f"INSERT INTO {level.table} SELECT at / {level.unit}, {NAMED}, "
            f"{', '.join(columns[2:])}, count(*), {sums} FROM event "
            f"WHERE cost_source <> '' AND type IN ({TYPES}) GROUP BY {groups}"
        )


def _columns(level: Level) -> list[str]:
    return ["bucket", "named", "cost_source", *level.columns]


def _put(level: Level) -> str:
    columns = _columns(level)
    names = ", ".join([*columns, "events", *SUMS])
    marks = ", ".join("?" * (len(columns) + 1 + len(SUMS)))
    more = ", ".join(f"{name} = {name} + excluded.{name}" for name in ("events", *SUMS))
    return (
        f"INSERT INTO {level.table} ({names}) VALUES ({marks}) "
        f"ON CONFLICT ({', '.join(columns)}) DO UPDATE SET {more}"
    )
