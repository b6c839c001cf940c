"""Reads one scalar of proto3 JSON, from a body's value or from the text of a path or query; pure.

A reader takes a value and gives what the field holds, or raises ValueError with a few words that never quote the value.
Beyond the specification's letter nothing is guessed: no "yes" for true, no comma lists.
"""

import base64
import binascii
import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

Reader = Callable[[Any], Any]

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,19})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?")
_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_BOOLEANS = {"true": True, "false": False}
_LARGEST_FLOAT = 3.4028234663852886e38

_INT32 = (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_SINT32, FieldDescriptor.TYPE_SFIXED32)
_INT64 = (FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_SINT64, FieldDescriptor.TYPE_SFIXED64)
_UINT32 = (FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_FIXED32)
_UINT64 = (FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_FIXED64)


def value_reader(field: FieldDescriptor) -> Reader:
    """Reads what stands in a JSON body."""
    if field.type == FieldDescriptor.TYPE_ENUM:
        assert field.enum_type is not None
        return _enum(field.enum_type)
    if field.type in _INT32:
        return _integer(-(1 << 31), (1 << 31) - 1)
    if field.type in _INT64:
        return _integer(-(1 << 63), (1 << 63) - 1)
    if field.type in _UINT32:
        return _integer(0, (1 << 32) - 1)
    if field.type in _UINT64:
        return _integer(0, (1 << 64) - 1)
    return _READERS[field.type]


def text_reader(field: FieldDescriptor) -> Reader:
    """Reads what stands in a path, in a query or as a key of a map."""
    if field.type == FieldDescriptor.TYPE_BOOL:
        return _boolean_text
    read = value_reader(field)
    if field.type != FieldDescriptor.TYPE_ENUM:
        return read
    return lambda text: read(int(text) if _INTEGER.fullmatch(text) else text)


def _integer(least: int, most: int) -> Reader:
    def read(value: Any) -> int:
        text = type(value) is str and _INTEGER.fullmatch(value)
        if text or (type(value) is Decimal and value == value.to_integral_value()):
            value = int(value)
        elif type(value) is not int:
            raise ValueError("must be an integer")
        if not least <= value <= most:
            raise ValueError(f"must be between {least} and {most}")
        return value  # type: ignore[no-any-return]

    return read


def _enum(enum: EnumDescriptor) -> Reader:
    names = {name: value.number for name, value in enum.values_by_name.items()}
    number = _integer(-(1 << 31), (1 << 31) - 1)
    example = [value.name for value in enum.values][:2][-1]  # the first one means "unspecified", mostly

    def read(value: Any) -> int:
        if type(value) is str:
            known = names.get(value)
            if known is None:
                raise ValueError(f"is not a name of {enum.name}, such as {example}")
            return known
        try:
            return number(value)  # type: ignore[no-any-return]
        except ValueError:
            raise ValueError(f"must be a name or number of {enum.name}") from None

    return read


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError("must be true or false")
    return value


def _boolean_text(text: str) -> bool:
    if text not in _BOOLEANS:
        raise ValueError("must be true or false")
    return _BOOLEANS[text]


def _string(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("must be a string")
    return value


def _bytes(value: Any) -> bytes:
    if type(value) is not str:
        raise ValueError("must be a string in base64")
    try:
        plain = value.rstrip("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be a string in base64") from None


def _double(value: Any) -> float:
    if type(value) is str:
        if value in _WORDS:
            return _WORDS[value]
        if not _NUMBER.fullmatch(value):
            raise ValueError("must be a number")
    elif type(value) not in (int, Decimal):
        raise ValueError("must be a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise ValueError("is too large a number")
    return number


def _float(value: Any) -> float:
    number = _double(value)
    if math.isfinite(number) and abs(number) > _LARGEST_FLOAT:
        raise ValueError("is too large a number")
    return number


_READERS: dict[int, Reader] = {
    FieldDescriptor.TYPE_BOOL: _boolean,
    FieldDescriptor.TYPE_STRING: _string,
    FieldDescriptor.TYPE_BYTES: _bytes,
    FieldDescriptor.TYPE_DOUBLE: _double,
    FieldDescriptor.TYPE_FLOAT: _float,
}
