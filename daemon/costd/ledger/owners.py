"""Every context has one owner; nothing is without a name."""

from __future__ import annotations

from sqlite3 import Connection

from costd.core.attribution import Keys, Place, attribute_place
from costd.core.projects import project_of

_MISSING = """
SELECT c.id, c.cwd, c.branch, coalesce(max(w.branch), '')
FROM context c
LEFT JOIN worktree w ON w.session = c.session AND w.path = c.cwd
LEFT JOIN attribution a ON a.context_id = c.id
WHERE a.context_id IS NULL AND c.id > ?
GROUP BY c.id
"""


def attribute_new(connection: Connection, keys: Keys, after: int) -> None:
    """Give each context with a number past ``after`` that has none its owner."""
    rows = []
    for number, cwd, branch, worktree_branch in connection.execute(_MISSING, (after,)):
        place = Place(cwd=cwd, branch=branch, worktree_branch=worktree_branch)
        owner = attribute_place(place, keys)
        rows.append(
            (
                number,
                owner.issue,
                owner.role,
                owner.rule,
                owner.confidence,
                owner.evidence,
                owner.candidate,
                project_of(cwd),
            )
        )
    connection.executemany(
        "INSERT INTO attribution (context_id, issue, role, rule, confidence, evidence, "
        "candidate, project) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def attribute_all(connection: Connection, keys: Keys) -> None:
    """Decide anew for everything: the keys that are believed have changed."""
    connection.execute("DELETE FROM attribution")
    attribute_new(connection, keys, 0)


def last_context(connection: Connection) -> int:
    """The number of the newest context."""
    (last,) = connection.execute("SELECT max(id) FROM context").fetchone()
    return last or 0
