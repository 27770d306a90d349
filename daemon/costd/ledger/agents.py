"""How sessions and subagents hang together: who started whom, who copied whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from sqlite3 import Connection
from typing import NamedTuple

from costd.core.checkpoint import Segment
from costd.ledger.places import Places


class Agent(NamedTuple):
    """A subagent, as the note beside its log says.

    Args:
        source: which agent's log it is.
        session_id: the session that it belongs to.
        agent_id: its own id.
        agent_type: what kind it is, or empty.
        parent_id: the subagent that started it; empty for the session itself.
    """

    source: str
    session_id: str
    agent_id: str
    agent_type: str
    parent_id: str = ""


def put(connection: Connection, places: Places, found: Iterable[Agent]) -> set[int]:
    """Keep what is known of subagents; the sessions of which it is new."""
    changed: set[int] = set()
    for agent in found:
        session = places.session(agent.source, agent.session_id)
        row = (session, agent.agent_id, agent.agent_type, agent.parent_id)
        known = connection.execute(
            "SELECT * FROM agent WHERE session = ? AND agent_id = ?", row[:2]
        ).fetchone()
        if known != row:
            connection.execute("INSERT OR REPLACE INTO agent VALUES (?, ?, ?, ?)", row)
            changed.add(session)
    return changed


def types_of(connection: Connection, session_id: str) -> dict[str, str]:
    """The kinds of a session's subagents, by id; only those that are known."""
    rows = connection.execute(
        "SELECT a.agent_id, a.agent_type FROM session s JOIN agent a "
        "ON a.session = s.id WHERE s.session_id = ? AND a.agent_type <> ''",
        (session_id,),
    )
    return dict(rows.fetchall())


def put_forks(
    connection: Connection, copies: Mapping[tuple[int, int], int]
) -> set[int]:
    """Keep which sessions copied others' responses; the sessions that are new forks.

    Args:
        connection: the ledger's.
        copies: the context of a copy and that of its original, and when it was made.
    """
    changed: set[int] = set()
    for (copy, original), at in copies.items():
        child, parent = _session(connection, copy), _session(connection, original)
        if child == parent:
            continue
        known = connection.execute(
            "SELECT last_at FROM fork WHERE session = ? AND parent = ?", (child, parent)
        ).fetchone()
        if known is None or known[0] < at:
            connection.execute(
                "INSERT OR REPLACE INTO fork VALUES (?, ?, ?)", (child, parent, at)
            )
            # The older log may have come last: then it was the other way round.
            connection.execute(
                "DELETE FROM fork WHERE session = ? AND parent = ?", (parent, child)
            )
            changed |= {child, parent}
    return changed


def _session(connection: Connection, context: int) -> int:
    (session,) = connection.execute(
        "SELECT session FROM context WHERE id = ?", (context,)
    ).fetchone()
    return int(session)


def in_worktrees(connection: Connection, segments: Iterable[Segment]) -> set[int]:
    """The sessions that say which worktree they are in."""
    found: set[int] = set()
    for segment in segments:
        for tree in segment.reading.worktrees:
            found.update(
                number
                for (number,) in connection.execute(
                    "SELECT id FROM session WHERE session_id = ? AND source = ?",
                    (tree.session_id, segment.checkpoint.source),
                )
            )
    return found
