"""The rollup: what a change of responses means for the sums."""

from __future__ import annotations

from sqlite3 import Connection

from costd.core.usage import Flag
from costd.ledger.rows import Row, Values

BUCKET_MS = 900_000
"""A quarter of an hour: the offsets of all time zones are multiples of it."""

_SUMS = (
    "responses, unfinalised, unpriced, unpriced_tokens, input_tokens, output_tokens, "
    "cache_read_tokens, cache_creation_5m_tokens, cache_creation_1h_tokens, "
    "reasoning_tokens, web_searches, cost"
).split(", ")
_ADD = (
    f"INSERT INTO cell (bucket, context_id, service_id, {', '.join(_SUMS)}) "
    f"VALUES ({', '.join('?' * 15)}) ON CONFLICT DO UPDATE SET "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMS)
)


class Deltas:
    """Sums of what was added and taken away, by cell."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int, int], list[int]] = {}

    def add(self, row: Row | Values, sign: int = 1) -> None:
        """Count a row of ``response`` in (``sign`` 1) or out (-1)."""
        (
            _, _, _, _, _, part, _, _, context, service, at, flags,
            fresh, out, read, short, hour, reasoning, searches, cost, _,
        ) = row  # fmt: skip
        key = (at // BUCKET_MS, context, service)
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

    def write(self, connection: Connection) -> None:
        """Add the differences to the table ``cell``; cells that came to nothing go."""
        changed = [(*key, *sums) for key, sums in self._cells.items() if any(sums)]
        connection.executemany(_ADD, changed)
        shrunk = [key for key, sums in self._cells.items() if min(sums) < 0]
        connection.executemany(
            "DELETE FROM cell WHERE bucket = ? AND context_id = ? AND service_id = ? "
            "AND responses = 0 AND cost = 0 AND unpriced = 0 AND web_searches = 0 "
            "AND input_tokens + output_tokens + cache_read_tokens "
            "+ cache_creation_5m_tokens + cache_creation_1h_tokens = 0",
            shrunk,
        )
