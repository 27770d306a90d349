"""Money, tokens, sizes and ages in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costd.core import amounts
from costd.core.money import to_usd

NOW = "2026-11-22T10:00:00Z"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "$0.00"),
        (0.0, "$0.00"),
        (12.345, "$12.34"),  # half-even
        (12.355, "$12.36"),
        (1234567.891, "$1,234,567.89"),
        (0.0033, "$0.0033"),
        (1e-9, "$0.000000001"),
        (None, "-"),
        (True, "-"),
        ("1", "-"),
    ],
)
def test_usd(value: object, text: str) -> None:
    assert amounts.usd(value) == text


def test_marks_stand_before_the_amount() -> None:
    assert amounts.usd(1.5, lower_bound=True) == "≥$1.50"
    assert amounts.usd(1.5, estimate=True) == "~$1.50"
    assert amounts.usd(1.5, lower_bound=True, estimate=True) == "≥~$1.50"
    assert amounts.usd(None, lower_bound=True) == "-"


@given(st.integers(min_value=0, max_value=2_000_000 * 10**9))
def test_an_amount_in_json_is_exact(nano: int) -> None:
    assert amounts.nano(to_usd(nano)) == nano


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.0k"),
        (1234, "1.2k"),
        (99_949, "99.9k"),
        (99_950, "100k"),
        (123_456, "123k"),
        (999_499, "999k"),
        (999_500, "1.0M"),
        (1_234_567, "1.2M"),
        (2_943_400_000, "2.9G"),
        (1_500_000_000_000, "1.5T"),
        (10**18, "1,000,000T"),
        ({"total": 1234}, "1.2k"),
        ({}, "-"),
        (None, "-"),
        (True, "-"),
    ],
)
def test_tokens(count: object, text: str) -> None:
    assert amounts.tokens(count) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (3_500_000, "3.3 MiB"),
        (10**9, "954 MiB"),
        (2 * 1024**3, "2.0 GiB"),
        (None, "-"),
    ],
)
def test_size(count: object, text: str) -> None:
    assert amounts.size(count) == text


@pytest.mark.parametrize(
    ("then", "text"),
    [
        ("2026-11-22T10:00:00Z", "0s"),
        ("2026-11-22T09:59:48.500Z", "11s"),
        ("2026-11-22T09:00:00.001Z", "59m"),
        ("2026-11-22T09:00:00Z", "1h"),
        ("2026-11-20T09:00:00Z", "2d"),
        ("2026-11-22T10:00:05Z", "0s"),  # a clock that is ahead
        (None, "-"),
        ("yesterday", "-"),
    ],
)
def test_age(then: object, text: str) -> None:
    assert amounts.age(then, NOW) == text
    assert amounts.age(NOW, None) == "-"


def test_small_words() -> None:
    assert amounts.plural(1, "response") == "1 response"
    assert amounts.plural(2048, "response") == "2,048 responses"
    assert amounts.number(2048) == "2,048"
    assert amounts.number(None) == "-"
    assert amounts.share(0.256) == "26 %"
    assert amounts.share(None) == "-"
    assert amounts.instant("2026-11-22T09:59:48.123Z") == "2026-11-22 09:59"
    assert amounts.instant(None) == "-"
    assert amounts.exact(0.001234567) == "$0.001234567"
    assert amounts.exact(None) == "-"
