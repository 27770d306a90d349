"""What the ledger knows about its own completeness."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


_SOME = "id <= {last:d} AND path NOT IN ({marks})"
_OTHERS = "(id > {last:d} OR path IN ({marks}))"


class Logs(NamedTuple):
    """Some of the logs: all up to a number without some, or all others.

    Attributes:
        last: the number of the last one that was there.
        fresh: paths of those among them that count as others.
        others: which of the two it is.
    """

    last: int
    fresh: Sequence[bytes]
    others: bool


def coverage(connection: Connection) -> Coverage:
    """How much of everything has been read, and how well."""
    return covered_together(coverage_by_source(connection).values())


def coverage_by_source(
    connection: Connection, logs: Logs | None = None
) -> dict[str, Coverage]:
    """How much of each source has been read, and how well.

    Args:
        connection: the ledger's.
        logs: only these; None: all of them.
    """
    where, values = "1", list[bytes]()
    if logs is not None:
        marks = ", ".join("?" * len(logs.fresh))
        where = (_OTHERS if logs.others else _SOME).format(last=logs.last, marks=marks)
        values = list(logs.fresh)
    rows = connection.execute(
        "SELECT source, sum(vanished_at IS NULL), sum(vanished_at IS NOT NULL), "
        "sum((SELECT count(*) FROM skipped_line s WHERE s.file_id = log_file.id)), "
        "sum(salvaged), max(last_at), sum(error <> ''), max(error), sum(generation) "
        f"FROM log_file WHERE {where} GROUP BY 1",
        values,
    )
    return {source: Coverage(*found) for source, *found in rows}


def covered_together(parts: Iterable[Coverage]) -> Coverage:
    """The coverage of all parts."""
    found = Coverage(0, 0, 0, 0, None, 0, "", 0)
    for part in parts:
        latest = max(found.last_record_at or 0, part.last_record_at or 0)
        found = Coverage(
            files=found.files + part.files,
            vanished=found.vanished + part.vanished,
            skipped_lines=found.skipped_lines + part.skipped_lines,
            salvaged_lines=found.salvaged_lines + part.salvaged_lines,
            last_record_at=latest or None,
            errors=found.errors + part.errors,
            last_error=max(found.last_error, part.last_error),
            rewrites=found.rewrites + part.rewrites,
        )
    return found


def last_log(connection: Connection) -> int:
    """The number of the newest log; 0 where there is none."""
    return int(
        connection.execute("SELECT coalesce(max(id), 0) FROM log_file").fetchone()[0]
    )


def logs_up_to(
    connection: Connection, last: int, paths: Sequence[bytes]
) -> list[bytes]:
    """Which of some paths belong to logs with numbers up to ``last``."""
    marks = ", ".join("?" * len(paths))
    rows = connection.execute(
        f"SELECT path FROM log_file WHERE id <= {last:d} AND path IN ({marks})", paths
    )
    return [path for (path,) in rows]


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
