"""Amounts in minor units, whatever the number of a currency's digits."""

import pytest
from google.type.money_pb2 import Money
from hypothesis import given
from hypothesis import strategies as st

from services.currencies import digits, minor_units, money_of


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (Money(currency_code="USD", units=12, nanos=990_000_000), 1299),
        (Money(currency_code="JPY", units=500), 500),
        (Money(currency_code="KWD", units=1, nanos=234_000_000), 1234),
        (Money(currency_code="USD", units=-1, nanos=-500_000_000), -150),
        (Money(currency_code="USD", nanos=9_999_999), 0),
        (Money(currency_code="USD", units=-1, nanos=-9_999_999), -100),
        (Money(currency_code="XAU", units=1), 100),
        (Money(units=1), 100),
    ],
)
def test_amounts_are_counted_in_the_smallest_units_of_their_currency(amount: Money, expected: int) -> None:
    assert minor_units(amount) == expected


@given(st.integers(-(10**15), 10**15), st.sampled_from(["USD", "JPY", "KWD", "EUR"]))
def test_what_is_counted_and_written_again_is_the_same(minor: int, code: str) -> None:
    amount = money_of(minor, code)

    assert minor_units(amount) == minor
    assert amount.units * amount.nanos >= 0
    assert abs(amount.nanos) < 10**9
    assert digits(code) in (0, 2, 3)
