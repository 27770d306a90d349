from __future__ import annotations

from collections.abc import Mapping

import pytest

from costd.core.instants import DAY
from costd.core.rate_rows import Row, Table
from costd.core.rates import Charge, RateCard
from costd.prices import load_rate_card
from pricing import CARD, ONE_OF_EACH, Usage, instant, price, usage


def test_an_explanation_shows_exact_rates() -> None:
    used: Usage = {**ONE_OF_EACH, "geo": "us", "web_searches": 2}
    explained = CARD.explain(model="claude-opus-5", **usage(**used))
    assert [tuple(line) for line in explained.lines] == [
        ("input", 1000, "5.5", 5_500_000),
        ("output", 1000, "27.5", 27_500_000),
        ("cache_read", 10_000, "0.55", 5_500_000),
        ("cache_creation_5m", 100, "6.875", 687_500),
        ("cache_creation_1h", 1000, "11", 11_000_000),
        ("web_searches", 2, "10", 20_000_000),
    ]


def test_an_explanation_of_the_unpriced_has_no_lines() -> None:
    explained = CARD.explain(model="claude-opus-6", **usage(**ONE_OF_EACH))
    assert explained.charge.reason == "unknown-model"
    assert explained.lines == []


def test_searches_and_output_are_no_part_of_the_prompt() -> None:
    used = usage(input_tokens=200_000, output_tokens=5, web_searches=1)
    explained = CARD.explain(model="claude-sonnet-4-5", **used)
    assert explained.rates["input"] == "3"
    assert sum(line.cost for line in explained.lines) == explained.charge.cost


def test_peak_hours_are_explained_too() -> None:
    at = instant("2026-11-20T06:00:00Z")
    explained = CARD.explain(model="deepseek-v4-pro", **usage(input_tokens=10, at=at))
    assert explained.rates["input"] == "1.32"


def small_card(rate: str = "3", **settings: Mapping[str, object]) -> RateCard:
    row = Row(input=rate, output="15", since="2026-01-01")
    table = Table(models={"some-model": [row]}, as_of="2026-02-01")
    return RateCard(
        {"house": table},
        sources=[],
        overrides=settings.get("overrides", {}),
        aliases={},
    )


def test_the_version_changes_with_any_rate() -> None:
    override = {"some-model": {"input": "2"}}
    cards = [small_card(), small_card("3.1"), small_card(overrides=override)]
    assert len({card.version for card in cards}) == 3
    assert small_card().version == small_card().version
    assert small_card().version.startswith("2026-02-01.")
    assert load_rate_card(aliases={"a": "b"}).version != CARD.version


def test_resolving_is_remembered_within_bounds() -> None:
    card = small_card()
    assert card.resolve("some-model") is card.resolve("some-model")
    for number in range(5000):
        card.resolve(f"model-{number}")
    assert len(card._resolved) <= 4096


def test_rows_are_flat_json() -> None:
    rows = CARD.rows_for("claude-opus-4-6-20260205")
    assert [
        (row["variant"], row["from"], row["until"], row["above"]) for row in rows
    ] == [
        ("standard", "2026-02-05", "2026-03-13", None),
        ("long", "2026-02-05", "2026-03-13", 200_000),
        ("fast", "2026-02-05", "2026-03-13", None),
        ("fast_long", "2026-02-05", "2026-03-13", 200_000),
        ("standard", "2026-03-13", None, None),
        ("fast", "2026-03-13", None, None),
    ]
    assert rows[0] | {"model": "", "variant": ""} == {
        "model": "",
        "provider": "anthropic",
        "from": "2026-02-05",
        "until": "2026-03-13",
        "variant": "",
        "above": None,
        "input": "5",
        "output": "25",
        "cache_read": "0.50",
        "cache_creation_5m": "6.25",
        "cache_creation_1h": "10",
        "overridden": False,
    }


def test_rows_show_what_the_user_changed() -> None:
    card = load_rate_card({"claude-opus-5": {"input": "4"}})
    (row,) = card.rows_for("claude-opus-5")
    assert (row["input"], row["output"], row["overridden"]) == ("4", "25", True)
    names = [row["model"] for row in card.rows_for()]
    assert names.count("claude-opus-5") == 1
    assert card.rows_for("claude-opus-6") == []


@pytest.mark.parametrize("days", [-1, 0, 1])
def test_the_fast_way_and_the_plain_way_agree(days: int) -> None:
    at = instant("2026-10-07T00:00:00Z") + days * DAY
    resolved = CARD.resolve("claude-sonnet-5-5", "standard", "us", "")
    cost, price_id = resolved.charge(at, 1, 2, 3, 4, 5, 6)
    assert Charge(cost, price_id) == price(
        "claude-sonnet-5-5",
        at=at,
        geo="us",
        speed="standard",
        input_tokens=1,
        output_tokens=2,
        cache_read_tokens=3,
        cache_creation_5m_tokens=4,
        cache_creation_1h_tokens=5,
        web_searches=6,
    )
