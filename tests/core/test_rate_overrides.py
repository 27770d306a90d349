from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

from costd.core.errors import ConfigError
from costd.core.rates import Charge
from costd.prices import load_rate_card
from pricing import ONE_OF_EACH, M, Terms, Usage, each, instant, nano, price

CONTRACT = {
    "input": "4",
    "output": 20,
    "cache_read": 0.3,
    "cache_creation_5m": "4.5",
    "cache_creation_1h": "7",
}


@pytest.mark.parametrize("extra", [{}, {"speed": "fast"}, {"geo": "us"}])
def test_a_contract_has_no_surcharges(extra: Usage) -> None:
    card = load_rate_card({"claude-opus-5": CONTRACT})
    used: Usage = {**ONE_OF_EACH, **extra}
    charge = price("us.anthropic.claude-opus-5", card, **used)
    assert charge == Charge(
        nano(each("4 20 0.3 4.5 7")), "claude-opus-5@always/override"
    )


def test_a_contract_has_no_long_tier() -> None:
    card = load_rate_card({"claude-sonnet-4-5-20250929": {"input": "2"}})
    charge = price("claude-sonnet-4-5", card, input_tokens=900_000)
    assert charge.cost == nano([(900_000, "2")])


def test_a_bucket_the_contract_leaves_out_keeps_the_list_rate_of_its_time() -> None:
    card = load_rate_card({"claude-sonnet-5-5": {"input": "1", "from": "2026-10-01"}})
    before = instant("2026-09-30T23:59:59Z")
    between = instant("2026-10-01T00:00:00Z")
    costs = [
        price(
            "claude-sonnet-5-5", card, input_tokens=M, cache_read_tokens=M, at=at
        ).cost
        for at in (before, between, instant("2026-10-07T00:00:00Z"))
    ]
    assert costs == [
        nano([(M, "2"), (M, "0.2")]),
        nano([(M, "1"), (M, "0.2")]),
        nano([(M, "1"), (M, "0.1")]),
    ]


@pytest.mark.parametrize("order", [1, -1])
def test_contracts_may_follow_each_other(order: int) -> None:
    first = {"input": "4", "output": "20", "from": date(2026, 8, 1)}
    second = {"input": "3", "output": "15", "from": "2026-11-01"}
    card = load_rate_card({"claude-opus-5": [first, second][::order]})
    costs = [
        price(
            "claude-opus-5", card, input_tokens=M, at=instant(f"{day}T00:00:00Z")
        ).cost
        for day in ("2026-07-31", "2026-08-01", "2026-10-31", "2026-11-01")
    ]
    assert costs == [nano([(M, rate)]) for rate in ("5", "4", "4", "3")]


def test_a_model_on_no_list_is_priced_by_the_user_from_the_date_given() -> None:
    settings = {"input": "1", "output": "2", "from": "2026-06-01"}
    card = load_rate_card({"house/Model-7b": settings})
    charge = price("model-7b", card, input_tokens=M, cache_read_tokens=M)
    assert charge.cost == nano([(2 * M, "1")])
    earlier = price(
        "model-7b", card, input_tokens=M, at=instant("2026-05-31T00:00:00Z")
    )
    assert earlier.reason == "rate-unpublished"


def test_half_a_contract_over_an_unknown_price_is_no_price() -> None:
    card = load_rate_card({"deepseek-v4-flash": {"input": "1"}})
    at = instant("2026-09-01T00:00:00Z")
    assert price("deepseek-v4-flash", card, at=at).reason == "rate-unpublished"


def test_a_model_may_be_free_if_the_user_says_so() -> None:
    card = load_rate_card({"local-model": {"input": 0, "output": 0}})
    charge = price("Local-Model", card, **ONE_OF_EACH)
    assert charge == Charge(0, "local-model@always/override")


def test_an_opaque_profile_may_be_priced_itself() -> None:
    arn = "arn:aws:bedrock:us-east-1:1:application-inference-profile/Ab1"
    card = load_rate_card({arn: {"input": "1", "output": "2"}})
    assert price(arn, card, input_tokens=M).cost == nano([(M, "1")])


def test_a_contract_settles_a_name_that_two_providers_sell() -> None:
    card = load_rate_card({"glm-5.2": {"input": "1", "output": "2"}})
    assert price("glm-5.2", card, input_tokens=M).cost == nano([(M, "1")])
    assert price("glm-5.3", card).reason == "ambiguous-provider"


@pytest.mark.parametrize(
    ("raw", "target", "terms"),
    [
        (
            "arn:aws:bedrock:us-east-1:1:application-inference-profile/Ab1",
            "us.anthropic.claude-opus-5",
            [(M, "5.5")],
        ),
        ("my-gateway-model", "claude-haiku-4-5", [(M, "1")]),
        ("glm-5.2", "zhipuai/glm-5.2", [(M, "1.103")]),
        ("GLM-5.2[1m]", "zai/glm-5.2", [(M, "1.4")]),
    ],
)
def test_an_alias_says_which_model_a_name_is(
    raw: str, target: str, terms: Terms
) -> None:
    card = load_rate_card(aliases={raw: target})
    assert price(raw, card, input_tokens=M).cost == nano(terms)


@pytest.mark.parametrize("raw", ["glm-5.2", "gateway/glm"])
def test_an_alias_holds_for_the_name_with_its_marker(raw: str) -> None:
    card = load_rate_card(aliases={raw: "zai/glm-5.2"})
    assert price(f"{raw}[1m]", card, input_tokens=M).cost == nano([(M, "1.4")])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"claude-opus-5": {"inptu": "1"}}, 'overrides."claude-opus-5".inptu'),
        ({"claude-opus-5": {"input": "-1"}}, 'overrides."claude-opus-5".input'),
        ({"claude-opus-5": {"input": "1.0000001"}}, "six decimals"),
        ({"claude-opus-5": {"input": True}}, "decimal number"),
        ({"claude-opus-5": {"input": [1]}}, "decimal number"),
        ({"claude-opus-5": {"from": "soon"}}, "not a date"),
        ({"claude-opus-5": "cheap"}, "not a table"),
        ({"house-model": {"input": "1"}}, "needs input and output"),
    ],
)
def test_an_override_that_cannot_be_used_is_a_clear_error(
    overrides: Mapping[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_rate_card(overrides)
    assert caught.value.fix
