"""Values of the contract's standard types, made and read for this dialect's documents; knows no field."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from typing import Any

from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money as MoneyProto

from gateway.dialects import structs
from gateway.dialects.hubrise.wire import FieldError, Invalid
from gateway.money import Money, from_units_and_nanos, to_units_and_nanos, write_labelled


def timestamp(moment: datetime) -> Timestamp:
    """An aware time as the contract has it."""
    made = Timestamp()
    made.FromDatetime(moment)
    return made


def time_text(moment: Timestamp, zone: tzinfo) -> str:
    """Write "2023-01-01T12:00:00+01:00": to the second, as the clocks of the place show it.

    Where these would show a year before 1 or after 9999, it is told in UTC.
    """
    told = moment.ToDatetime(UTC)
    with suppress(OverflowError):
        told = told.astimezone(zone)
    return told.isoformat(timespec="seconds")


def money(amount: Money) -> MoneyProto:
    """An amount as the contract has it."""
    currency, units, nanos = to_units_and_nanos(amount)
    return MoneyProto(currency_code=currency, units=units, nanos=nanos)


def money_text(amount: MoneyProto) -> str | None:
    """Write "4.50 EUR"; None for an amount without such a form: in an unknown currency, or finer than its coins."""
    told = from_units_and_nanos(amount.currency_code, amount.units, amount.nanos)
    return write_labelled(told) if isinstance(told, Money) else None


def struct(members: Mapping[str, Any]) -> Struct:
    """JSON as the contract keeps it. Raises `Invalid` with the members that it could not keep exactly."""
    try:
        return structs.struct(members)
    except structs.NotKept as error:
        raise Invalid(*(FieldError(name, reason) for name, reason in error.reasons.items())) from None
