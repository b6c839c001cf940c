"""Secrets of which at most two are live, whatever they protect; knows neither their form nor where they are kept.

The newest is live without end, the one before it until its overlap is over. All kinds of them have `id`, `value`,
`create_time` and `expire_time`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from services import times

DEFAULT_OVERLAP = timedelta(days=1)

Secret = TypeVar("Secret", bound=Any)


def rotated(present: Iterable[Secret], newest: Secret, overlap: timedelta, now: datetime) -> list[Secret]:
    """The live secrets after a rotation, the newest first; all but the one before end at once."""
    kept = [newest]
    for secret in list(present)[:1]:
        if overlap > timedelta(0):
            before = type(secret)()
            before.CopyFrom(secret)
            times.set_timestamp(before.expire_time, now + overlap)
            kept.append(before)
    return kept


def live(present: Iterable[Secret], now: datetime) -> list[Secret]:
    """Those that are accepted now, the newest first."""
    return [
        secret
        for secret in present
        if not secret.HasField("expire_time") or times.to_datetime(secret.expire_time) > now
    ]


def without_values(present: Iterable[Secret]) -> list[Secret]:
    """Copies that may be shown."""
    shown = []
    for secret in present:
        copy = type(secret)()
        copy.CopyFrom(secret)
        copy.ClearField("value")
        shown.append(copy)
    return shown
