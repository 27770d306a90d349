"""The rollup: what a change of responses means for the sums."""

from __future__ import annotations

from sqlite3 import Connection

from costd.core.usage import Flag
from costd.ledger import stints
from costd.ledger.pieces import Bounds, Split
from costd.ledger.rows import Row, Values
from costd.ledger.stints import SUMS

BUCKET_MS = 900_000
"""A quarter of an hour: the offsets of all time zones are multiples of it."""

_ADD = (
    f"INSERT INTO cell (bucket, context_id, span, service_id, {', '.join(SUMS)}) "
    f"VALUES ({', '.join('?' * 16)}) ON CONFLICT DO UPDATE SET "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in SUMS)
)


class Deltas:
    """Sums of what was added and taken away, by cell.

    Args:
        split: the contexts whose responses fall into several pieces.
    """

    def __init__(self, split: Split) -> None:
        self._split = split
        self._cells: dict[tuple[int, int, int, int], list[int]] = {}

    @property
    def contexts(self) -> set[int]:
        """The contexts in which something was counted."""
        return {key[1] for key in self._cells}

    def add(self, row: Row | Values, sign: int = 1) -> None:
        """Count a row of ``response`` in (``sign`` 1) or out (-1)."""
        (
            _, _, _, _, _, part, _, _, context, service, at, flags,
            fresh, out, read, short, hour, reasoning, searches, cost, _,
        ) = row  # fmt: skip
        pieces = self._split.get(context)
        span = 0 if pieces is None else pieces.number(at)
        key = (at // BUCKET_MS, context, span, service)
        sums = self._cells.get(key)
        if sums is None:
            sums = self._cells[key] = [0] * 12
        if part == "":
            sums[0] += sign
            if not flags & Flag.FINAL:
                sums[1] += sign
        if cost is None:
            sums[2] += sign
            sums[3] += sign * (fresh + out + read + short + hour)
        else:
            sums[11] += sign * cost
        if part.startswith("hop:"):
            return
        sums[4] += sign * fresh
        sums[5] += sign * out
        sums[6] += sign * read
        sums[7] += sign * short
        sums[8] += sign * hour
        sums[9] += sign * reasoning
        sums[10] += sign * searches

    def add_new(self, row: Values) -> None:
        """Count a new row in: as ``add``, and quicker for what nearly every row is."""
        (
            _, _, _, _, _, part, _, _, context, service, at, flags,
            fresh, out, read, short, hour, reasoning, searches, cost, _,
        ) = row  # fmt: skip
        if part or cost is None or context in self._split:
            self.add(row)
            return
        key = (at // BUCKET_MS, context, 0, service)
        sums = self._cells.get(key)
        if sums is None:
            sums = self._cells[key] = [0] * 12
        sums[0] += 1
        if not flags & Flag.FINAL:
            sums[1] += 1
        sums[4] += fresh
        sums[5] += out
        sums[6] += read
        sums[7] += short
        sums[8] += hour
        if reasoning:
            sums[9] += reasoning
        if searches:
            sums[10] += searches
        sums[11] += cost

    def write(self, connection: Connection) -> None:
        """Add the differences to cells and stints; those that came to nothing go."""
        changed = [(*key, *sums) for key, sums in self._cells.items() if any(sums)]
        connection.executemany(_ADD, changed)
        shrunk = [key for key, sums in self._cells.items() if min(sums) < 0]
        connection.executemany(
            "DELETE FROM cell WHERE bucket = ? AND context_id = ? AND span = ? "
            "AND service_id = ? AND responses = 0 AND cost = 0 AND unpriced = 0 AND web_searches = 0 "
            "AND input_tokens + output_tokens + cache_read_tokens "
            "+ cache_creation_5m_tokens + cache_creation_1h_tokens = 0",
            shrunk,
        )
        stints.add(connection, changed)


_TOKENS = SUMS[4:-1]
_QUARTER = f"(r.at - (r.at % {BUCKET_MS} + {BUCKET_MS}) % {BUCKET_MS}) / {BUCKET_MS}"
_ALL_TOKENS = " + ".join(_TOKENS[:5])
_INSERT = f"INSERT INTO cell (bucket, context_id, span, service_id, {', '.join(SUMS)}) "
OF_RESPONSES = f"""
       sum(part = ''), sum(part = '' AND NOT flags & {Flag.FINAL}),
       sum(cost IS NULL), sum(iif(cost IS NULL, {_ALL_TOKENS}, 0)),
       {", ".join(f"sum(iif(part LIKE 'hop:%', 0, {name}))" for name in _TOKENS)},
       coalesce(sum(cost), 0)
"""
"""What ``SUMS`` are of rows of ``response``."""
_REBUILD = f"""
{_INSERT}
SELECT {_QUARTER}, r.context_id, a.span, service_id, {OF_RESPONSES}
FROM response r JOIN attribution a ON a.context_id = r.context_id
     AND a.from_at <= r.at AND r.at < a.until_at
WHERE r.context_id = ? GROUP BY 1, 3, 4
"""
_FILL = f"""
{_INSERT}
SELECT {_QUARTER}, r.context_id, 0, service_id, {OF_RESPONSES}
FROM response r GROUP BY 1, 2, 4
"""


def rebuild(connection: Connection, context: int) -> None:
    """Sum the responses of a context anew, each in the piece it falls into."""
    connection.execute("DELETE FROM cell WHERE context_id = ?", (context,))
    connection.execute(_REBUILD, (context,))
    stints.rebuild(connection, context)


def fill(connection: Connection) -> None:
    """Sum all responses anew, where no context has more than one piece."""
    connection.execute("DELETE FROM cell")
    connection.execute(_FILL)
    stints.fill(connection)


def bounds_of(connection: Connection, context: int) -> Bounds | None:
    """Where the responses of a context lie, to the quarter of an hour."""
    low, high = connection.execute(
        "SELECT min(first), max(last) FROM stint WHERE context_id = ?", (context,)
    ).fetchone()
    if low is None:
        return None
    return Bounds(low * BUCKET_MS, (high + 1) * BUCKET_MS - 1)
