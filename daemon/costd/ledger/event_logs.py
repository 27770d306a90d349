"""Files of events: how far each is read, and how many of its lines were no events."""

from __future__ import annotations

from collections.abc import Iterator
from sqlite3 import Connection
from typing import NamedTuple

from costd.core.checkpoint import Checkpoint

SOURCE = "events"
_NAMES = (
    "path",
    "device",
    "inode",
    "size",
    "modified_ns",
    "changed_ns",
    "offset",
    "scan_from",
    "head",
    "head_length",
    "marker",
    "generation",
)
_PUT = f"""
INSERT INTO event_log ({", ".join(_NAMES)}, lines, skipped, reason)
VALUES ({", ".join("?" * (len(_NAMES) + 3))})
ON CONFLICT (path) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in _NAMES[1:])},
    lines = excluded.lines + CASE WHEN excluded.generation = generation
        THEN lines ELSE 0 END,
    skipped = excluded.skipped + CASE WHEN excluded.generation = generation
        THEN skipped ELSE 0 END,
    reason = CASE WHEN excluded.skipped > 0 THEN excluded.reason
        WHEN excluded.generation = generation THEN reason ELSE '' END
"""


class LogRead(NamedTuple):
    """A stretch of a log that was read: its new checkpoint, and what is counted."""

    checkpoint: Checkpoint
    lines: int
    skipped: int
    reason: str


class LogState(NamedTuple):
    """How a log stands; ``reason`` says why its last bad line was one."""

    path: bytes
    lines: int
    skipped: int
    reason: str


def put(connection: Connection, read: LogRead) -> None:
    """Note how far a log is read; within the transaction that keeps its events."""
    values = [getattr(read.checkpoint, name) for name in _NAMES]
    connection.execute(_PUT, (*values, read.lines, read.skipped, read.reason))


def checkpoint(connection: Connection, path: bytes) -> Checkpoint:
    """How far a log is read; a new one not at all."""
    query = f"SELECT {', '.join(_NAMES)} FROM event_log WHERE path = ?"
    row = connection.execute(query, (path,)).fetchone()
    if row is None:
        return Checkpoint(path, SOURCE)
    return Checkpoint(source=SOURCE, **dict(zip(_NAMES, row, strict=True)))


def states(connection: Connection) -> Iterator[LogState]:
    """Every log that was ever read."""
    query = "SELECT path, lines, skipped, reason FROM event_log ORDER BY path"
    for row in connection.execute(query):
        yield LogState(*row)
