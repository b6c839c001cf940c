"""Which booking of an order a report speaks of, where the sender names the order alone; pure, knows no storage.

Such a sender tells every booking in the same words, without id and time. What tells two bookings apart is what was
said before: a booking that begins after the last one has failed is the next one; any other is a second copy.
"""

from collections.abc import Hashable

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import report_pb2 as reports
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.report_pb2 import DeliveryReport

from services.deliveries.statuses import CLOSED_RANK, RANKS, Status

FAILED = frozenset((pb.DELIVERY_STATUS_FAILED, pb.DELIVERY_STATUS_UNDELIVERABLE))
"""After which another booking may begin. Of a failure after the pickup the lifecycle makes UNDELIVERABLE."""

COUNTED = frozenset((reports.BOOKING_SCOPE_EACH, reports.BOOKING_SCOPE_BEGIN))
"""The scopes of what is said of each booking in the same words."""


class Bookings:
    """Numbers the bookings that a batch of reports speaks of; reports are told in the order of their arrival.

    It looks ahead of the fold: a failure and the booking that follows it may stand in one batch.
    """

    def __init__(self) -> None:
        self._lines: dict[Hashable, tuple[int, Status]] = {}

    def number(self, line: Hashable, report: DeliveryReport, last: Delivery | None) -> int:
        """The booking, counted from 1. ``line`` is what its reports share; ``last`` the youngest delivery, if any."""
        if line in self._lines:
            attempt, status = self._lines[line]
        elif last is not None:
            attempt, status = max(last.attempt, 1), last.status
        else:
            attempt, status = 1, pb.DELIVERY_STATUS_UNSPECIFIED
        if report.booking == reports.BOOKING_SCOPE_BEGIN and status in FAILED:
            attempt, status = attempt + 1, report.status
        elif RANKS[status] < CLOSED_RANK and RANKS[report.status] > RANKS[status]:
            status = report.status
        self._lines[line] = attempt, status
        return attempt


def dedupe_key(key: str, number: int) -> str:
    """What a message's dedupe key is claimed as, when it tells of the booking with this number."""
    return key if number == 1 else f"{key}#{number}"
