"""What the ledger knows about its own completeness."""

from __future__ import annotations

from sqlite3 import Connection
from typing import NamedTuple

from costd.ledger.cells import BUCKET_MS
from costd.ledger.ledger import Ledger


class Coverage(NamedTuple):
    """The logs of one source or of all, and what in them could not be used.

    ``rewrites`` counts how often a log was read anew because what had been read of it
    was no longer there: truncated, rewritten in place, or replaced.
    """

    files: int
    vanished: int
    skipped_lines: int
    salvaged_lines: int
    last_record_at: int | None
    errors: int
    last_error: str
    rewrites: int


def coverage(connection: Connection, source: str | None = None) -> Coverage:
    """How much of a source has been read, and how well; without one, of all."""
    files, vanished, salvaged, last_at, errors, error, rewrites = connection.execute(
        "SELECT sum(vanished_at IS NULL), sum(vanished_at IS NOT NULL), "
        "sum(salvaged), max(last_at), sum(error <> ''), max(error), "
        "sum(generation) "
        "FROM log_file WHERE ?1 IS NULL OR source = ?1",
        (source,),
    ).fetchone()
    (skipped,) = connection.execute(
        "SELECT count(*) FROM skipped_line s JOIN log_file l ON l.id = s.file_id "
        "WHERE ?1 IS NULL OR l.source = ?1",
        (source,),
    ).fetchone()
    return Coverage(
        files or 0,
        vanished or 0,
        skipped,
        salvaged or 0,
        last_at,
        errors or 0,
        error or "",
        rewrites or 0,
    )


def misdated(connection: Connection, first: int, last: int) -> int:
    """Responses that are dated before ``first`` or after ``last``, by quarter hours."""
    ((count,),) = connection.execute(
        "SELECT coalesce(sum(responses), 0) FROM ("
        "SELECT responses FROM cell WHERE bucket < ? "
        "UNION ALL SELECT responses FROM cell WHERE bucket > ?)",
        (first // BUCKET_MS, last // BUCKET_MS),
    ).fetchall()
    return int(count)


class Skipped(NamedTuple):
    """A stretch of a log that could not be used."""

    path: bytes
    offset: int
    length: int
    reason: str


def skipped(connection: Connection, limit: int) -> list[Skipped]:
    """Where something was lost, newest logs first."""
    rows = connection.execute(
        "SELECT l.path, s.offset, s.length, s.reason FROM skipped_line s "
        "JOIN log_file l ON l.id = s.file_id ORDER BY l.last_at DESC, s.offset LIMIT ?",
        (limit,),
    )
    return [Skipped(*row) for row in rows]


def quick_check(connection: Connection) -> str:
    """``ok``, or SQLite's first complaint."""
    return str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])


def held(ledger: Ledger) -> tuple[int, int]:
    """How many responses there are, and what they cost together, nano-USD."""
    with ledger.database.reading() as connection:
        responses, cost = connection.execute(
            "SELECT coalesce(sum(responses), 0), coalesce(sum(cost), 0) FROM cell"
        ).fetchone()
    return int(responses), int(cost)
