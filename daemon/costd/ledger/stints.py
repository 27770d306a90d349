"""The rollup by days: what one piece of a context holds of a UTC day, and for whom.

A tenth of the rows that the cells are, kept where their piece is, so that an issue is
read at once. ``first`` and ``last`` say between which quarters of an hour a stint lies:
only one that a boundary cuts is read from its cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from sqlite3 import Connection

SUMS = (
    "responses, unfinalised, unpriced, unpriced_tokens, input_tokens, output_tokens, "
    "cache_read_tokens, cache_creation_5m_tokens, cache_creation_1h_tokens, "
    "reasoning_tokens, web_searches, cost"
).split(", ")
"""What is summed, in cells as in stints."""

_BUCKETS_A_DAY = 96
_KEY = "context_id, span, day, service_id"
_ADD = (
    f"INSERT INTO stint ({_KEY}, first, last, {', '.join(SUMS)}) "
    f"VALUES ({', '.join('?' * 18)}) ON CONFLICT DO UPDATE SET "
    "first = min(first, excluded.first), last = max(last, excluded.last), "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in SUMS)
)
_CLEAR = (
    "DELETE FROM stint WHERE context_id = ? AND span = ? AND day = ? AND service_id = ? "
    f"AND {' AND '.join(f'{name} = 0' for name in SUMS)}"
)
_SUM_UP = f"""
INSERT INTO stint ({_KEY}, first, last, {", ".join(SUMS)})
SELECT context_id, span, (bucket - (bucket % 96 + 96) % 96) / 96, service_id,
       min(bucket), max(bucket), {", ".join(f"sum({name})" for name in SUMS)}
FROM cell
"""
_REBUILD = f"{_SUM_UP} WHERE context_id = ? GROUP BY 1, 2, 3, 4"
_FILL = f"{_SUM_UP} GROUP BY 1, 2, 3, 4"


def add(connection: Connection, cells: Iterable[Sequence[int]]) -> None:
    """Add differences of cells; stints that came to nothing go.

    Args:
        connection: in a transaction of the caller.
        cells: bucket, context, span, service and the twelve sums of each.
    """
    found: dict[tuple[int, int, int, int], list[int]] = {}
    for bucket, context, span, service, *sums in cells:
        key = (context, span, bucket // _BUCKETS_A_DAY, service)
        known = found.get(key)
        if known is None:
            found[key] = [bucket, bucket, *sums]
            continue
        known[0] = min(known[0], bucket)
        known[1] = max(known[1], bucket)
        for place, value in enumerate(sums, 2):
            known[place] += value
    connection.executemany(_ADD, [(*key, *stint) for key, stint in found.items()])
    shrunk = [key for key, stint in found.items() if min(stint[2:]) < 0]
    connection.executemany(_CLEAR, shrunk)


def rebuild(connection: Connection, context: int) -> None:
    """Sum the cells of a context anew."""
    connection.execute("DELETE FROM stint WHERE context_id = ?", (context,))
    connection.execute(_REBUILD, (context,))


def fill(connection: Connection) -> None:
    """Sum all cells anew."""
    connection.execute("DELETE FROM stint")
    connection.execute(_FILL)
