"""Money as integers: nano-USD for amounts, pico-USD per token for rates.

One USD per million tokens is exactly 10^6 pico-USD per token, so every published rate
is an integer and a cost is integer multiplication; one rounding, half-even, at the end.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction

NANO_PER_USD = 10**9
PICO_PER_NANO = 1000
PICO_PER_USD = 10**12
RATE_SCALE = 10**6
"""Pico-USD per token in one USD per million tokens."""

_CENT = NANO_PER_USD // 100
_LARGEST = 10**12
_FINEST_EXPONENT = -30

Number = str | int | float | Decimal


def _exact(value: Number) -> Fraction:
    """The number that ``value`` spells, a float by its shortest spelling.

    Raises:
        ValueError: not a number, negative, or beyond any sensible price.
    """
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a decimal number") from None
    if not number.is_finite() or number < 0 or number > _LARGEST:
        raise ValueError(f"{value!r} is not a price")
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < _FINEST_EXPONENT:
        raise ValueError(f"{value!r} has too many decimals")
    return Fraction(number)


def divide_half_even(amount: int, unit: int) -> int:
    """``amount / unit`` rounded to the nearest integer, a tie to the even one."""
    quotient, rest = divmod(amount, unit)
    twice = 2 * rest
    return quotient + (twice > unit or (twice == unit and quotient & 1))


def round_pico(pico: int) -> int:
    """Pico-USD as nano-USD, half-even."""
    return divide_half_even(pico, PICO_PER_NANO)


def parse_rate(value: Number) -> int:
    """Pico-USD per token from USD per million tokens (``"6.25"`` is 6250000).

    Raises:
        ValueError: not a decimal number, negative, or finer than six decimals.
    """
    pico = _exact(value) * RATE_SCALE
    if pico.denominator != 1:
        raise ValueError(f"{value!r} has more than six decimals")
    return pico.numerator


def scale_rate(pico: int, factor: str) -> int:
    """``pico`` times a published multiplier such as ``"1.1"``, exactly.

    Raises:
        ValueError: the product is no whole number of pico-USD.
    """
    scaled = pico * _exact(factor)
    if scaled.denominator != 1:
        raise ValueError(f"{pico} x {factor} is not a whole number of pico-USD")
    return scaled.numerator


def format_rate(pico: int) -> str:
    """USD per million tokens as an exact decimal string without idle zeros."""
    return _plain(pico, 6)


def from_usd(value: Number) -> int:
    """Nano-USD from an amount in USD; what is finer is rounded half-even.

    Raises:
        ValueError: not a decimal number, or negative.
    """
    return round(_exact(value) * NANO_PER_USD)


def to_usd(nano: int) -> float:
    """The JSON number of ``nano``: USD with up to nine decimals.

    The division is correctly rounded, so up to 2^23 USD (8.3 million) the shortest
    spelling of the number is the exact amount; above, the last digit may be off by one.
    """
    return nano / NANO_PER_USD


def decimal_usd(nano: int) -> str:
    """The exact amount in USD without an exponent, for CSV and for machines."""
    return _plain(nano, 9)


def format_usd(nano: int) -> str:
    """``$12.34`` for people; under a cent two digits that say something: ``$0.0033``."""
    sign = "-" if nano < 0 else ""
    amount = abs(nano)
    if amount == 0 or amount >= _CENT:
        cents = divide_half_even(amount, _CENT)
        return f"{sign}${cents // 100:,}.{cents % 100:02d}"
    unit = int(10 ** max(len(str(amount)) - 2, 0))
    return f"{sign}${_plain(divide_half_even(amount, unit) * unit, 9)}"


def _plain(amount: int, places: int) -> str:
    whole, part = divmod(abs(amount), int(10**places))
    decimals = f"{part:0{places}d}".rstrip("0")
    return f"{'-' if amount < 0 else ''}{whole}{'.' if decimals else ''}{decimals}"
