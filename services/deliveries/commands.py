"""Whether a command fits the present delivery: what is history in a carrier's report is an error here."""

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import report_pb2 as reports
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.report_pb2 import DeliveryReport
from google.protobuf.timestamp_pb2 import Timestamp

from services.deliveries.statuses import RANKS, WORDS, is_closed, is_picked_up
from services.deliveries.transitions import decide

AGREED = ("carrier", "carrier_ref", "fee")
"""What is agreed once and cannot be changed by a command."""

_LAST_RESTART = RANKS[pb.DELIVERY_STATUS_PICKUP_EN_ROUTE]
"""Up to here a step back means that another driver sets out."""


class CommandRefused(Exception):
    """A command does not fit. ``reason`` and ``metadata`` are those that the contract documents."""

    reason = ""

    def __init__(self, message: str, metadata: dict[str, str]) -> None:
        super().__init__(message)
        self.metadata = metadata


class StatusNotReachable(CommandRefused):
    """The status cannot be reached from the present one by an update."""

    reason = "STATUS_NOT_REACHABLE"


class FieldImmutable(CommandRefused):
    """The member was agreed on, and has another value."""

    reason = "FIELD_IMMUTABLE"


class NotCancellable(CommandRefused):
    """The goods are under way, or the delivery is over."""

    reason = "DELIVERY_NOT_CANCELLABLE"


class AlreadyCancelled(CommandRefused):
    """It was called off before."""

    reason = "DELIVERY_ALREADY_CANCELLED"


def check_asks_the_carrier(delivery: Delivery, report: DeliveryReport) -> None:
    """Raises StatusNotReachable where an update would call off what a carrier goes on to carry."""
    if report.status == pb.DELIVERY_STATUS_CANCELLED and delivery.shipment_id and delivery.status != report.status:
        raise StatusNotReachable(
            "a shipment's delivery is called off by cancelling it, so that its carrier is asked",
            {
                "field": "delivery.status",
                "from": f"DELIVERY_STATUS_{WORDS[delivery.status]}",
                "to": "DELIVERY_STATUS_CANCELLED",
            },
        )


def check_command(delivery: Delivery, report: DeliveryReport, time: Timestamp) -> reports.Reset.ValueType:
    """The reset that an update at ``time`` means, mostly none. Raises `CommandRefused`."""
    if report.override:
        return reports.RESET_UNSPECIFIED
    _check_agreed(delivery, report)
    status, target = delivery.status, report.status
    if not target or target == status:
        return report.reset
    if target == pb.DELIVERY_STATUS_CANCELLED:
        check_cancel(delivery)
    if is_closed(status):
        reset = reports.RESET_BOOKING if status == pb.DELIVERY_STATUS_FAILED else report.reset
    elif RANKS[target] < RANKS[status] and not is_picked_up(status) and RANKS[target] <= _LAST_RESTART:
        reset = report.reset or reports.RESET_DRIVER
    else:
        reset = report.reset
    asked = DeliveryReport(status=target, reset=reset, patch=report.patch)
    asked.actor.CopyFrom(report.actor)
    move = decide(delivery, asked, time, accept_late_delivered=True)
    if move.status != target or target == pb.DELIVERY_STATUS_UNKNOWN:
        raise StatusNotReachable(
            move.because,
            {
                "field": "delivery.status",
                "from": f"DELIVERY_STATUS_{WORDS[status]}",
                "to": f"DELIVERY_STATUS_{WORDS[target]}",
            },
        )
    return reset


def check_cancel(delivery: Delivery) -> None:
    """Raises when a delivery cannot be called off: twice, after the pickup, or once it is over."""
    if delivery.status == pb.DELIVERY_STATUS_CANCELLED:
        raise AlreadyCancelled("the delivery was called off before", {"delivery_id": delivery.id})
    if is_closed(delivery.status) or is_picked_up(delivery.status):
        word = WORDS[delivery.status]
        raise NotCancellable(
            f"the delivery is {word} and cannot be called off any more",
            {"delivery_id": delivery.id, "status": f"DELIVERY_STATUS_{word}"},
        )


def _check_agreed(delivery: Delivery, report: DeliveryReport) -> None:
    for name in AGREED:
        had, told = getattr(delivery, name), getattr(report.patch, name)
        was_set = delivery.HasField("fee") if name == "fee" else bool(had)
        is_told = report.patch.HasField("fee") if name == "fee" else bool(told)
        if was_set and ((is_told and had != told) or name in report.clear_mask.paths):
            raise FieldImmutable(f"delivery.{name} is set once and has another value", {"field": f"delivery.{name}"})
