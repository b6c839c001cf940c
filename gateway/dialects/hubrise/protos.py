"""Values of the contract's standard types, made and read for this dialect's documents; knows no field."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

from google.protobuf.struct_pb2 import ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money as MoneyProto

from gateway.dialects.hubrise.wire import FieldError, Invalid
from gateway.money import Money, from_units_and_nanos, to_units_and_nanos, write_labelled

MAX_DEPTH = 16
"""How deep a value without field of its own may be nested: protobuf parsers stop at 100 messages in each other."""


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
    kept = Struct()
    errors = []
    for name, member in members.items():
        try:
            _fill(kept.fields[name], member, MAX_DEPTH)
        except ValueError as error:
            errors.append(FieldError(name, str(error)))
    if errors:
        raise Invalid(*errors)
    return kept


def members_of(kept: Struct) -> dict[str, Any]:
    """The JSON that a `Struct` was made of."""
    return {name: _json(member) for name, member in kept.fields.items()}


def _fill(kept: Value, told: Any, depth: int) -> None:
    if depth == 0:
        raise ValueError(f"is nested deeper than {MAX_DEPTH} levels")
    if told is None:
        kept.null_value = 0  # type: ignore[assignment]  # the one value of google.protobuf.NullValue
    elif isinstance(told, bool):
        kept.bool_value = told
    elif isinstance(told, str):
        kept.string_value = told
    elif isinstance(told, int | Decimal):
        kept.number_value = float(told)
        if Decimal(repr(kept.number_value)) != told:
            raise ValueError("has a number of more digits than can be kept: send it as a string")
    elif isinstance(told, float):  # as it was kept before
        kept.number_value = told
    elif isinstance(told, list):
        kept.list_value.CopyFrom(ListValue())
        for each in told:
            _fill(kept.list_value.values.add(), each, depth - 1)
    else:
        kept.struct_value.CopyFrom(Struct())
        for name, member in told.items():
            _fill(kept.struct_value.fields[name], member, depth - 1)


def _json(kept: Value) -> Any:
    kind = kept.WhichOneof("kind")
    if kind == "struct_value":
        return members_of(kept.struct_value)
    if kind == "list_value":
        return [_json(each) for each in kept.list_value.values]
    if kind == "number_value":
        number = kept.number_value
        # Beyond that an integer would show digits that nobody sent.
        return int(number) if number.is_integer() and abs(number) < 1 << 53 else number
    return None if kind in (None, "null_value") else getattr(kept, kind)
