"""Puts single values of Evermile's documents into members of the contract, or tells an issue; knows no word.

Nothing is set that was not told: in a patch an empty part would count.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from crossdock.v1.contact_pb2 import Phone
from crossdock.v1.report_pb2 import Issue
from google.type.money_pb2 import Money

from gateway.dialects.inbound import ReadContext
from gateway.dialects.tolerance import issue, unreadable
from gateway.dialects.values import Values
from gateway.money import read_minor_units, to_units_and_nanos
from gateway.phones import read_phone
from gateway.times import parse_time
from gateway.unreadable import Unreadable

MOST_INT32 = 2**31 - 1

Entry = TypeVar("Entry")


def fill(message: Any, **told: object) -> None:
    """Sets what is told; None and empty text tell nothing."""
    for name, value in told.items():
        if value is not None and value != "":
            setattr(message, name, value)


class Members(Values):
    """Reads values of one document into members; what cannot be read joins its issues."""

    def __init__(self, issues: list[Issue], context: ReadContext) -> None:
        super().__init__(issues)
        self.issues = issues
        self._context = context

    def tell(self, pointer: str, code: str, message: str) -> None:
        """Adds an issue."""
        self.issues.append(issue(pointer, code, message))

    def instant(self, pointer: str, text: str | None) -> datetime | None:
        """A moment. Evermile documents no zone, so one without offset is not read."""
        if not text:
            return None
        time = parse_time(text)
        if isinstance(time, Unreadable):
            self.issues.append(unreadable(pointer, "unreadable_time", time))
            return None
        return time

    def set_time(self, message: Any, name: str, pointer: str, text: str | None) -> None:
        """Sets a member that is a moment."""
        if (time := self.instant(pointer, text)) is not None:
            getattr(message, name).FromDatetime(time)

    def set_phone(self, holder: Any, pointer: str, written: int | str | None) -> None:
        """Sets a telephone number, as it was written and in E.164. Integers are told: they lost their plus."""
        phone = read_phone(written, region=self._context.default_region or None)
        if phone is None:
            return
        if isinstance(written, int):
            self.tell(pointer, "written_as_number", "a telephone number is written as an integer; its digits are kept")
        told: Phone = holder.phone
        fill(told, raw=phone.raw, e164=phone.e164)

    def money(self, pointer: str, amount: Decimal | None, currency: str | None) -> Money | None:
        """An amount in minor units of a currency, or of the source's own where none is told."""
        if amount is None:
            return None
        code = currency or self._context.default_currency
        if not code:
            self.tell(pointer, "no_currency", "neither the document nor the source tells the currency")
            return None
        money = read_minor_units(amount, code)
        if isinstance(money, Unreadable):
            self.issues.append(unreadable(pointer, "unreadable_money", money))
            return None
        told, units, nanos = to_units_and_nanos(money)
        return Money(currency_code=told, units=units, nanos=nanos)

    def set_money(self, message: Any, name: str, pointer: str, amount: Decimal | None, currency: str | None) -> None:
        """Sets a member that is an amount."""
        if (money := self.money(pointer, amount, currency)) is not None:
            getattr(message, name).CopyFrom(money)

    def whole(self, pointer: str, number: Decimal | None, *, least: int = 0) -> int | None:
        """A whole number that the contract can hold."""
        if number is None:
            return None
        if number == number.to_integral_value() and least <= number <= MOST_INT32:
            return int(number)
        self.tell(pointer, "unreadable_number", f"not a whole number from {least} to {MOST_INT32}: {str(number)[:40]}")
        return None

    def measure(self, pointer: str, number: Decimal | None) -> float | None:
        """A length or a weight."""
        if number is None:
            return None
        if number >= 0:
            return float(number)
        self.tell(pointer, "unreadable_number", f"less than nothing: {str(number)[:40]}")
        return None

    def percent(self, pointer: str, number: Decimal | None) -> str:
        """A share in percent, digit by digit as written."""
        text = "" if number is None else format(number, "f")
        if len(text) <= 30:
            return text
        self.tell(pointer, "unreadable_number", f"not a share in percent: {text[:40]}")
        return ""

    def entries(self, pointer: str, listed: Sequence[Entry | None] | None, most: int) -> list[tuple[str, Entry]]:
        """The entries of a list that are not null, with their pointers, and no more than the contract holds."""
        told = [(f"{pointer}/{index}", each) for index, each in enumerate(listed or ()) if each is not None]
        if len(told) > most:
            self.tell(pointer, "too_many", f"of {len(told)} entries the first {most} are kept")
        return told[:most]
