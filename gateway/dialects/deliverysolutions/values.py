"""The forms of Delivery Solutions' values: Unix milliseconds, numbers with digits kept, units, status words.

Types for `wire.py`; a value that cannot be read is an error of its field.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, NamedTuple

from crossdock.v1 import parcel_pb2 as pb
from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from gateway.dialects.deliverysolutions.statuses import FILTERS
from gateway.times import epoch_milliseconds
from gateway.unreadable import Unreadable

_MAX_NUMBER = 10**15
_MAX_QUANTITY = 10**9


class Unit(NamedTuple):
    """A unit of the contract and how many of it one of the vendor's are."""

    unit: int
    factor: Decimal


LENGTH_UNITS: Final[dict[str, Unit]] = {
    "in": Unit(pb.LENGTH_UNIT_INCH, Decimal(1)),
    "ft": Unit(pb.LENGTH_UNIT_INCH, Decimal(12)),
    "cm": Unit(pb.LENGTH_UNIT_CENTIMETER, Decimal(1)),
    "mm": Unit(pb.LENGTH_UNIT_CENTIMETER, Decimal("0.1")),
    "m": Unit(pb.LENGTH_UNIT_CENTIMETER, Decimal(100)),
}
"""The document shows "in"; the others are taken and told back in the unit that they were turned into."""

WEIGHT_UNITS: Final[dict[str, Unit]] = {
    "lb": Unit(pb.WEIGHT_UNIT_POUND, Decimal(1)),
    "oz": Unit(pb.WEIGHT_UNIT_POUND, Decimal("0.0625")),
    "kg": Unit(pb.WEIGHT_UNIT_KILOGRAM, Decimal(1)),
    "g": Unit(pb.WEIGHT_UNIT_KILOGRAM, Decimal("0.001")),
}


def _instant(value: Any) -> datetime:
    time = epoch_milliseconds(value)
    if isinstance(time, Unreadable):
        raise PydanticCustomError("instant", "not a Unix timestamp in milliseconds")
    return time


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PydanticCustomError("number", "not a number")
    number = Decimal(value)
    if not 0 <= number <= _MAX_NUMBER:
        raise PydanticCustomError("number", "not between 0 and 10^15")
    return number


def _degrees(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PydanticCustomError("number", "not a number")
    return float(value)


def _quantity(value: Any) -> int:
    number = _number(value)
    if number != number.to_integral_value() or number > _MAX_QUANTITY:
        raise PydanticCustomError("quantity", "not a whole number up to 10^9")
    return int(number)


def _length_unit(value: Any) -> str:
    return _one_of(LENGTH_UNITS, value)


def _weight_unit(value: Any) -> str:
    return _one_of(WEIGHT_UNITS, value)


def _status(value: Any) -> str:
    return _one_of(FILTERS, value)


def _one_of(known: dict[str, Any], value: Any) -> str:
    if not isinstance(value, str) or value not in known:
        raise PydanticCustomError("one_of", "not one of {known}", {"known": ", ".join(known)})
    return value


Instant = Annotated[datetime, PlainValidator(_instant), WithJsonSchema({"type": "integer", "example": 1655468102000})]
"""Unix milliseconds."""
Number = Annotated[Decimal, PlainValidator(_number), WithJsonSchema({"type": "number", "minimum": 0})]
"""Not negative, every digit kept."""
Degrees = Annotated[float, PlainValidator(_degrees), WithJsonSchema({"type": "number"})]
Quantity = Annotated[int, PlainValidator(_quantity), WithJsonSchema({"type": "integer", "minimum": 0})]
LengthUnit = Annotated[str, PlainValidator(_length_unit), WithJsonSchema({"enum": list(LENGTH_UNITS)})]
WeightUnit = Annotated[str, PlainValidator(_weight_unit), WithJsonSchema({"enum": list(WEIGHT_UNITS)})]
Word = Annotated[str, PlainValidator(_status), WithJsonSchema({"enum": list(FILTERS)})]
"""A status of a shipment, in Delivery Solutions' word."""
