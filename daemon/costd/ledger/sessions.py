"""One session in full, and what is known of the newest ones."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection
from typing import NamedTuple

from costd.core.attribution import Attribution
from costd.core.errors import NotFoundError, UsageError
from costd.core.summary import Sums
from costd.ledger.pieces import FIRST, LAST


class SessionPlace(NamedTuple):
    """Where a session was last, and who owns that."""

    session_id: str
    source: str
    first_at: int
    last_at: int
    cwd: str
    branch: str
    project: str
    issue: str
    role: str
    subagents: int
    reported_cost: int | None


_PLACES = """
SELECT s.session_id, s.source, min(c.first_at), max(c.last_at),
       c.cwd, c.branch, c.project, a.issue, a.role,
       count(DISTINCT nullif(c.agent_id, '')), s.reported_cost
FROM session s JOIN context c ON c.session = s.id
JOIN attribution a ON a.context_id = c.id
     AND a.from_at <= c.last_at AND c.last_at < a.until_at
WHERE {where} GROUP BY s.id
"""
# SQLite: bare columns beside max() come from the row that holds the maximum.


def places(connection: Connection, session_ids: list[str]) -> list[SessionPlace]:
    """Where these sessions were last; those that the ledger knows."""
    marks = ", ".join("?" * len(session_ids))
    query = _PLACES.format(where=f"s.session_id IN ({marks})")
    return [SessionPlace(*row) for row in connection.execute(query, session_ids)]


def active_since(connection: Connection, at: int) -> list[tuple[str, int]]:
    """Sessions with a response at or after an instant, and when the last one was."""
    rows = connection.execute(
        "SELECT s.session_id, max(c.last_at) FROM context c "
        "JOIN session s ON s.id = c.session WHERE c.last_at >= ? GROUP BY s.id",
        (at,),
    )
    return rows.fetchall()


def resolve(connection: Connection, name: str) -> str:
    """The id of the session that ``name`` begins.

    Raises:
        NotFoundError: there is none.
        UsageError: there are several.
    """
    if not name:
        raise UsageError("No session was named.", "Give an id from `costd sessions`.")
    rows = connection.execute(
        "SELECT session_id FROM session WHERE session_id >= ?1 "
        "AND substr(session_id, 1, length(?1)) = ?1 ORDER BY session_id LIMIT 3",
        (name,),
    ).fetchall()
    found = [str(session_id) for (session_id,) in rows]
    if name in found:
        return name
    if not found:
        raise NotFoundError(
            f"The ledger knows no session {name[:60]!r}.",
            "See `costd sessions` for those it knows.",
        )
    if len(found) > 1:
        raise UsageError(
            f"Several sessions begin with {name[:60]!r}.", "Give more of the id."
        )
    return found[0]


class Spending(NamedTuple):
    """What one response cost and when, for a rate of spending."""

    at: int
    cost: int


def spending_since(
    connection: Connection, session_ids: Sequence[str], since: int
) -> dict[str, list[Spending]]:
    """The priced responses of sessions from an instant on, in their order."""
    marks = ", ".join("?" * len(session_ids))
    rows = connection.execute(
        "SELECT s.session_id, r.at, r.cost FROM session s "
        "JOIN context c ON c.session = s.id JOIN response r ON r.context_id = c.id "
        f"WHERE s.session_id IN ({marks}) AND c.last_at >= ? AND r.at >= ? "
        "AND r.cost IS NOT NULL ORDER BY r.at",
        (*session_ids, since, since),
    )
    found: dict[str, list[Spending]] = {}
    for session_id, at, cost in rows:
        found.setdefault(session_id, []).append(Spending(at, cost))
    return found


class LogOf(NamedTuple):
    """A log that holds responses of a session."""

    path: bytes
    size: int
    vanished_at: int | None


def logs_of(connection: Connection, session_id: str) -> list[LogOf]:
    """The logs that a session's responses were read from."""
    rows = connection.execute(
        "SELECT DISTINCT l.path, l.size, l.vanished_at FROM session s "
        "JOIN context c ON c.session = s.id JOIN response r ON r.context_id = c.id "
        "JOIN log_file l ON l.id = r.file_id WHERE s.session_id = ? ORDER BY l.path",
        (session_id,),
    )
    return [LogOf(*row) for row in rows]


class OwnerOf(NamedTuple):
    """Who owns a part of a session, where and when that was, and what it cost."""

    owner: Attribution
    branch: str
    cwd: str
    agent_id: str
    from_at: int | None
    until_at: int | None
    sums: Sums
    """Responses, their cost, and what of it is not known."""


_OWNERS = """
SELECT a.issue, a.role, a.rule, a.confidence, a.evidence, a.candidate,
       a.candidate_confidence, a.via, c.branch, c.cwd, c.agent_id, a.from_at, a.until_at,
       coalesce(sum(d.cost), 0), coalesce(sum(d.responses), 0),
       coalesce(sum(d.unfinalised), 0), coalesce(sum(d.unpriced), 0)
FROM session s JOIN context c ON c.session = s.id
JOIN attribution a ON a.context_id = c.id
LEFT JOIN stint d ON d.context_id = a.context_id AND d.span = a.span
WHERE s.session_id = ? GROUP BY a.context_id, a.span
ORDER BY 14 DESC, c.id, a.from_at
"""


def owners_of(connection: Connection, session_id: str) -> list[OwnerOf]:
    """The owners of a session, the dearest first; open ends of time are None."""
    found = []
    for row in connection.execute(_OWNERS, (session_id,)):
        branch, cwd, agent_id, from_at, until_at, cost, *counts = row[8:]
        responses, unfinalised, unpriced = counts
        found.append(
            OwnerOf(
                Attribution(*row[:8]),
                branch,
                cwd,
                agent_id,
                None if from_at == FIRST else from_at,
                None if until_at == LAST else until_at,
                Sums(
                    responses,
                    cost=cost,
                    unfinalised=unfinalised,
                    unpriced=unpriced,
                ),
            )
        )
    return found
