"""Reads the messages that have a JSON form of their own: times, durations, masks, free-form values, wrappers; pure.

A reader fills a message from a value, or raises ValueError with a few words.
"""

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from google.protobuf.descriptor import Descriptor

from gateway.transcode.scalars import text_reader, value_reader

Filler = Callable[[Any, Any], None]

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})")
_DURATION = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,9}))?s")
_LONGEST_SECONDS = 315_576_000_000
_PATH = re.compile(r"[A-Za-z0-9_.*-]+")
_CAPITAL = re.compile("[A-Z]")


def filler_of(descriptor: Descriptor) -> Filler | None:
    """The reader of a message that has a JSON form of its own; None for ordinary messages."""
    if descriptor.full_name in _WRAPPERS:
        return _wrapper(descriptor)
    return _FILLERS.get(descriptor.full_name)


def text_filler_of(descriptor: Descriptor) -> Filler | None:
    """The same for the text of a query; None for what no text can be."""
    if descriptor.full_name in _WRAPPERS:
        read = text_reader(descriptor.fields_by_name["value"])

        def fill(message: Any, text: Any) -> None:
            message.value = read(text)

        return fill
    return _FILLERS.get(descriptor.full_name) if descriptor.full_name in _OF_TEXT else None


def _wrapper(descriptor: Descriptor) -> Filler:
    read = value_reader(descriptor.fields_by_name["value"])

    def fill(message: Any, value: Any) -> None:
        message.value = read(value)

    return fill


def _timestamp(message: Any, value: Any) -> None:
    if type(value) is not str or not _TIME.fullmatch(value):
        raise ValueError("must be a time such as 2026-01-31T12:00:00Z")
    try:
        message.FromJsonString(value)
    except ValueError:
        raise ValueError("is no such date or time of day") from None


def _duration(message: Any, value: Any) -> None:
    form = _DURATION.fullmatch(value) if type(value) is str else None
    if form is None:
        raise ValueError("must be a duration such as 3.5s")
    sign, whole, fraction = form.groups()
    if int(whole) > _LONGEST_SECONDS:
        raise ValueError("is too long a duration")
    direction = -1 if sign else 1
    message.seconds = direction * int(whole)
    message.nanos = direction * int((fraction or "").ljust(9, "0"))


def _field_mask(message: Any, value: Any) -> None:
    if type(value) is not str:
        raise ValueError("must be paths separated by commas")
    for path in value.split(",") if value else ():
        if not _PATH.fullmatch(path):
            raise ValueError("must be paths separated by commas")
        message.paths.append(snake(path))


def snake(path: str) -> str:
    """A path in lowerCamelCase as the contract spells it."""
    return _CAPITAL.sub(lambda letter: "_" + letter[0].lower(), path)


def _struct(message: Any, value: Any) -> None:
    if type(value) is not dict:
        raise ValueError("must be an object")
    message.Clear()
    for name, each in value.items():
        _value(message.fields[name], each)


def _list(message: Any, value: Any) -> None:
    if type(value) is not list:
        raise ValueError("must be an array")
    message.Clear()
    for each in value:
        _value(message.values.add(), each)


def _value(message: Any, value: Any) -> None:
    if value is None:
        message.null_value = 0
    elif type(value) is bool:
        message.bool_value = value
    elif type(value) is str:
        message.string_value = value
    elif type(value) is dict:
        message.struct_value.SetInParent()
        _struct(message.struct_value, value)
    elif type(value) is list:
        message.list_value.SetInParent()
        _list(message.list_value, value)
    else:
        message.number_value = _finite(value)


def _finite(value: int | Decimal) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise ValueError("has too large a number")
    return number


_FILLERS: dict[str, Filler] = {
    "google.protobuf.Timestamp": _timestamp,
    "google.protobuf.Duration": _duration,
    "google.protobuf.FieldMask": _field_mask,
    "google.protobuf.Struct": _struct,
    "google.protobuf.ListValue": _list,
    "google.protobuf.Value": _value,
}
_OF_TEXT = frozenset(f"google.protobuf.{name}" for name in ("Timestamp", "Duration", "FieldMask"))
_WRAPPERS = frozenset(
    f"google.protobuf.{name}Value"
    for name in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)
