"""The contract's enums and times as people type and read them: `delivered`, `2h`, `2026-01-05 14:03:07Z`; pure."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import typer
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

_SPAN = re.compile(r"([0-9]{1,9})(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def word(enum: Any, value: int) -> str:
    """`delivered` for DELIVERY_STATUS_DELIVERED; empty for the value 0; the number for one that is newer than us."""
    if value == 0:
        return ""
    try:
        return str(enum.Name(value)).removeprefix(_prefix(enum)).lower()
    except ValueError:
        return str(value)


def value(enum: Any, text: str, flag: str) -> Any:
    """The value behind a word, in either case, with or without its prefix."""
    prefix = _prefix(enum)
    name = text.strip().upper().replace("-", "_").removeprefix(prefix)
    try:
        return enum.Value(prefix + name)
    except ValueError:
        known = ", ".join(word(enum, each) for each in enum.values() if each)
        raise typer.BadParameter(f"{text!r} is not one of {known}", param_hint=flag) from None


def values(enum: Any, texts: list[str] | None, flag: str) -> list[Any]:
    """Likewise for a flag that may be given several times, or with commas."""
    return [value(enum, each, flag) for text in texts or () for each in text.split(",")]


def moment(stamp: Timestamp) -> str:
    """A time in UTC; empty for one that is not set."""
    if stamp == Timestamp():
        return ""
    return f"{stamp.ToDatetime(UTC):%Y-%m-%d %H:%M:%SZ}"


def parse_moment(text: str, flag: str) -> Timestamp:
    """`90s`, `15m`, `2h`, `7d` ago, or a time in RFC 3339; without offset it is read as UTC."""
    if span := _SPAN.fullmatch(text):
        given = datetime.now(UTC) - _timedelta(span)
    else:
        try:
            given = datetime.fromisoformat(text)
        except ValueError:
            raise typer.BadParameter(
                f"{text!r} is neither a span such as 2h nor a time such as 2026-01-05T14:00:00Z", param_hint=flag
            ) from None
    stamp = Timestamp()
    stamp.FromDatetime(given)
    return stamp


def parse_span(text: str, flag: str) -> Duration:
    """`90s`, `15m`, `2h` or `7d`."""
    span = _SPAN.fullmatch(text)
    if span is None:
        raise typer.BadParameter(f"{text!r} is not a span such as 90s, 15m, 2h or 7d", param_hint=flag)
    duration = Duration()
    duration.FromTimedelta(_timedelta(span))
    return duration


def _timedelta(span: re.Match[str]) -> timedelta:
    return timedelta(**{_UNITS[span[2]]: int(span[1])})


def _prefix(enum: Any) -> str:
    """What all names of the enum begin with: the contract's rule is that the value 0 is PREFIX_UNSPECIFIED."""
    return str(enum.Name(0)).removesuffix("UNSPECIFIED")
