"""The forms of HubRise's values, "4.50 EUR", "48.856614", times with an offset; refuses what it would have to guess.

Types for `wire.py`. A value that cannot be read is an error of its field, in HubRise's own wording.
"""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from gateway.money import Money, read_labelled
from gateway.times import parse_time
from gateway.unreadable import Unreadable

_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]{1,30})?")
_WEB_PAGE = re.compile(r"(?i:https?)://[^\s<>\"]+")
_MAX_QUANTITY = 999_999_999
_MAX_QUANTITY_LENGTH = 50

Value = TypeVar("Value")


def _time(value: Any) -> datetime:
    return _readable(parse_time(value), "time")


def _amount(value: Any) -> Money:
    return _readable(read_labelled(value), "monetary amount")


def _latitude(value: Any) -> str:
    return _coordinate(value, 90, "latitude")


def _longitude(value: Any) -> str:
    return _coordinate(value, 180, "longitude")


def _coordinate(value: Any, limit: int, name: str) -> str:
    text = _decimal(value, name)
    if Decimal(text).copy_abs() > limit:
        _refuse(value, name, f"not between -{limit} and {limit}")
    return text


def _quantity(value: Any) -> str:
    text = _decimal(value, "quantity")
    if not 0 <= Decimal(text) <= _MAX_QUANTITY or len(text) > _MAX_QUANTITY_LENGTH:
        _refuse(value, "quantity", f"not between 0 and {_MAX_QUANTITY}")
    return text


def _url(value: str) -> str:
    if value and not _WEB_PAGE.fullmatch(value):
        raise PydanticCustomError("not_a_url", "must be an http or https address")
    return value


def _decimal(value: Any, name: str) -> str:
    """The digits exactly as they were written; HubRise sends strings, and many clients send numbers."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        text = format(value, "f") if isinstance(value, Decimal) else str(value)
    else:
        text = ""
    if not _DECIMAL.fullmatch(text):
        _refuse(value, name, 'not a decimal such as "48.856614"')
    return text


def _readable(value: Value | Unreadable, name: str) -> Value:
    if isinstance(value, Unreadable):
        _refuse(value.value, name, value.reason)
    return value


def _refuse(value: Any, name: str, reason: str) -> NoReturn:
    told = {"quoted": str(value)[:100], "name": name, "reason": reason}
    raise PydanticCustomError("unreadable", "'{quoted}' is not a valid {name}: {reason}", told)


Time = Annotated[datetime, PlainValidator(_time), WithJsonSchema({"type": "string", "format": "date-time"})]
"""An instant; any offset is taken, none is an error."""

Amount = Annotated[Money, PlainValidator(_amount), WithJsonSchema({"type": "string", "example": "4.50 EUR"})]
"""An amount with its currency, possibly negative."""

Latitude = Annotated[str, PlainValidator(_latitude), WithJsonSchema({"type": "string", "example": "48.856614"})]
"""Decimal degrees, every digit kept."""

Longitude = Annotated[str, PlainValidator(_longitude), WithJsonSchema({"type": "string", "example": "2.3522219"})]
"""Decimal degrees, every digit kept."""

Quantity = Annotated[str, PlainValidator(_quantity), WithJsonSchema({"type": "string", "example": "2.0"})]
"""How many, every digit kept."""

Text = Annotated[str, Field(max_length=255)]
LongText = Annotated[str, Field(max_length=10_000)]
Url = Annotated[
    str, Field(max_length=4096), AfterValidator(_url), WithJsonSchema({"type": "string", "maxLength": 4096})
]
"""Empty, or an address that a browser may be sent to."""
