"""Exact numbers: every amount is a fraction until it is shown."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Literal

Mode = Literal["half_up", "half_even", "half_down", "up", "down"]
SHARE = re.compile(r"-?[0-9]{1,9}/[1-9][0-9]{0,8}")
# Decimals of a number that does not end (one third of a class): enough to check by hand, short enough to read.
SHOWN_DECIMALS = 6


def exact(value: object) -> Fraction:
    """The fraction behind a number as read from a file: an int, a Decimal, or text such as ``2/3``.

    Raises ValueError for anything else.
    """
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool):
        raise ValueError("not a number")
    if isinstance(value, int | Decimal):
        return Fraction(value)
    if isinstance(value, str) and SHARE.fullmatch(value):
        return Fraction(value)
    raise ValueError("not a number")


def rounded(value: Fraction, decimals: int, mode: Mode) -> Fraction:
    """``value`` rounded to ``decimals`` places. ``up`` and ``down`` go away from and towards zero."""
    scale = 10**decimals
    size = abs(value) * scale
    low = floor(size)
    rest = size - low
    if mode == "up":
        size_rounded = ceil(size)
    elif mode == "down":
        size_rounded = low
    elif rest == Fraction(1, 2):
        size_rounded = {"half_up": low + 1, "half_down": low, "half_even": low + low % 2}[mode]
    else:
        size_rounded = low + (rest > Fraction(1, 2))
    return Fraction(size_rounded if value >= 0 else -size_rounded, scale)


def whole_units(value: Fraction, mode: Literal["down", "up", "exact", "half_up"]) -> Fraction:
    """How many units count when a part of a unit remains."""
    if mode == "down":
        return Fraction(floor(value))
    if mode == "up":
        return Fraction(ceil(value))
    return rounded(value, 0, "half_up") if mode == "half_up" else value


def plain(value: Fraction) -> str:
    """The number as text without exponent: exact where the decimals end, else rounded to six places, half up."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        value = rounded(value, SHOWN_DECIMALS, "half_up")
    decimals = 0
    scaled = value
    while scaled.denominator != 1:
        scaled *= 10
        decimals += 1
    digits = str(abs(scaled.numerator)).rjust(decimals + 1, "0")
    sign = "-" if scaled < 0 else ""
    return sign + (f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits)
