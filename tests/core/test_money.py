from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costd.core.money import (
    decimal_usd,
    divide_half_even,
    format_rate,
    format_usd,
    from_usd,
    parse_rate,
    round_pico,
    scale_rate,
    to_usd,
)

EXACT_LIMIT = 2**23 * 10**9


@pytest.mark.parametrize(
    ("text", "pico"),
    [
        ("5", 5_000_000),
        ("6.25", 6_250_000),
        ("0.0028", 2_800),
        ("0.003625", 3_625),
        ("0.000001", 1),
        ("0", 0),
        ("0.50", 500_000),
        (" 15 ", 15_000_000),
        ("1e1", 10_000_000),
        (4, 4_000_000),
        (0.1, 100_000),
        (Decimal("22.5"), 22_500_000),
    ],
)
def test_a_rate_is_an_exact_integer(text: str | float | Decimal, pico: int) -> None:
    assert parse_rate(text) == pico


@pytest.mark.parametrize(
    "text",
    [
        "0.0000001",
        "1.00000000000000000000000000000001",
        "1e-999999999",
        "1e999999999",
        "-1",
        "nan",
        "inf",
        "",
        "five",
        "1/3",
        "$5",
        True,
    ],
)
def test_a_rate_that_is_not_exact_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"decimal|price"):
        parse_rate(text)


def test_a_multiplier_is_exact_or_refused() -> None:
    assert scale_rate(6_250_000, "1.1") == 6_875_000
    with pytest.raises(ValueError, match="whole number"):
        scale_rate(3_625, "1.1")


@given(st.integers(0, 10**12))
def test_a_rate_survives_its_spelling(pico: int) -> None:
    assert parse_rate(format_rate(pico)) == pico


def test_a_rate_is_spelled_without_idle_zeros() -> None:
    spelled = [format_rate(pico) for pico in (5_000_000, 6_250_000, 3_625, 0)]
    assert spelled == ["5", "6.25", "0.003625", "0"]


@pytest.mark.parametrize(
    ("pico", "nano"),
    [(0, 0), (499, 0), (500, 0), (501, 1), (1499, 1), (1500, 2), (2500, 2), (2501, 3)],
)
def test_half_goes_to_the_even_nano(pico: int, nano: int) -> None:
    assert round_pico(pico) == nano


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**12))
def test_division_rounds_as_the_library_does(amount: int, unit: int) -> None:
    assert divide_half_even(amount, unit) == round(Fraction(amount, unit))


@given(st.integers(-EXACT_LIMIT, EXACT_LIMIT))
def test_the_json_number_is_the_exact_amount(nano: int) -> None:
    written = orjson.dumps(to_usd(nano))
    assert Decimal(written.decode()) == Decimal(nano).scaleb(-9)
    assert orjson.loads(written) == to_usd(nano)


@given(st.integers(EXACT_LIMIT, EXACT_LIMIT * 1000))
def test_beyond_eight_million_only_the_last_digits_may_be_off(nano: int) -> None:
    off = Decimal(repr(to_usd(nano))) - Decimal(nano).scaleb(-9)
    assert abs(off) <= Decimal(nano).scaleb(-9) / 2**52


@given(st.integers(-(10**20), 10**20))
def test_the_decimal_text_is_the_exact_amount(nano: int) -> None:
    text = decimal_usd(nano)
    assert "e" not in text.lower()
    assert Decimal(text) == Decimal(nano).scaleb(-9)


@given(st.integers(0, 10**18))
def test_an_amount_survives_its_text(nano: int) -> None:
    assert from_usd(decimal_usd(nano)) == nano


@pytest.mark.parametrize(
    ("usd", "nano"),
    [
        ("25", 25 * 10**9),
        (0.0345, 34_500_000),
        (0.1, 100_000_000),
        ("0.0000000005", 0),
        ("0.0000000015", 2),
    ],
)
def test_an_amount_is_rounded_once(usd: str | float, nano: int) -> None:
    assert from_usd(usd) == nano


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (0, "$0.00"),
        (1, "$0.000000001"),
        (99, "$0.000000099"),
        (999, "$0.000001"),
        (3_300_000, "$0.0033"),
        (3_349_999, "$0.0033"),
        (9_949_999, "$0.0099"),
        (9_950_001, "$0.01"),
        (9_999_999, "$0.01"),
        (10_000_000, "$0.01"),
        (12_340_000_000, "$12.34"),
        (995_000_000, "$1.00"),
        (985_000_000, "$0.98"),
        (1_234_567_890_000_000, "$1,234,567.89"),
        (-12_340_000_000, "-$12.34"),
        (-3_300_000, "-$0.0033"),
    ],
)
def test_people_read_dollars(nano: int, text: str) -> None:
    assert format_usd(nano) == text
