"""Pull requests that were imported, and what file each came from."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from sqlite3 import Connection
from typing import NamedTuple

from costd.core.attribution import Pull
from costd.ledger.evidence import chunks, marks


class ImportedPull(NamedTuple):
    """A pull request, where it came from, and when, milliseconds."""

    pull: Pull
    source: str
    at: int


def imported(connection: Connection) -> list[ImportedPull]:
    """All of them, by repository and number."""
    return [
        ImportedPull(
            Pull(repository, number, branch, head, tuple(closes.split())), source, at
        )
        for repository, number, branch, head, closes, source, at in connection.execute(
            "SELECT repository, number, branch, head, closes, source, imported_at "
            "FROM pull_request ORDER BY repository, number"
        )
    ]


def put(connection: Connection, pulls: Iterable[ImportedPull]) -> None:
    """Keep these; what is known of the same ones is replaced."""
    connection.executemany(
        "INSERT OR REPLACE INTO pull_request VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (p.repository, p.number, p.branch, p.head, " ".join(p.closes), source, at)
            for p, source, at in pulls
        ],
    )


def remove(connection: Connection, pulls: Iterable[Pull]) -> None:
    """Keep these no longer."""
    connection.executemany(
        "DELETE FROM pull_request WHERE repository = ? AND number = ?",
        [(pull.repository, pull.number) for pull in pulls],
    )


def linked(connection: Connection, contexts: Collection[int] | None) -> set[int]:
    """Sessions that say on which pull requests they work; of contexts, or all."""
    if contexts is None:
        rows = connection.execute("SELECT DISTINCT session FROM pr_link").fetchall()
        return {session for (session,) in rows}
    found: set[int] = set()
    for some in chunks(sorted(contexts)):
        rows = connection.execute(
            "SELECT session FROM pr_link WHERE session IN "
            f"(SELECT session FROM context WHERE id IN ({marks(some)}))",
            some,
        ).fetchall()
        found.update(session for (session,) in rows)
    return found
