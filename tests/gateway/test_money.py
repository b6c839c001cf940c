from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.money import (
    MAX_MINOR_UNITS,
    MINOR_UNIT_DIGITS,
    Money,
    from_units_and_nanos,
    read_decimal,
    read_labelled,
    read_minor_units,
    to_units_and_nanos,
    write_decimal,
    write_labelled,
)
from gateway.unreadable import Unreadable

amounts = st.builds(Money, st.sampled_from(sorted(MINOR_UNIT_DIGITS)), st.integers(-MAX_MINOR_UNITS, MAX_MINOR_UNITS))


def test_the_currencies_have_the_decimals_that_iso_4217_gives_them() -> None:
    known = {
        "EUR": 2,
        "USD": 2,
        "GBP": 2,
        "JPY": 0,
        "CLP": 0,
        "KRW": 0,
        "BHD": 3,
        "KWD": 3,
        "TND": 3,
        "CLF": 4,
    }

    assert {code: MINOR_UNIT_DIGITS[code] for code in known} == known
    assert "XAU" not in MINOR_UNIT_DIGITS
    assert len(MINOR_UNIT_DIGITS) > 150


@given(amounts)
def test_every_amount_comes_back_from_every_form(money: Money) -> None:
    digits = MINOR_UNIT_DIGITS[money.currency]

    assert read_labelled(write_labelled(money)) == money
    assert read_decimal(write_decimal(money), money.currency) == money
    assert read_decimal(Decimal(money.minor_units).scaleb(-digits), money.currency) == money
    assert read_minor_units(money.minor_units, money.currency) == money
    assert read_minor_units(str(money.minor_units), money.currency) == money
    assert from_units_and_nanos(*to_units_and_nanos(money)) == money


@given(amounts)
def test_units_and_nanos_are_the_amount_and_share_its_sign(money: Money) -> None:
    currency, units, nanos = to_units_and_nanos(money)

    assert currency == money.currency
    assert units * 10**9 + nanos == money.minor_units * 10 ** (9 - MINOR_UNIT_DIGITS[currency])
    assert units * nanos >= 0
    assert abs(nanos) < 10**9


@given(amounts, st.integers(1, 9))
def test_an_amount_finer_than_its_currency_is_never_rounded(money: Money, digit: int) -> None:
    point = "" if MINOR_UNIT_DIGITS[money.currency] else "."
    finer = write_decimal(money) + point + str(digit)

    assert isinstance(read_decimal(finer, money.currency), Unreadable)
    assert isinstance(read_decimal(Decimal(finer), money.currency), Unreadable)
    assert isinstance(read_labelled(f"{finer} {money.currency}"), Unreadable)


@pytest.mark.parametrize(
    ("text", "money"),
    [
        ("4.50 EUR", Money("EUR", 450)),
        ("-1.00 EUR", Money("EUR", -100)),
        ("-0.05 EUR", Money("EUR", -5)),
        ("0.00 EUR", Money("EUR", 0)),
        ("450 JPY", Money("JPY", 450)),
        ("1.234 BHD", Money("BHD", 1234)),
    ],
)
def test_a_labelled_amount_is_read_and_written_alike(text: str, money: Money) -> None:
    assert read_labelled(text) == money
    assert write_labelled(money) == text


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "4.50",
        "EUR",
        "EUR 4.50",
        "4.50EUR",
        "4.50  EUR",
        "4.50 EUR ",
        " 4.50 EUR",
        "4.5 EUR",
        "4 EUR",
        "4.500 EUR",
        "4,50 EUR",
        "1,234.50 EUR",
        "+4.50 EUR",
        "--4.50 EUR",
        ".50 EUR",
        "4. EUR",
        "04.50 EUR",
        "4.50 eur",
        "4.50 EURO",
        "4.50 \u20ac",
        "4.50 ZZZ",
        "4.50 XAU",
        "4.50 JPY",
        "4.50 BHD",
        "1e2 EUR",
        "NaN EUR",
        "\u0664.50 EUR",
        "4.50\u00a0EUR",
        "9" * 17 + ".00 EUR",
        "4.50 EUR\n",
        4,
        Decimal(4),
    ],
    ids=repr,
)
def test_another_label_is_unreadable(text: Any) -> None:
    assert isinstance(read_labelled(text), Unreadable)


@pytest.mark.parametrize(
    ("value", "currency", "minor_units"),
    [
        ("9.95", "USD", 995),
        ("9.9", "usd", 990),
        ("9", "USD", 900),
        ("9.950", "USD", 995),
        (9, "USD", 900),
        (Decimal("10.34"), "USD", 1034),
        (Decimal("1E+2"), "USD", 10000),
        (Decimal("-0.0"), "USD", 0),
        (Decimal("0E-999"), "JPY", 0),
        ("-9.95", "GBP", -995),
    ],
)
def test_a_decimal_in_a_known_currency(value: Any, currency: str, minor_units: int) -> None:
    assert read_decimal(value, currency) == Money(currency.upper(), minor_units)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        9.95,
        "",
        "abc",
        "9.95 ",
        "9,95",
        "1e3",
        "$9.95",
        "9.955",
        Decimal("9.955"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("1E+99999999"),
        Decimal("1E-99999999"),
        10**30,
        Decimal(10**14),
        [],
        {},
    ],
    ids=repr,
)
def test_another_decimal_is_unreadable(value: Any) -> None:
    assert isinstance(read_decimal(value, "USD"), Unreadable)


@pytest.mark.parametrize("value", [678, "678", Decimal(678), Decimal("678.0")])
def test_minor_units(value: Any) -> None:
    assert read_minor_units(value, "gbp") == Money("GBP", 678)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        6.0,
        "",
        "6.0",
        "0678",
        "+6",
        "6 ",
        Decimal("6.5"),
        Decimal("NaN"),
        Decimal("1E-9999999"),
        10**16,
        "9" * 16,
        [],
    ],
    ids=repr,
)
def test_other_minor_units_are_unreadable(value: Any) -> None:
    assert isinstance(read_minor_units(value, "GBP"), Unreadable)


@pytest.mark.parametrize("currency", ["", "ZZZ", "XAU", "EURO", "\u20ac"])
def test_an_unknown_currency_is_unreadable_everywhere(currency: str) -> None:
    assert isinstance(read_decimal("1.00", currency), Unreadable)
    assert isinstance(read_minor_units(100, currency), Unreadable)
    assert isinstance(from_units_and_nanos(currency, 1, 0), Unreadable)


@pytest.mark.parametrize(
    ("units", "nanos"), [(1, -1), (-1, 1), (0, 10**9), (0, -(10**9)), (1, 1), (1, 9_999_999), (10**30, 0)]
)
def test_units_and_nanos_that_disagree_or_are_too_fine_are_unreadable(units: int, nanos: int) -> None:
    assert isinstance(from_units_and_nanos("EUR", units, nanos), Unreadable)
