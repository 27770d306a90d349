"""The pieces of time in which a context has one owner.

Nearly every context has one piece, number 0, and then nothing here costs anything.
Where a claim begins or ends in the middle of a context, the piece of a response
follows from its time; it is not stored with the response, so it cannot go stale.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from sqlite3 import Connection
from typing import NamedTuple

from costd.core.attribution import Span

FIRST, LAST = -(2**63), 2**63 - 1
"""The open ends of time, as they are stored."""


class Pieces(NamedTuple):
    """Where the pieces of a context begin, in order, and the number that each has."""

    begins: tuple[int, ...]
    numbers: tuple[int, ...]

    def number(self, at: int) -> int:
        """The number of the piece that an instant falls into."""
        return self.numbers[bisect_right(self.begins, at) - 1]

    def are_one(self, first: int, last: int) -> bool:
        """Whether two instants fall into the same piece."""
        return bisect_right(self.begins, first) == bisect_right(self.begins, last)


WHOLE = Pieces((FIRST,), (0,))

Split = Mapping[int, Pieces]
"""The contexts with several pieces."""


class Bounds(NamedTuple):
    """Everything of a context lies from ``first`` to ``last``."""

    first: int
    last: int


def begin_of(span: Span) -> int:
    """When a span begins, as it is stored."""
    return FIRST if span.from_at is None else max(FIRST, span.from_at)


def end_of(span: Span) -> int:
    """When a span ends (excluded), as it is stored."""
    return LAST if span.until_at is None else min(LAST, span.until_at)


def numbered(spans: Sequence[Span], bounds: Bounds | None, before: Pieces) -> Pieces:
    """Numbers for the pieces of a context.

    The piece that holds everything so far gets number 0: then no sum has to move,
    whatever is claimed about the rest of time.

    Args:
        spans: the owners in order.
        bounds: where the context's responses lie; None when there are none.
        before: the pieces as they were.
    """
    if len(spans) == 1:
        return WHOLE
    begins = tuple(begin_of(span) for span in spans)
    if begins == before.begins:
        return before
    if bounds is None:
        return Pieces(begins, tuple(range(len(begins))))
    holding = bisect_right(begins, bounds.first)
    if bisect_right(begins, bounds.last) != holding:
        return Pieces(begins, tuple(range(len(begins))))
    others = iter(range(1, len(begins)))
    numbers = [0 if i == holding else next(others) for i in range(1, len(begins) + 1)]
    return Pieces(begins, tuple(numbers))


def is_settled(before: Pieces, after: Pieces, bounds: Bounds | None) -> bool:
    """Whether every response keeps the number of its piece, so that no sum moves."""
    if before == after or bounds is None:
        return True
    return (
        before.number(bounds.first) == after.number(bounds.first)
        and before.are_one(*bounds)
        and after.are_one(*bounds)
    )


def load(connection: Connection) -> dict[int, Pieces]:
    """The contexts that have several pieces."""
    found: dict[int, tuple[list[int], list[int]]] = {}
    for context, from_at, span in connection.execute(
        "SELECT context_id, from_at, span FROM attribution WHERE context_id IN "
        "(SELECT context_id FROM attribution WHERE span > 0) "
        "ORDER BY context_id, from_at"
    ):
        begins, numbers = found.setdefault(context, ([], []))
        begins.append(from_at)
        numbers.append(span)
    return {
        context: Pieces(tuple(begins), tuple(numbers))
        for context, (begins, numbers) in found.items()
    }
