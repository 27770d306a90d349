"""Logs and their checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from sqlite3 import Connection
from typing import Any

from costd.core.checkpoint import Checkpoint, Segment

_CHECKPOINT = (
    "path, source, root, device, inode, size, modified_ns, changed_ns, offset, "
    "scan_from, head, head_length, marker, state, generation"
)
_COLUMNS = _CHECKPOINT.split(", ")
_PUT = f"""
INSERT INTO log_file ({_CHECKPOINT}, first_at, last_at, forked, lines, salvaged)
VALUES ({", ".join("?" * 20)})
ON CONFLICT (path) DO UPDATE SET
    {", ".join(f"{c} = excluded.{c}" for c in _COLUMNS[1:])},
    first_at = CASE WHEN excluded.first_at > 0
        AND (first_at = 0 OR excluded.generation <> generation)
        THEN excluded.first_at ELSE first_at END,
    last_at = max(last_at, excluded.last_at),
    forked = forked OR excluded.forked,
    lines = excluded.lines + CASE WHEN excluded.generation = generation
        THEN lines ELSE 0 END,
    salvaged = excluded.salvaged + CASE WHEN excluded.generation = generation
        THEN salvaged ELSE 0 END,
    error = '',
    vanished_at = NULL
RETURNING id
"""


def put(connection: Connection, segment: Segment) -> int:
    """Write a log's checkpoint and what was counted in it; its number.

    A log that is read from the start again (a new generation) is counted anew. When
    it began is said by its first line, however many it is read in one go: a later
    line that is older must not make another log the original of its copies.
    """
    point, reading = segment.checkpoint, segment.reading
    if point.generation:
        connection.execute(
            "DELETE FROM skipped_line WHERE file_id = "
            "(SELECT id FROM log_file WHERE path = ? AND generation <> ?)",
            (point.path, point.generation),
        )
    values = tuple(getattr(point, name) for name in _COLUMNS)
    (number,) = connection.execute(
        _PUT,
        (
            *values,
            reading.first_at,
            reading.last_at,
            int(reading.forked),
            reading.lines,
            reading.salvaged,
        ),
    ).fetchone()
    if reading.skipped:
        connection.executemany(
            "INSERT OR REPLACE INTO skipped_line (file_id, offset, length, reason) "
            "VALUES (?, ?, ?, ?)",
            ((number, s.offset, s.length, s.reason) for s in reading.skipped),
        )
    return int(number)


UNREAD = {
    "device": 0,
    "inode": 0,
    "size": 0,
    "modified_ns": 0,
    "changed_ns": 0,
    "offset": 0,
    "scan_from": 0,
    "head": b"",
    "head_length": 0,
    "marker": b"",
    "state": b"",
    "first_at": 0,
    "last_at": 0,
    "forked": 0,
    "lines": 0,
    "salvaged": 0,
    "error": "",
    "vanished_at": None,
}
"""What makes a row of ``log_file`` one of which nothing is read yet."""


def to_checkpoint(row: Mapping[str, Any]) -> Checkpoint:
    """The checkpoint in a row of ``log_file``."""
    return Checkpoint(*(row[name] for name in _COLUMNS))


def put_error(connection: Connection, segment: Segment) -> None:
    """Note that a log could not be read; its checkpoint stays."""
    connection.execute(
        "UPDATE log_file SET error = ? WHERE path = ?",
        (segment.error, segment.checkpoint.path),
    )


def checkpoints(connection: Connection) -> Iterator[Checkpoint]:
    """The checkpoint of every log, also of those that vanished."""
    query = f"SELECT {_CHECKPOINT} FROM log_file"
    for row in connection.execute(query):
        yield Checkpoint(*row)


def checkpoint(connection: Connection, path: bytes) -> Checkpoint | None:
    """The checkpoint of one log."""
    query = f"SELECT {_CHECKPOINT} FROM log_file WHERE path = ?"
    row = connection.execute(query, (path,)).fetchone()
    return Checkpoint(*row) if row else None


def put_vanished(connection: Connection, paths: list[bytes], now: int) -> None:
    """Note that logs are no longer there; nothing that was read from them goes."""
    connection.executemany(
        "UPDATE log_file SET vanished_at = ?, error = '' "
        "WHERE path = ? AND vanished_at IS NULL",
        ((now, path) for path in paths),
    )


def move(connection: Connection, old: bytes, new: bytes, root: bytes) -> bool:
    """Give a log its new path; False where the ledger knows a log there already."""
    changed = connection.execute(
        "UPDATE OR IGNORE log_file SET path = ?, root = ? WHERE path = ?",
        (new, root, old),
    )
    return changed.rowcount == 1
