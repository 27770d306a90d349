"""Pieces of time and their numbers: no sum moves that need not."""

from __future__ import annotations

from itertools import pairwise

import pytest

from costd.core.attribution import Attribution, Span
from costd.ledger.pieces import FIRST, WHOLE, Bounds, Pieces, is_settled, numbered


def spans(*begins: int) -> list[Span]:
    """Owners that follow one another, the first from the beginning on."""
    edges = [None, *begins, None]
    return [
        Span(since, until, Attribution(f"MIN-{number}", "", "claim", 100, ""))
        for number, (since, until) in enumerate(pairwise(edges))
    ]


@pytest.mark.parametrize(
    ("begins", "bounds", "numbers"),
    [
        ((), Bounds(0, 9), (0,)),
        ((10,), Bounds(0, 9), (0, 1)),
        ((10,), Bounds(10, 19), (1, 0)),
        ((10,), Bounds(0, 10), (0, 1)),
        ((10, 20), Bounds(12, 19), (1, 0, 2)),
        ((10, 20), Bounds(12, 20), (0, 1, 2)),
        ((10, 20), None, (0, 1, 2)),
    ],
)
def test_what_holds_everything_is_number_zero(
    begins: tuple[int, ...], bounds: Bounds | None, numbers: tuple[int, ...]
) -> None:
    found = numbered(spans(*begins), bounds, WHOLE)
    assert found == Pieces((FIRST, *begins), numbers)
    for at in (0, 9, 10, 15, 20, 99):
        piece = sum(begin <= at for begin in begins)
        assert found.number(at) == numbers[piece]


def test_the_same_edges_keep_their_numbers() -> None:
    before = Pieces((FIRST, 10), (1, 0))
    assert numbered(spans(10), Bounds(0, 99), before) is before


@pytest.mark.parametrize(
    ("before", "after", "bounds", "settled"),
    [
        (WHOLE, WHOLE, Bounds(0, 99), True),
        (WHOLE, Pieces((FIRST, 10), (0, 1)), None, True),
        (WHOLE, Pieces((FIRST, 10), (0, 1)), Bounds(0, 9), True),
        (WHOLE, Pieces((FIRST, 10), (0, 1)), Bounds(0, 10), False),
        (Pieces((FIRST, 10), (0, 1)), WHOLE, Bounds(0, 9), True),
        (Pieces((FIRST, 10), (0, 1)), WHOLE, Bounds(10, 19), False),
        (Pieces((FIRST, 10), (0, 1)), WHOLE, Bounds(0, 10), False),
        (Pieces((FIRST, 10), (0, 1)), Pieces((FIRST, 5), (0, 1)), Bounds(0, 4), True),
        (Pieces((FIRST, 10), (0, 1)), Pieces((FIRST, 5), (0, 1)), Bounds(0, 5), False),
    ],
)
def test_sums_move_only_where_a_response_changes_its_number(
    before: Pieces, after: Pieces, bounds: Bounds | None, settled: bool
) -> None:
    assert is_settled(before, after, bounds) is settled
