"""Which events there are: filtered, in their logical order."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any, NamedTuple

from costd.core.events import Event
from costd.ledger.events import to_event

_KEPT = ", ".join(Event._fields)
_ADDED = "cost_source, price, received_at, origin"
_FEW = 20_000
"""So many are sorted sooner than a long walk along the logical order finds them."""
_MORE = 1_000
"""So many may be of one logical time; more are found in another, slower way."""


class Filter(NamedTuple):
    """What events are asked for; empty and None mean any.

    ``task`` is a task's name or an issue. Instants in milliseconds, ``until`` excluded.
    """

    types: Sequence[str] = ()
    tasks: Sequence[str] = ()
    agents: Sequence[str] = ()
    models: Sequence[str] = ()
    sessions: Sequence[str] = ()
    runs: Sequence[str] = ()
    since: int | None = None
    until: int | None = None
    success: bool | None = None


class KeptEvent(NamedTuple):
    """An event as it is kept, with what its cost is made of."""

    event: Event
    cost_source: str
    price: str
    received_at: int
    origin: str


_SETS = (
    ("types", ("type",)),
    ("tasks", ("task_id", "issue")),
    ("agents", ("agent",)),
    ("models", ("model",)),
    ("sessions", ("session_id",)),
    ("runs", ("run_id",)),
)


def where_of(asked: Filter) -> tuple[str, list[Any]]:
    """The condition of a filter, and its parameters."""
    clauses, values = ["1"], list[Any]()
    for name, columns in _SETS:
        wanted = getattr(asked, name)
        if wanted:
            places = ", ".join("?" * len(wanted))
            # A partial index serves only a query that says what the index leaves out.
            clauses.append(
                "("
                + " OR ".join(f"({c} IN ({places}) AND {c} <> '')" for c in columns)
                + ")"
            )
            values += [*wanted] * len(columns)
    if asked.since is not None:
        clauses.append("at >= ?")
        values.append(asked.since)
    if asked.until is not None:
        clauses.append("at < ?")
        values.append(asked.until)
    if asked.success is not None:
        clauses.append("success = ?")
        values.append(int(asked.success))
    return " AND ".join(clauses), values


def count(connection: Connection, asked: Filter) -> int:
    """How many events a filter lets through."""
    where, values = where_of(asked)
    query = f"SELECT count(*) FROM event WHERE {where}"
    (found,) = connection.execute(query, values).fetchone()
    return int(found)


def select(
    connection: Connection, asked: Filter, limit: int | None = None
) -> list[KeptEvent]:
    """The last events that a filter lets through, by logical time and node.

    Args:
        connection: the ledger.
        asked: the filter.
        limit: how many at most; None for all.
    """
    where, values = where_of(asked)
    order = "lamport"
    if where == "1":
        return _last(connection, where, values, order, limit)
    found = _found(connection, asked, limit)
    if found is not None:
        # They are known: only the last ones, with all of one time, are looked at.
        order = "+lamport"  # or they are looked for along the order of all
        cut = len(found) if limit is None else min(limit, len(found))
        while cut and cut < len(found) and found[cut][0] == found[cut - 1][0]:
            cut += 1
        where, values = f"id IN ({', '.join(str(n) for _, n in found[:cut])})", []
    return _last(connection, where, values, order, limit)


def _found(
    connection: Connection, asked: Filter, limit: int | None
) -> list[tuple[int, int]] | None:
    """Logical time and number of the last ones and some before, the last first.

    Returns:
        None where there are so many that they are better looked for one by one.
    """
    where, values = where_of(asked)
    few = f"SELECT lamport, id FROM event WHERE {where} LIMIT {_FEW}"
    found = connection.execute(few, values).fetchall()
    if len(found) < _FEW:
        return sorted(found, reverse=True)
    if limit is None or asked.tasks or asked.sessions or asked.runs:
        return None
    if not _is_past(connection, asked.until):
        # Many up to now: some of them are among the last.
        columns = "lamport, id, at, type, agent, model, success"
        last = f"SELECT {columns} FROM event ORDER BY lamport DESC LIMIT {_FEW}"
        query = f"SELECT lamport, id FROM ({last}) WHERE {where}"
        found = connection.execute(query, values).fetchall()
        if _is_enough(found, limit):
            return sorted(found, reverse=True)
    # This index holds all that is asked for, so no event itself is read; and the last
    # come first, so that few of the others are ever among those that are kept.
    query = (
        "SELECT lamport, id FROM (SELECT lamport, id FROM event INDEXED BY event_filter "
        f"WHERE {where} ORDER BY at DESC LIMIT -1) "
        f"ORDER BY lamport DESC LIMIT {limit + _MORE}"
    )
    found = connection.execute(query, values).fetchall()
    return sorted(found, reverse=True) if _is_enough(found, limit) else None


def _is_past(connection: Connection, until: int | None) -> bool:
    """Whether there are events after that which is asked for."""
    query = "SELECT EXISTS (SELECT 1 FROM event WHERE at >= ?)"
    return until is not None and connection.execute(query, (until,)).fetchone()[0] == 1


def _is_enough(found: Sequence[tuple[int, int]], limit: int) -> bool:
    """Whether the last ones are whole: with all that have the time of the first."""
    ordered = sorted(found, reverse=True)
    return len(found) > limit and ordered[limit - 1][0] > ordered[-1][0]


def _last(
    connection: Connection,
    where: str,
    values: list[Any],
    order: str,
    limit: int | None,
) -> list[KeptEvent]:
    rows = connection.execute(
        f"SELECT {_KEPT}, {_ADDED} FROM event WHERE {where} "
        f"ORDER BY {order} DESC, node_id DESC, at DESC, id DESC LIMIT ?",
        [*values, -1 if limit is None else limit],
    ).fetchall()
    return [_kept(row) for row in reversed(rows)]


def _kept(row: tuple[Any, ...]) -> KeptEvent:
    return KeptEvent(to_event(row), *row[len(Event._fields) :])
