"""What goes from one owner to another when a claim is made or taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from sqlite3 import Connection
from typing import NamedTuple

from costd.ledger.pieces import Bounds


class Owner(NamedTuple):
    """Who owns a context from an instant until before another."""

    from_at: int
    until_at: int
    issue: str


class Move(NamedTuple):
    """From one owner to another: responses, nano-USD, and what has no price."""

    before: str
    after: str
    responses: int
    cost: int
    unpriced: int


class Moves:
    """Sums over what moves, by the old and the new owner."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], list[int]] = {}

    def add(
        self,
        connection: Connection,
        context: int,
        before: Sequence[Owner],
        after: Sequence[Owner],
        bounds: Bounds | None,
    ) -> None:
        """Count what changes hands in a context whose sums are still as before.

        Args:
            connection: the ledger's.
            context: its number.
            before: its owners in order.
            after: its owners as they will be.
            bounds: where its responses lie; None: nobody has looked.
        """
        if len(before) == 1 and len(after) == 1:
            if before[0].issue != after[0].issue:
                self._add_whole(connection, context, before[0].issue, after[0].issue)
            return
        for since, until, old, new in _differences(before, after):
            if bounds is not None:
                if until <= bounds.first or bounds.last < since:
                    continue
                if since <= bounds.first and bounds.last < until:
                    self._add_whole(connection, context, old, new)
                    continue
            row = connection.execute(
                "SELECT coalesce(sum(part = ''), 0), coalesce(sum(cost), 0), "
                "coalesce(sum(cost IS NULL), 0) "
                "FROM response WHERE context_id = ? AND at >= ? AND at < ?",
                (context, since, until),
            ).fetchone()
            self._count(old, new, *row)

    def _add_whole(
        self, connection: Connection, context: int, old: str, new: str
    ) -> None:
        row = connection.execute(
            "SELECT coalesce(sum(responses), 0), coalesce(sum(cost), 0), "
            "coalesce(sum(unpriced), 0) FROM stint WHERE context_id = ?",
            (context,),
        ).fetchone()
        self._count(old, new, *row)

    def _count(self, old: str, new: str, *counts: int) -> None:
        sums = self._sums.setdefault((old, new), [0, 0, 0])
        for place, count in enumerate(counts):
            sums[place] += count

    def found(self) -> list[Move]:
        """What moves, the dearest first."""
        moves = [
            Move(old, new, responses, cost, unpriced)
            for (old, new), (responses, cost, unpriced) in self._sums.items()
            if responses or cost or unpriced
        ]
        return sorted(moves, key=lambda move: (-move.cost, move.before, move.after))


def _differences(
    before: Sequence[Owner], after: Sequence[Owner]
) -> Iterator[tuple[int, int, str, str]]:
    """The stretches of time in which the owner is another one; both cover all time."""
    old, new = iter(before), iter(after)
    left, right = next(old), next(new)
    since = left.from_at
    while True:
        until = min(left.until_at, right.until_at)
        if left.issue != right.issue:
            yield since, until, left.issue, right.issue
        if left.until_at == right.until_at:
            left_next, right_next = next(old, None), next(new, None)
            if left_next is None or right_next is None:
                return
            left, right = left_next, right_next
        elif left.until_at < right.until_at:
            left = next(old)
        else:
            right = next(new)
        since = until
