"""The forms of single values in Evermile's documents, as types of wire models; knows no member.

Lengths are ours: nothing longer can be kept in a member of its own.
"""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import ConfigDict, PlainValidator, StrictBool, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from gateway.dialects.tolerance import Wire

MAX_PHONE = 100
MAX_EXPONENT = 100

_DECIMAL = re.compile(r"-?[0-9]{1,40}(?:[.][0-9]{1,40})?")


class EvermileObject(Wire):
    """A JSON object of Evermile's. Members are camelCase unless an alias says otherwise."""

    model_config = ConfigDict(alias_generator=to_camel)


def _number(value: Any) -> Decimal:
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise PydanticCustomError("number_type", "Input should be a number")
    number = Decimal(value)
    if not number.is_finite() or abs(number.adjusted()) > MAX_EXPONENT:
        raise PydanticCustomError("number_range", "Input should be a number of reasonable size")
    return number


def _phone(value: Any) -> int | str:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise PydanticCustomError("string_type", "Input should be a telephone number")
    if len(str(value)) > MAX_PHONE:
        raise PydanticCustomError("string_too_long", f"Input should have at most {MAX_PHONE} characters")
    return value


Text = Annotated[str, StringConstraints(max_length=255, strip_whitespace=True)]
Word = Annotated[str, StringConstraints(max_length=100, strip_whitespace=True)]
ShortWord = Annotated[str, StringConstraints(max_length=50, strip_whitespace=True)]
Email = Annotated[str, StringConstraints(max_length=320)]
Name = Annotated[str, StringConstraints(max_length=500)]
Url = Annotated[str, StringConstraints(max_length=4096)]
Prose = Annotated[str, StringConstraints(max_length=10_000)]
Time = Annotated[str, StringConstraints(max_length=100)]
"""ISO 8601, with its offset from UTC."""
Flag = StrictBool
Number = Annotated[Decimal, PlainValidator(_number, json_schema_input_type=float)]
"""A number with all its digits; also taken as text."""
Whole = Annotated[Decimal, PlainValidator(_number, json_schema_input_type=int)]
"""Documented as a whole number, such as an amount in minor units; whether it is one is for the reader to see."""
Phone = Annotated[int | str, PlainValidator(_phone, json_schema_input_type=str | int)]
"""Text, or an integer that lost its plus if it had one: Evermile's own examples have both."""
