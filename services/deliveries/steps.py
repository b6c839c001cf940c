"""One step of a delivery's life: carries out what the rules made of one report; decides nothing itself."""

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import report_pb2 as reports
from crossdock.v1.delivery_pb2 import Delivery
from google.protobuf.timestamp_pb2 import Timestamp

from services.deliveries import milestones
from services.deliveries.inputs import Input
from services.deliveries.merging import clear, is_another_courier, merge
from services.deliveries.statuses import CLOSED, Status
from services.deliveries.transitions import Move, decide, is_driver_known, skipped

_BEGINS = {
    reports.RESET_DRIVER: pb.DELIVERY_STATUS_DRIVER_ASSIGNED,
    reports.RESET_BOOKING: pb.DELIVERY_STATUS_DISPATCHING,
}
"""With what a driver's part, and a booking, begins."""

REFUNDED = "refunded_not_delivered"
"""The attention on a delivery that money was paid back for, and that is not delivered."""

_AT_THE_DOOR = frozenset(
    (pb.DELIVERY_STATUS_DROPOFF_ARRIVED, pb.DELIVERY_STATUS_ATTEMPT_FAILED, pb.DELIVERY_STATUS_DELIVERED)
)


def take(delivery: Delivery, given: Input, *, accept_late_delivered: bool) -> Move:
    """Takes one step, in place, and returns the move that the rules made of the report."""
    report, time = given.report, given.time
    move = decide(delivery, report, time, accept_late_delivered=accept_late_delivered)
    inferred = skipped(delivery, move)
    _start_again(delivery, move)
    driver_known = is_driver_known(delivery)
    another_driver = is_another_courier(delivery, report.patch)
    if move.accepted:
        _arrive(delivery, given, move, inferred)
    elif move.fills:
        _fill(delivery, move.fills, time)
    if report.HasField("clear_mask"):
        clear(delivery, report.clear_mask.paths)
    if report.HasField("patch"):
        merge(delivery, report.patch)
    if report.milestones:
        milestones.dictate(delivery, report.milestones)
    if another_driver or (not driver_known and is_driver_known(delivery)):
        delivery.driver_sequence += 1
    _await_cancellation(delivery, report.cancellation_request, time)
    if report.patch.refunds and delivery.status != pb.DELIVERY_STATUS_DELIVERED:
        _raise_attention(delivery, REFUNDED, "Money was paid back, and nobody told of a delivery.", time)
    for attention in report.attention:
        _raise_attention(
            delivery,
            attention.reason,
            attention.message,
            attention.time if attention.HasField("time") else time,
        )
    if move.attention:
        _raise_attention(delivery, move.attention, move.because, time)
    return move


def _start_again(delivery: Delivery, move: Move) -> None:
    """Forgets what the old driver, booking or try leaves behind."""
    if move.reset == reports.RESET_REDELIVERY:
        milestones.forget(delivery, after=move.status)
        delivery.door_attempts = max(delivery.door_attempts, 1) + 1
    elif move.reset:
        milestones.forget(delivery, after=move.status)
        milestones.forget_from(delivery, _BEGINS[move.reset])
        for member in ("courier", "position", "estimates", "parking_slot"):
            delivery.ClearField(member)
        if move.reset == reports.RESET_BOOKING:
            delivery.attempt += 1
            delivery.driver_sequence = 0
    elif move.sets and move.status != delivery.status:
        milestones.forget(delivery, after=move.status)


def _arrive(delivery: Delivery, given: Input, move: Move, inferred: tuple[Status, ...]) -> None:
    """Makes the status the reported one, with the words that came with it."""
    report, time = given.report, given.time
    confirms = move.status == delivery.status and not move.reset
    if confirms and report.ping:
        return
    if not confirms:
        delivery.status = move.status
        delivery.status_time.CopyFrom(time)
        delivery.substatus = ""
        delivery.ClearField("status_reason")
    if report.substatus:
        delivery.substatus = report.substatus
    if report.HasField("reason"):
        delivery.status_reason.CopyFrom(report.reason)
    if report.status_raw:
        delivery.carrier_status_raw = report.status_raw
        delivery.carrier_substatus_raw = report.substatus_raw
    if move.sets:
        delivery.manual_override.Clear()
        delivery.manual_override.actor.CopyFrom(report.actor)
        delivery.manual_override.reason = report.reason.message
        delivery.manual_override.time.CopyFrom(time)
    if move.status != pb.DELIVERY_STATUS_UNKNOWN:
        milestones.infer(delivery, inferred, time)
        milestones.reach(delivery, move.status, time)
    if move.status in _AT_THE_DOOR and not delivery.door_attempts:
        delivery.door_attempts = 1


def _fill(delivery: Delivery, status: Status, time: Timestamp) -> None:
    """Gives a passed status its time. Once the delivery is closed only an inferred time is replaced."""
    if delivery.status in CLOSED and milestones.find(delivery, status) is None:
        return
    milestones.reach(delivery, status, time)


def _await_cancellation(delivery: Delivery, request: reports.CancellationRequest.ValueType, time: Timestamp) -> None:
    """Since when a cancellation waits: until the carrier refuses it, and no longer than the delivery is open."""
    if delivery.status in CLOSED or request == reports.CANCELLATION_REQUEST_REFUSED:
        delivery.ClearField("cancel_request_time")
    elif request == reports.CANCELLATION_REQUEST_MADE and not delivery.HasField("cancel_request_time"):
        delivery.cancel_request_time.CopyFrom(time)


def _raise_attention(delivery: Delivery, reason: str, message: str, time: Timestamp) -> None:
    if all(known.reason != reason for known in delivery.attention):
        delivery.attention.add(reason=reason, message=message, time=time)
