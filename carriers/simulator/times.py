"""Moments as the contract and the vendors write them; reads no clock but the one function that is one."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp


def present() -> datetime:
    """The clock of the machine."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> Timestamp:
    """As the contract writes it."""
    written = Timestamp()
    written.FromDatetime(moment)
    return written


def moment(written: Timestamp) -> datetime:
    """The same way back."""
    return written.ToDatetime(tzinfo=UTC)


def iso(moment: datetime) -> str:
    """As all three vendors write it: UTC with milliseconds, "2021-12-13T17:35:23.583Z"."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
