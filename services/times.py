"""Moments between the contract and Python: owns the conversions, knows no clock.

A ``Timestamp`` counts nanoseconds, a ``datetime`` and PostgreSQL microseconds. What is stored and answered
inside a document keeps every nanosecond; what goes through a ``datetime`` (columns, filters, comparisons)
is cut, always towards the past, to whole microseconds, so that two moments never change their order.
"""

from datetime import UTC, datetime, timedelta

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.errors import invalid

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = -62_135_596_800
_LATEST = 253_402_300_799
_NANOS = 1_000_000_000


def to_timestamp(moment: datetime) -> Timestamp:
    """The exact ``Timestamp`` of an aware moment in any zone. A naive one raises TypeError."""
    since = moment - EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)


def set_timestamp(stamp: Timestamp, moment: datetime) -> None:
    """Writes an aware moment into a ``Timestamp`` that is a member of a message."""
    since = moment - EPOCH
    stamp.seconds = since.days * 86_400 + since.seconds
    stamp.nanos = since.microseconds * 1_000


def to_datetime(stamp: Timestamp) -> datetime:
    """The moment in UTC, cut to whole microseconds.

    Raises ValueError for what no ``Timestamp`` may hold: years outside 1 to 9999, nanoseconds outside a
    second.
    """
    seconds, nanos = stamp.seconds, stamp.nanos
    if not (_EARLIEST <= seconds <= _LATEST and 0 <= nanos < _NANOS):
        raise ValueError("not a moment between the years 1 and 9999")
    return EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1_000)


def given_datetime(request: Message, field: str) -> datetime | None:
    """The moment in one field of a request, in UTC; None when it is absent."""
    if not request.HasField(field):
        return None
    try:
        return to_datetime(getattr(request, field))
    except ValueError as reason:
        raise invalid(field, str(reason), "timestamp.range") from None


def given_timedelta(request: Message, field: str) -> timedelta | None:
    """A duration of a request, to the microsecond; None when it is not told."""
    if not request.HasField(field):
        return None
    told = getattr(request, field)
    return timedelta(seconds=told.seconds, microseconds=told.nanos // 1000)
