"""Single values in Evermile's form; pure, knows no member."""

from decimal import Decimal, InvalidOperation
from typing import Any

from crossdock.v1.contact_pb2 import Phone
from google.protobuf.timestamp_pb2 import Timestamp

_MILLISECOND = 1_000_000


def time(moment: Timestamp) -> str | None:
    """ISO 8601 with milliseconds, as documented; with more digits where there are more."""
    if moment.nanos % _MILLISECOND:
        return moment.ToJsonString()
    whole = Timestamp(seconds=moment.seconds).ToJsonString()
    return f"{whole.removesuffix('Z')}.{moment.nanos // _MILLISECOND:03}Z"


def time_of(message: Any, name: str) -> str | None:
    """A member that is a moment."""
    return time(getattr(message, name)) if message.HasField(name) else None


def flag_of(message: Any, name: str) -> bool | None:
    """A member that is true, false or not told."""
    return bool(getattr(message, name)) if message.HasField(name) else None


def number(told: str | float) -> int | float | None:
    """A JSON number; None for what is none. Digits beyond those of a double are not told."""
    try:
        value = Decimal(repr(told) if isinstance(told, float) else told)
    except InvalidOperation:
        return None
    if not value.is_finite():
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def phone(told: Phone) -> str:
    """As it was written, as that is what people dial; text always, so that it keeps its plus."""
    return told.raw or told.e164


def pruned(value: Any) -> Any:
    """Without members and entries that tell nothing: null, and what is empty."""
    if isinstance(value, dict):
        members = {name: pruned(each) for name, each in value.items()}
        return {name: each for name, each in members.items() if each is not None and each not in ("", [], {})}
    if isinstance(value, list):
        return [each for each in map(pruned, value) if each is not None and each not in ("", [], {})]
    return value
