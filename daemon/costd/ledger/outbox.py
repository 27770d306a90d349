"""The outbox: what others are to be told, kept until they have taken it."""

from __future__ import annotations

from sqlite3 import Connection
from typing import NamedTuple

from costd.core.instants import DAY, SECOND

FIRST_PAUSE_MS = 5 * SECOND
LAST_PAUSE_MS = 3600 * SECOND
KEPT_MS = 30 * DAY
"""So long the key of what was sent is remembered, so that it is not sent again."""


class Message(NamedTuple):
    """One message that is due."""

    id: int
    key: str
    event: str
    subject: str
    body: bytes
    tries: int


class Waiting(NamedTuple):
    """What is not done: how much, when the next one is due, what the last try said."""

    messages: int
    next_at: int | None
    problem: str


def put(
    connection: Connection,
    *,
    key: str,
    event: str,
    subject: str,
    body: bytes,
    now: int,
) -> bool:
    """Have something told; False where it was, or is to be, under this key."""
    cursor = connection.execute(
        "INSERT OR IGNORE INTO outbox (key, event, subject, body, made_at, next_at) "
        "VALUES (?, ?, ?, ?, ?5, ?5)",
        (key, event, subject, body, now),
    )
    return bool(cursor.rowcount)


def due(connection: Connection, now: int, most: int) -> list[Message]:
    """What may be sent now, the oldest first."""
    rows = connection.execute(
        "SELECT id, key, event, subject, body, tries FROM outbox "
        "WHERE done_at IS NULL AND next_at <= ? ORDER BY next_at, id LIMIT ?",
        (now, most),
    )
    return [Message(*row) for row in rows]


def waiting(connection: Connection) -> Waiting:
    """What is not done yet."""
    count, next_at = connection.execute(
        "SELECT count(*), min(next_at) FROM outbox WHERE done_at IS NULL"
    ).fetchone()
    row = connection.execute(
        "SELECT problem FROM outbox WHERE done_at IS NULL AND problem <> '' "
        "ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return Waiting(count, next_at, row[0] if row else "")


def done(connection: Connection, number: int, now: int, problem: str = "") -> None:
    """It was taken, or given up with a problem; the key is kept for a while."""
    connection.execute(
        "UPDATE outbox SET done_at = ?, body = NULL, problem = ?, tries = tries + 1 "
        "WHERE id = ?",
        (now, problem, number),
    )
    connection.execute("DELETE FROM outbox WHERE done_at < ?", (now - KEPT_MS,))


def number_of(connection: Connection, key: str) -> int:
    """The number of the one under this key; 0 where there is none."""
    row = connection.execute("SELECT id FROM outbox WHERE key = ?", (key,)).fetchone()
    return int(row[0]) if row else 0


def over(connection: Connection, key: str, now: int, problem: str) -> None:
    """One that was put under this key is done already."""
    connection.execute(
        "UPDATE outbox SET done_at = ?, body = NULL, problem = ? WHERE key = ?",
        (now, problem, key),
    )


def failed(connection: Connection, number: int, now: int, problem: str) -> None:
    """It was not taken: later, and each time twice as late."""
    (tries,) = connection.execute(
        "SELECT tries FROM outbox WHERE id = ?", (number,)
    ).fetchone() or (0,)
    connection.execute(
        "UPDATE outbox SET tries = tries + 1, next_at = ?, problem = ? WHERE id = ?",
        (now + pause_ms(tries + 1), problem, number),
    )


def pause_ms(tries: int) -> int:
    """How long to wait after so many tries: 5 s, 10 s, 20 s, …, an hour at most."""
    return int(min(FIRST_PAUSE_MS * 2 ** (tries - 1), LAST_PAUSE_MS))
