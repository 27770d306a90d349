from __future__ import annotations

import pytest

from costd.core.rates import UNPRICED, Charge
from pricing import ONE_OF_EACH, M, Usage, each, instant, nano, price

PRICED: list[tuple[str, Usage, int]] = [
    # the five buckets
    ("claude-opus-5", ONE_OF_EACH, nano(each("5 25 0.5 6.25 10"))),
    ("claude-fable-5-2", ONE_OF_EACH, nano(each("8 40 0.2 10 16"))),
    ("claude-haiku-4-5", ONE_OF_EACH, nano(each("1 5 0.1 1.25 2"))),
    ("claude-3-haiku", ONE_OF_EACH, nano(each("0.25 1.25 0.03 0.3 0.5"))),
    # searches: 10 USD per thousand, beside the tokens, never multiplied
    (
        "claude-opus-5",
        {"input_tokens": 1000, "web_searches": 3},
        5_000_000 + 30_000_000,
    ),
    (
        "claude-opus-5",
        {"web_searches": 3, "geo": "us", "speed": "fast"},
        30_000_000,
    ),
    # fast and US inference, each and both
    (
        "claude-opus-5",
        {**ONE_OF_EACH, "speed": "fast"},
        nano(each("10 50 1 12.5 20")),
    ),
    (
        "claude-opus-5",
        {**ONE_OF_EACH, "geo": "us"},
        nano(each("5 25 0.5 6.25 10"), "1.1"),
    ),
    (
        "claude-opus-5",
        {**ONE_OF_EACH, "geo": "us", "speed": "fast"},
        nano(each("10 50 1 12.5 20"), "1.1"),
    ),
    (
        "anthropic/claude-opus-5.5-fast",
        {**ONE_OF_EACH, "speed": "standard"},
        nano(each("8 40 0.4 10 16")),
    ),
    ("claude-opus-4-5", {**ONE_OF_EACH, "geo": "us"}, nano(each("5 25 0.5 6.25 10"))),
    (
        "claude-opus-5",
        {**ONE_OF_EACH, "geo": "global", "speed": "standard"},
        nano(each("5 25 0.5 6.25 10")),
    ),
    # the long tier: strictly above, the whole prompt counts, the whole response pays
    ("claude-sonnet-4-5", {"input_tokens": 200_000}, nano([(200_000, "3")])),
    (
        "claude-sonnet-4-5",
        {"input_tokens": 200_001, "output_tokens": 10},
        nano([(200_001, "6"), (10, "22.5")]),
    ),
    (
        "claude-sonnet-4-5",
        {
            "input_tokens": 1,
            "cache_read_tokens": 150_000,
            "cache_creation_5m_tokens": 25_000,
            "cache_creation_1h_tokens": 25_000,
        },
        nano([(1, "6"), (150_000, "0.6"), (25_000, "7.5"), (25_000, "12")]),
    ),
    (
        "claude-sonnet-4-5",
        {"input_tokens": 10, "output_tokens": 250_000},
        nano([(10, "3"), (250_000, "15")]),
    ),
    ("claude-haiku-5-5", {"input_tokens": 100_000}, nano([(100_000, "0.1")])),
    ("claude-haiku-5-5", {"input_tokens": 100_001}, nano([(100_001, "0.5")])),
    ("claude-opus-5", {"input_tokens": 900_000}, nano([(900_000, "5")])),
    # dates: the row of the response's own time
    (
        "claude-opus-4-6",
        {"input_tokens": 250_000, "at": instant("2026-03-12T23:59:59.999Z")},
        nano([(250_000, "10")]),
    ),
    (
        "claude-opus-4-6",
        {"input_tokens": 250_000, "at": instant("2026-03-13T00:00:00.000Z")},
        nano([(250_000, "5")]),
    ),
    (
        "claude-opus-4-6",
        {
            "input_tokens": 250_000,
            "speed": "fast",
            "at": instant("2026-03-01T00:00:00Z"),
        },
        nano([(250_000, "60")]),
    ),
    (
        "claude-sonnet-5-5",
        {"cache_read_tokens": M, "at": instant("2026-10-06T23:59:59.999Z")},
        nano([(M, "0.2")]),
    ),
    (
        "claude-sonnet-5-5",
        {"cache_read_tokens": M, "at": instant("2026-10-07T00:00:00Z")},
        nano([(M, "0.1")]),
    ),
    (
        "claude-sonnet-4",
        {"input_tokens": M, "at": instant("2025-08-11T12:00:00Z")},
        nano([(M, "3")]),
    ),
    ("claude-opus-5", {"input_tokens": 1000, "at": 0}, nano([(1000, "5")])),
    # backends: a region costs a tenth more from 4.5 on, if the name tells one
    (
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        {"input_tokens": 100_000},
        nano([(100_000, "3.3")]),
    ),
    (
        "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
        {"input_tokens": 200_001},
        nano([(200_001, "6.6")]),
    ),
    (
        "global.anthropic.claude-haiku-4-5-20251001-v1:0",
        {"input_tokens": M},
        nano([(M, "1")]),
    ),
    ("anthropic.claude-opus-5", {"input_tokens": M}, nano([(M, "5")])),
    (
        "us.anthropic.claude-sonnet-4-20250514-v1:0",
        {"input_tokens": 1000},
        nano([(1000, "3")]),
    ),
    (
        "projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-5",
        {"input_tokens": 1000},
        nano([(1000, "5.5")]),
    ),
    (
        "claude-opus-5",
        {"input_tokens": 1000, "geo": "us", "response_id": "msg_bdrk_01AAAAAA"},
        nano([(1000, "5")]),
    ),
    (
        "claude-opus-5",
        {"input_tokens": 1000, "geo": "us", "response_id": "msg_01AAAAAAAAAA"},
        nano([(1000, "5.5")]),
    ),
    ("claude-sonnet-4@20250514", {"input_tokens": M}, nano([(M, "6")])),
    # names
    ("claude-opus-4-5-20251101", {"input_tokens": M}, nano([(M, "5")])),
    ("claude-opus-5[1m]", {"input_tokens": M}, nano([(M, "5")])),
    ("claude-4-opus-20250514", {"input_tokens": M}, nano([(M, "15")])),
    ("claude-opus-4-0", {"input_tokens": M}, nano([(M, "15")])),
    ("anthropic/claude-sonnet-4.5", {"input_tokens": 1000}, nano([(1000, "3")])),
    # other providers
    (
        "gpt-5.1-codex-max",
        {"input_tokens": 1000, "output_tokens": 100, "cache_read_tokens": 8000},
        nano([(1000, "1.25"), (100, "10"), (8000, "0.125")]),
    ),
    ("gpt-5.4", {"input_tokens": 272_000}, nano([(272_000, "2.5")])),
    ("gpt-5.4", {"input_tokens": 272_001}, nano([(272_001, "5")])),
    ("gpt-5.4-2026-03-05", {"output_tokens": 1000}, nano([(1000, "15")])),
    ("gpt-4o-2024-05-13", {"input_tokens": 1000}, nano([(1000, "5")])),
    ("gpt-4o-2024-11-20", {"input_tokens": 1000}, nano([(1000, "2.5")])),
    ("gpt-5.5", {"input_tokens": 1000, "speed": "fast"}, nano([(1000, "12.5")])),
    ("grok-4.6", {"input_tokens": 199_999}, nano([(199_999, "2")])),
    ("grok-4.6", {"input_tokens": 200_000}, nano([(200_000, "4")])),
    ("grok-4-fast", {"input_tokens": 1000}, nano([(1000, "0.2")])),
    ("mistral-medium-latest", {"input_tokens": 1000}, nano([(1000, "1.5")])),
    ("mistral-medium", {"input_tokens": 1000}, nano([(1000, "0.4")])),
    ("moonshotai/kimi-k2.5", {"output_tokens": 1000}, nano([(1000, "3")])),
    ("GLM-4.6", {"input_tokens": 1000}, nano([(1000, "0.6")])),
    ("zai/glm-5.2", {"input_tokens": 1000}, nano([(1000, "1.4")])),
    # a bucket without a rate of its own is billed as what it is without a cache
    (
        "gpt-5-pro",
        {"cache_read_tokens": 1000, "cache_creation_1h_tokens": 10},
        nano([(1010, "15")]),
    ),
    ("gpt-5.6", {"cache_creation_1h_tokens": 1000}, nano([(1000, "5")])),
    # peak hours, on weekdays only: 2026-11-20 is a Friday
    (
        "deepseek-v4-pro",
        {"input_tokens": 1000, "at": instant("2026-11-20T06:00:00Z")},
        nano([(1000, "1.32")]),
    ),
    (
        "deepseek-v4-pro",
        {"input_tokens": 1000, "at": instant("2026-11-20T10:00:00Z")},
        nano([(1000, "0.66")]),
    ),
    (
        "deepseek-v4-pro",
        {"input_tokens": 1000, "at": instant("2026-11-21T06:00:00Z")},
        nano([(1000, "0.66")]),
    ),
    (
        "deepseek-v4-pro",
        {"input_tokens": 1000, "at": instant("2026-08-14T06:00:00Z")},
        nano([(1000, "0.435")]),
    ),
]


@pytest.mark.parametrize(("model", "given_usage", "expected"), PRICED)
def test_a_response_has_its_price(
    model: str, given_usage: Usage, expected: int
) -> None:
    assert price(model, **given_usage).cost == expected


NO_PRICE: list[tuple[str, Usage, str]] = [
    ("claude-opus-6", {}, "unknown-model"),
    ("claude-opus-5-7", {}, "unknown-model"),
    ("claude-opus", {}, "unknown-model"),
    ("claude-sonnet", {}, "unknown-model"),
    ("gpt-5.3-codex-spark", {}, "unknown-model"),
    ("<synthetic>", {}, "unknown-model"),
    ("", {}, "unknown-model"),
    ("claude-opus-6", {"web_searches": 2}, "unknown-model"),
    ("glm-5.2", {}, "ambiguous-provider"),
    (
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/x1",
        {},
        "opaque-arn",
    ),
    ("claude-opus-5", {"speed": "ludicrous"}, "unknown-speed"),
    ("claude-haiku-4-5", {"speed": "fast"}, "fast-unpublished"),
    ("claude-opus-4-1-fast", {}, "fast-unpublished"),
    (
        "gpt-5.4",
        {"speed": "fast", "input_tokens": 272_001},
        "long-unpublished",
    ),
    (
        "deepseek-v4-flash",
        {"at": instant("2026-09-01T00:00:00Z")},
        "rate-unpublished",
    ),
    ("GLM-4.6", {"web_searches": 1}, "search-unpublished"),
]


@pytest.mark.parametrize(("model", "given_usage", "reason"), NO_PRICE)
def test_what_has_no_price_costs_none_and_says_why(
    model: str, given_usage: Usage, reason: str
) -> None:
    used: Usage = {**ONE_OF_EACH, **given_usage}
    assert price(model, **used) == Charge(None, "", reason)
    assert reason in UNPRICED


@pytest.mark.parametrize(
    ("model", "given_usage", "price_id"),
    [
        ("claude-opus-5", {}, "claude-opus-5@2026-07-24/standard"),
        ("claude-4-opus", {}, "claude-opus-4@2025-05-22/standard"),
        (
            "claude-opus-5-fast",
            {"geo": "us"},
            "claude-opus-5@2026-07-24/fast+us",
        ),
        (
            "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            {"input_tokens": 200_001},
            "claude-sonnet-4-5@2025-09-29/long+regional",
        ),
        ("gpt-5.6", {}, "openai/gpt-5.6-sol@2026-08-21/standard"),
        ("gpt-5", {}, "openai/gpt-5@always/standard"),
    ],
)
def test_a_price_names_its_row(model: str, given_usage: Usage, price_id: str) -> None:
    assert price(model, **given_usage).price_id == price_id


@pytest.mark.parametrize(
    ("tokens", "expected"), [(100, 362), (300, 1088), (4, 14), (12, 44), (1, 4)]
)
def test_one_response_is_rounded_once_half_to_even(tokens: int, expected: int) -> None:
    # 0.003625 USD per million is 3.625 nano-USD a token.
    flat = instant("2026-08-01T12:00:00Z")
    charge = price("deepseek-v4-pro", cache_read_tokens=tokens, at=flat)
    assert charge.cost == expected
