"""Whose windows those of a stop are: asked for by the sender or told by a carrier; pure."""

from datetime import datetime
from typing import Literal

from crossdock.v1.consignment_pb2 import Stop
from crossdock.v1.window_pb2 import WindowKind

from services import times

CARRIERS_WINDOWS = frozenset(
    (
        WindowKind.WINDOW_KIND_COMMITTED,
        WindowKind.WINDOW_KIND_ESTIMATED,
        WindowKind.WINDOW_KIND_COMMUNICATED,
    )
)
"""The kinds of windows that carriers tell; all others are the sender's."""


def asked(stop: Stop, end: Literal["start_time", "end_time"]) -> datetime | None:
    """One end of the window that is asked for; None when it is open or nothing is."""
    for window in stop.windows:
        if window.kind == WindowKind.WINDOW_KIND_REQUESTED:
            return times.given_datetime(window, end)
    return None
