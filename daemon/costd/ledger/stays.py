"""When sessions were at work on a branch, and which of them are one session forked."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from sqlite3 import Connection
from typing import NamedTuple

from costd.ledger.evidence import chunks, marks

LINGERS_MS = 10 * 60 * 1000
"""So long after its last response a session may still be where it was."""


class Here(NamedTuple):
    """A context on a branch; its responses lie in these quarters of an hour."""

    id: int
    session: int
    first: int
    last: int


def stay(
    connection: Connection, at_work: Sequence[Here], instants: Sequence[int]
) -> tuple[int, int]:
    """From a session's first response on a branch to the end of its stay there.

    Args:
        connection: the ledger's.
        at_work: the contexts of the session on that branch.
        instants: what may lie inside, in order; the end is exact where one is near.
    """
    first, last = min(h.first for h in at_work), max(h.last for h in at_work)
    found: list[tuple[int, int, int]] = []
    for context in at_work:
        if context.first == first or context.last == last:
            low, high = connection.execute(
                "SELECT min(at), max(at) FROM response WHERE context_id = ?",
                (context.id,),
            ).fetchone()
            if low is not None:
                found.append((low, high, context.id))
    if not found:
        return 0, -1
    _, until, latest = max(found, key=lambda bounds: bounds[1:])
    near = bisect_right(instants, until)
    if near < len(instants) and instants[near] <= until + LINGERS_MS:
        until = _end_of_stay(connection, latest, until)
    return min(low for low, _, _ in found), until


def _end_of_stay(connection: Connection, context: int, at: int) -> int:
    """How long a session stayed after its last response somewhere.

    Until it answered elsewhere, or to its last line: the command that commits ends
    after the response that asked for it.
    """
    run = connection.execute
    (seen,) = run(
        "SELECT min(r.at) FROM context here JOIN context c ON c.session = here.session "
        "AND c.agent_id = here.agent_id JOIN response r ON r.context_id = c.id "
        "WHERE here.id = ? AND r.at > ?",
        (context, at),
    ).fetchone()
    if seen is None:
        (seen,) = run(
            "SELECT last_at FROM log_file WHERE id = (SELECT file_id FROM response "
            "WHERE context_id = ? ORDER BY at DESC, id DESC LIMIT 1)",
            (context,),
        ).fetchone()
    return max(at, min(int(seen), at + LINGERS_MS))


def families(connection: Connection, sessions: Collection[int]) -> dict[int, int]:
    """Of sessions that were forked: the one that they all come from."""
    parents: dict[int, int] = {}
    waiting = set(sessions)
    while waiting:
        found: set[int] = set()
        for some in chunks(sorted(waiting)):
            for child, parent in connection.execute(
                "SELECT session, min(parent) FROM fork "
                f"WHERE session IN ({marks(some)}) GROUP BY session",
                some,
            ):
                parents[child] = parent
                found.add(parent)
        waiting = found - parents.keys()
    oldest_of: dict[int, int] = {}
    for session in sessions:
        oldest, seen = session, {session}
        while (parent := parents.get(oldest, oldest)) not in seen:
            oldest = parent
            seen.add(parent)
        oldest_of[session] = oldest
    return oldest_of
