"""What activities cost that somebody told of: by their type, and the dearest."""

from __future__ import annotations

from sqlite3 import Connection
from typing import NamedTuple

_TYPE = "coalesce(json_extract(details, '$.activity_type'), '')"
_WHERE = "type = 'activity' AND at >= ? AND at < ?"


class Kind(NamedTuple):
    """A type of activity: how many, their nano-USD, how many of them tell none."""

    name: str
    told: int
    cost: int
    silent: int
    unpriced: int


class Activity(NamedTuple):
    """One activity; money in nano-USD."""

    event_id: str
    at: int
    kind: str
    title: str
    model: str
    issue: str
    session_id: str
    status: str
    tokens: int | None
    cost: int


def kinds(connection: Connection, since: int | None, until: int | None) -> list[Kind]:
    """Every type of activity in a span, the dearest first."""
    rows = connection.execute(
        f"SELECT {_TYPE}, count(*), coalesce(sum(cost), 0), sum(cost IS NULL), "
        f"sum(cost_source = 'unpriced') FROM event WHERE {_WHERE} "
        "GROUP BY 1 ORDER BY 3 DESC, 1",
        _span(since, until),
    )
    return [Kind._make(row) for row in rows]


def dearest(
    connection: Connection, since: int | None, until: int | None, most: int
) -> list[Activity]:
    """The activities with the highest cost in a span."""
    rows = connection.execute(
        f"SELECT event_id, at, {_TYPE}, coalesce(json_extract(details, '$.title'), "
        "json_extract(details, '$.action'), ''), model, issue, session_id, status, "
        f"total_tokens, cost FROM event WHERE {_WHERE} AND cost IS NOT NULL "
        "ORDER BY cost DESC, at DESC LIMIT ?",
        (*_span(since, until), most),
    )
    return [Activity._make(row) for row in rows]


def _span(since: int | None, until: int | None) -> tuple[int, int]:
    return (
        -(2**62) if since is None else since,
        2**62 if until is None else until,
    )
