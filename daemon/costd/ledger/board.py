"""Which issues and sessions there are and when they were last worked on, by places."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from sqlite3 import Connection
from typing import NamedTuple

from costd.ledger.cells import BUCKET_MS
from costd.ledger.evidence import chunks, marks

_PLACES = {"project": "c.project", "branch": "c.branch", "agent": "s.source"}
PLACES = frozenset(_PLACES)
"""Filters that say something of a place, and not of its responses."""


class LastWork(NamedTuple):
    """An issue, how many sessions have worked for it, and when the last did."""

    issue: str
    sessions: int
    last_at: int


def last_work(connection: Connection) -> list[LastWork]:
    """Of every issue and bucket."""
    rows = connection.execute(
        "SELECT a.issue, count(DISTINCT c.session), max(min(c.last_at, a.until_at - 1)) "
        "FROM attribution a JOIN context c ON c.id = a.context_id GROUP BY 1"
    )
    return [LastWork._make(row) for row in rows]


def latest_sessions(
    connection: Connection,
    since: int | None,
    until: int | None,
    filters: Mapping[str, Sequence[str]],
) -> list[str]:
    """Sessions that may have something in a span, the latest first.

    Args:
        connection: the ledger's.
        since: from when, milliseconds; None for ever.
        until: to when.
        filters: only such as are in ``PLACES``.
    """
    where, values = _where(filters)
    rows = connection.execute(
        "SELECT s.session_id, max(c.last_at) AS last FROM context c "
        f"JOIN session s ON s.id = c.session WHERE {where} GROUP BY s.id "
        "HAVING last >= ? AND min(c.first_at) < ? ORDER BY last DESC, s.session_id",
        (*values, *_span(since, until)),
    )
    return [session_id for session_id, _ in rows]


def _span(since: int | None, until: int | None) -> tuple[int, int]:
    """With room for the quarter of an hour to which sums are cut."""
    low = -(2**62) if since is None else since // BUCKET_MS * BUCKET_MS
    high = 2**62 if until is None else -(-until // BUCKET_MS) * BUCKET_MS
    return low, high


def _where(filters: Mapping[str, Sequence[str]]) -> tuple[str, list[object]]:
    clauses, values = ["1"], list[object]()
    for name, wanted in filters.items():
        clauses.append(f"{_PLACES[name]} IN ({', '.join('?' * len(wanted))})")
        values.extend(wanted)
    return " AND ".join(clauses), values


def choices(connection: Connection) -> dict[str, list[str]]:
    """The projects and agents that there are, for whoever wants to choose."""
    projects = connection.execute(
        "SELECT project FROM context GROUP BY 1 ORDER BY max(last_at) DESC, 1 LIMIT 200"
    ).fetchall()
    agents = connection.execute(
        "SELECT DISTINCT source FROM session ORDER BY 1"
    ).fetchall()
    return {
        "projects": sorted(name for (name,) in projects if name),
        "agents": [name for (name,) in agents],
    }


def branches(connection: Connection, contexts: Collection[int]) -> dict[int, str]:
    """The branch of each of some contexts."""
    found: dict[int, str] = {}
    for some in chunks(sorted(contexts)):
        found |= dict(
            connection.execute(
                f"SELECT id, branch FROM context WHERE id IN ({marks(some)})", some
            ).fetchall()
        )
    return found
