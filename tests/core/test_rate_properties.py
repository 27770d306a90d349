from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from costd.core.instants import HOUR
from costd.core.rates import Explanation
from pricing import CARD, M, instant, nano, price

Counts = tuple[int, ...]

instants = st.integers(1_700_000_000_000, 1_800_000_000_000)
numbers = st.integers(0, 10**9)
counts = st.tuples(numbers, numbers, numbers, numbers, numbers)
models = st.sampled_from(
    ["claude-opus-5", "claude-sonnet-4-5", "claude-haiku-5-5", "deepseek-v4-pro"]
)


def spend(model: str, at: int, tokens: Counts) -> int:
    cost, _ = CARD.resolve(model).charge(at, *tokens)
    assert cost is not None
    return cost


def explain(model: str, at: int, tokens: Counts, searches: int) -> Explanation:
    given_in, out, read, write_5m, write_1h = tokens
    return CARD.explain(
        model=model,
        at=at,
        input_tokens=given_in,
        output_tokens=out,
        cache_read_tokens=read,
        cache_creation_5m_tokens=write_5m,
        cache_creation_1h_tokens=write_1h,
        web_searches=searches,
    )


@given(models, instants, counts, counts)
def test_a_price_is_never_negative_and_never_falls(
    model: str, at: int, tokens: Counts, more: Counts
) -> None:
    cost = spend(model, at, tokens)
    assert cost >= 0
    for bucket, extra in enumerate(more):
        raised = list(tokens)
        raised[bucket] += extra
        assert spend(model, at, tuple(raised)) >= cost


@given(instants, counts, counts)
def test_splitting_a_response_moves_at_most_a_nano(
    at: int, one: Counts, other: Counts
) -> None:
    both = tuple(map(sum, zip(one, other, strict=True)))
    model = "deepseek-v4-pro"
    whole = spend(model, at, both)
    assert abs(whole - spend(model, at, one) - spend(model, at, other)) <= 1


@given(models, instants, counts, st.integers(0, 100))
def test_lines_add_up_to_the_charge(
    model: str, at: int, tokens: Counts, searches: int
) -> None:
    # No search price is published for DeepSeek.
    searches = 0 if model == "deepseek-v4-pro" else searches
    explained = explain(model, at, tokens, searches)
    cost, price_id = CARD.resolve(model).charge(at, *(*tokens, searches))
    assert explained.charge[:2] == (cost, price_id)
    assert sum(line.cost for line in explained.lines) == cost
    assert all(line.cost >= 0 for line in explained.lines)


@given(st.integers(0, 10_000))
def test_peak_hours_are_those_of_the_week(hour: int) -> None:
    monday = instant("2026-08-24T00:00:00Z")
    at = monday + hour * HOUR + HOUR - 1
    is_peak = hour // 24 % 7 < 5 and hour % 24 in {1, 2, 3, 6, 7, 8, 9}
    expected = nano([(M, "1.32" if is_peak else "0.66")])
    assert price("deepseek-v4-pro", input_tokens=M, at=at).cost == expected
