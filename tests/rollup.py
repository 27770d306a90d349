"""The rollup by hand: sums over the rows of ``response``, quarter by quarter."""

from __future__ import annotations

from books import Book

_TOKENS = (
    "input_tokens output_tokens cache_read_tokens cache_creation_5m_tokens "
    "cache_creation_1h_tokens"
).split()
_COUNTS = ("responses", "unfinalised", "unpriced", "unpriced_tokens")
_OTHERS = ("reasoning_tokens", "web_searches")


def assert_rollup_is_its_rows(book: Book) -> None:
    """Every cell is the sum of its responses, none is missing, none is negative."""
    counted = ", ".join(
        f"sum(CASE WHEN part LIKE 'hop:%' THEN 0 ELSE {name} END)"
        for name in (*_TOKENS, *_OTHERS)
    )
    rows = book.numbers(
        "SELECT at / 900000, context_id, service_id, sum(part = ''), "
        "sum(part = '' AND flags & 4 = 0), sum(cost IS NULL), "
        f"sum(CASE WHEN cost IS NULL THEN {' + '.join(_TOKENS)} ELSE 0 END), {counted}, "
        "coalesce(sum(cost), 0) FROM response GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
    sums = (*_COUNTS, *_TOKENS, *_OTHERS, "cost")
    cells = book.numbers(
        f"SELECT bucket, context_id, service_id, {', '.join(f'sum({s})' for s in sums)} "
        "FROM cell GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
    assert cells == rows
    assert not book.numbers(f"SELECT * FROM cell WHERE min({', '.join(sums)}) < 0")
