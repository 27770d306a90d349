"""What a sum says: nothing that is not known, and how sure it is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costd.core.money import to_usd
from costd.core.summary import (
    Sums,
    amounts,
    cost_usd,
    envelope,
    instant,
    short,
    together,
    tokens,
)

ONE = Sums(
    responses=1,
    sessions=1,
    input_tokens=10,
    output_tokens=20,
    cache_read_tokens=300,
    cache_creation_5m_tokens=40,
    cache_creation_1h_tokens=5,
    reasoning_tokens=15,
    web_searches=2,
    cost=1_234_567,
)
COUNTS = st.builds(Sums, *[st.integers(0, 10**12)] * len(Sums._fields))


def test_every_token_is_in_one_bucket_and_reasoning_in_none() -> None:
    assert tokens(ONE) == {
        "input": 10,
        "output": 20,
        "cache_read": 300,
        "cache_creation_5m": 40,
        "cache_creation_1h": 5,
        "total": 375,
    }


def test_nothing_costs_nothing() -> None:
    assert cost_usd(Sums()) == 0
    assert amounts(Sums())["lower_bound"] is False


def test_what_has_no_price_is_not_free() -> None:
    unpriced = Sums(responses=1, unpriced=1, unpriced_tokens=100, input_tokens=100)
    assert cost_usd(unpriced) is None
    assert amounts(unpriced)["cost_usd"] is None
    assert short(unpriced)["cost_usd"] is None


def test_a_sum_that_leaves_something_out_is_a_lower_bound() -> None:
    mixed = ONE._replace(responses=2, unpriced=1)
    assert cost_usd(mixed) == to_usd(ONE.cost)
    assert amounts(mixed)["lower_bound"] is True
    assert amounts(ONE._replace(unfinalised=1))["lower_bound"] is True
    assert amounts(ONE)["lower_bound"] is False


def test_an_answer_is_json_with_nine_decimals_at_most() -> None:
    text = json.dumps(envelope(0, **amounts(ONE)))
    assert '"cost_usd": 0.001234567' in text
    assert '"generated_at": "1970-01-01T00:00:00Z"' in text
    assert '"schema_version": 1' in text


@pytest.mark.parametrize("at", [None, 0])
def test_an_unknown_time_is_null(at: int | None) -> None:
    assert instant(at) is None


@given(st.lists(COUNTS, max_size=6), st.randoms())
def test_sums_may_be_added_in_any_order(rows: list[Sums], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis' own Random
    assert together(shuffled) == together(rows)
    assert together(rows).cost == sum(row.cost for row in rows)
    assert together(rows).total_tokens == sum(row.total_tokens for row in rows)


def test_sessions_are_not_added_up() -> None:
    two = ONE._replace(sessions=3)
    assert ONE.plus(two).sessions == 3
    assert two.plus(ONE).sessions == 3
