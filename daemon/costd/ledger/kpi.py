"""The figures of tasks by period, as sums over cells; and tasks one by one."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection

from costd.core.instants import DAY
from costd.core.kpi import Figures, Task
from costd.core.periods import Period
from costd.ledger.cells import BUCKET_MS
from costd.ledger.events import TASK_COLUMNS

_SUMS = ", ".join(f"sum({name})" for name in Figures._fields)


def extent(connection: Connection) -> tuple[int, int] | None:
    """The first and the last instant that a figure may be of; None without any."""
    low, high = connection.execute(
        "SELECT min(bucket), max(bucket) FROM task_cell"
    ).fetchone()
    return None if low is None else (low * BUCKET_MS, (high + 1) * BUCKET_MS - 1)


def days(connection: Connection, first: int, last: int) -> list[int]:
    """The UTC days with figures between two instants, by their ordinal numbers."""
    rows = connection.execute(
        f"SELECT DISTINCT bucket / {DAY // BUCKET_MS} FROM task_cell "
        "WHERE bucket BETWEEN ? AND ? ORDER BY 1",
        (first // BUCKET_MS, last // BUCKET_MS),
    )
    return [day for (day,) in rows]


def by_period(
    connection: Connection,
    periods: Sequence[Period],
    since: int | None = None,
    until: int | None = None,
) -> list[Figures]:
    """The figures of each period, so far as it lies between ``since`` and ``until``.

    A boundary within a quarter of an hour is taken to the quarter's beginning.
    """
    connection.execute(
        "CREATE TEMP TABLE IF NOT EXISTS task_period (i INTEGER PRIMARY KEY, a, b)"
    )
    connection.execute("DELETE FROM task_period")
    low, high = buckets(since, until)
    connection.executemany(
        "INSERT INTO task_period VALUES (?, ?, ?)",
        (
            (i, max(p.start // BUCKET_MS, low), min(p.end // BUCKET_MS, high))
            for i, p in enumerate(periods)
        ),
    )
    rows = connection.execute(
        f"SELECT i, {_SUMS} FROM task_period CROSS JOIN task_cell "
        "ON bucket >= a AND bucket < b GROUP BY i"
    )
    found = [Figures()] * len(periods)
    for number, *sums in rows:
        found[number] = Figures(*sums)
    return found


def buckets(since: int | None, until: int | None) -> tuple[int, int]:
    """The quarters of an hour of a span, the last one excluded."""
    return (
        -(2**62) if since is None else since // BUCKET_MS,
        2**62 if until is None else -(-until // BUCKET_MS),
    )


def tasks(
    connection: Connection, since: int | None, until: int | None, limit: int | None
) -> list[Task]:
    """The tasks that count in a span, the latest first."""
    low, high = buckets(since, until)
    rows = connection.execute(
        f"SELECT {TASK_COLUMNS} FROM task WHERE counted_at >= ? AND counted_at < ? "
        "ORDER BY counted_at DESC, task_id LIMIT ?",
        (
            max(low, 0) * BUCKET_MS,
            min(high, 2**40) * BUCKET_MS,
            -1 if limit is None else limit,
        ),
    )
    return [Task(*row) for row in rows]
