"""Money in whole minor units, read from and written to every form vendors use; rounds nothing, knows no rate.

An amount that has more decimals than its currency is `Unreadable`, not rounded.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from iso4217 import Currency

from gateway.unreadable import Unreadable

MAX_MINOR_UNITS = 10**15
_NANOS = 10**9
# No currency goes below 10**-4. A number far smaller is not worth the huge fraction that would hold it
# exactly.
_FINEST_DIGITS = 9

# Gold, the test code and their like have no minor unit, and are not what a delivery is paid in.
MINOR_UNIT_DIGITS: Final[dict[str, int]] = {
    currency.code: currency.exponent for currency in Currency if currency.exponent is not None
}

_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{1,9})?")
_LABELLED = re.compile(rf"({_DECIMAL.pattern}) ([A-Z]{{3}})")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,15})")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the currency's smallest unit: 450 is four euros fifty, or four hundred and fifty yen."""

    currency: str
    minor_units: int


def read_labelled(text: str | None) -> Money | Unreadable:
    """Read HubRise's "4.50 EUR": exactly the currency's decimals, one space, the code; may be negative."""
    form = _LABELLED.fullmatch(text) if isinstance(text, str) else None
    if form is None:
        return Unreadable.of(text, 'not an amount such as "4.50 EUR"')
    amount, currency = form.groups()
    digits = MINOR_UNIT_DIGITS.get(currency)
    if digits is None:
        return Unreadable.of(text, "unknown currency")
    if len(amount.partition(".")[2]) != digits:
        return Unreadable.of(text, f"{currency} has exactly {digits} decimals")
    return read_decimal(amount, currency)


def read_decimal(value: str | int | Decimal | None, currency: str) -> Money | Unreadable:
    """Read major units, "9.95" or a JSON number parsed as `Decimal`, in a currency known from elsewhere."""
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            return Unreadable.of(value, "not a decimal number")
    elif isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return Unreadable.of(value, "not a decimal number")
    digits = MINOR_UNIT_DIGITS.get(currency.upper())
    if digits is None:
        return Unreadable.of(value, "unknown currency")
    amount = Decimal(value)
    if not amount.is_finite() or amount.copy_abs() > MAX_MINOR_UNITS:
        return Unreadable.of(value, "too large an amount")
    if amount.adjusted() < -_FINEST_DIGITS and amount:
        return Unreadable.of(value, f"{currency.upper()} has at most {digits} decimals")
    numerator, denominator = amount.as_integer_ratio()
    minor_units, rest = divmod(numerator * 10**digits, denominator)
    if rest:
        return Unreadable.of(value, f"{currency.upper()} has at most {digits} decimals")
    return _bounded(minor_units, currency.upper(), value)


def read_minor_units(value: str | int | Decimal | None, currency: str) -> Money | Unreadable:
    """Read whole minor units (Evermile's cents, Ordatic's refunds)."""
    if isinstance(value, str):
        readable = _INTEGER.fullmatch(value) is not None
    elif isinstance(value, Decimal):
        readable = value.is_finite() and value.copy_abs() <= MAX_MINOR_UNITS and value == int(value)
    else:
        readable = isinstance(value, int) and not isinstance(value, bool)
    if not readable or value is None:
        return Unreadable.of(value, "not a whole number of minor units")
    if currency.upper() not in MINOR_UNIT_DIGITS:
        return Unreadable.of(value, "unknown currency")
    return _bounded(int(value), currency.upper(), value)


def from_units_and_nanos(currency: str, units: int, nanos: int) -> Money | Unreadable:
    """Read the parts of a `google.type.Money`: both parts have the same sign, nanos are billionths."""
    written = f"{units} units {nanos} nanos {currency}"
    digits = MINOR_UNIT_DIGITS.get(currency)
    if digits is None:
        return Unreadable.of(written, "unknown currency")
    if abs(nanos) >= _NANOS or units * nanos < 0:
        return Unreadable.of(written, "units and nanos disagree")
    minor_units, rest = divmod((units * _NANOS + nanos) * 10**digits, _NANOS)
    if rest:
        return Unreadable.of(written, f"{currency} has at most {digits} decimals")
    return _bounded(minor_units, currency, written)


def to_units_and_nanos(money: Money) -> tuple[str, int, int]:
    """Give currency code, units and nanos as `google.type.Money` wants them."""
    sign = -1 if money.minor_units < 0 else 1
    scale = 10 ** MINOR_UNIT_DIGITS[money.currency]
    units, rest = divmod(abs(money.minor_units), scale)
    return money.currency, sign * units, sign * rest * (_NANOS // scale)


def write_decimal(money: Money) -> str:
    """Write "4.50", with exactly the currency's decimals."""
    digits = MINOR_UNIT_DIGITS[money.currency]
    sign = "-" if money.minor_units < 0 else ""
    text = str(abs(money.minor_units)).rjust(digits + 1, "0")
    return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else sign + text


def write_labelled(money: Money) -> str:
    """Write HubRise's "4.50 EUR"."""
    return f"{write_decimal(money)} {money.currency}"


def _bounded(minor_units: int, currency: str, value: object) -> Money | Unreadable:
    if abs(minor_units) > MAX_MINOR_UNITS:
        return Unreadable.of(value, "too large an amount")
    return Money(currency, minor_units)
