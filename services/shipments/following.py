"""How a shipment follows its deliveries: what it takes over from them and what ends or begins thereby; pure.

A shipment follows its present delivery, and any that is live while no other is. While a booking is on its way the
dispatch alone says what a refusal means: see `services.dispatching`.
"""

from typing import Literal

from crossdock.v1 import delivery_pb2, shipment_pb2
from crossdock.v1.actor_pb2 import ACTOR_KIND_RECIPIENT
from crossdock.v1.consignment_pb2 import Stop
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.shipment_pb2 import DispatchDecision, Shipment
from crossdock.v1.window_pb2 import TimeWindow, WindowKind
from google.protobuf.timestamp_pb2 import Timestamp

from services.deliveries.statuses import PICKED_UP_RANK, RANKS, WORDS, Status, is_closed
from services.deliveries.transitions import REQUESTERS
from services.shipments.windows import CARRIERS_WINDOWS

OWN_ATTENTION = "dispatch_"
"""With this begin the reasons for attention that are the shipment's own; all others are its delivery's."""
BESIDE = "dispatch_another_delivery_moves"
"""The attention on a shipment of which a former delivery moves while it has another one."""

RETURN_GOES_ON = "dispatch_return_goes_on"
"""The attention on a shipment whose goods are back while the carrier of its return cannot be stopped."""

NOT_TOLD = "dispatch_carrier_not_told"
"""The attention on a shipment that was changed while a carrier has it that cannot change bookings."""

_NEVER_UNDER_WAY = frozenset((delivery_pb2.DELIVERY_STATUS_CANCELLED, delivery_pb2.DELIVERY_STATUS_FAILED))
_TOLD = frozenset((shipment_pb2.SHIPMENT_PHASE_BOOKED, shipment_pb2.SHIPMENT_PHASE_CLOSED))
"""The phases in which the end of a delivery is news and not a step of a dispatch."""
_OF_THE_BOOKING: tuple[Literal["carrier", "tracking_number", "amount", "fee", "vehicle"], ...] = (
    "carrier",
    "tracking_number",
    "amount",
    "fee",
    "vehicle",
)
_ON_THE_WAY_BACK: dict[Status, Status] = {
    delivery_pb2.DELIVERY_STATUS_DELIVERED: delivery_pb2.DELIVERY_STATUS_RETURNED,
    delivery_pb2.DELIVERY_STATUS_DROPOFF_ARRIVED: delivery_pb2.DELIVERY_STATUS_RETURN_ARRIVED,
    delivery_pb2.DELIVERY_STATUS_DISPOSED: delivery_pb2.DELIVERY_STATUS_DISPOSED,
}
"""What the status of a return means for the shipment; any other after its pickup means RETURNING."""
_NOTHING_TO_FETCH = frozenset((delivery_pb2.DELIVERY_STATUS_RETURNED, delivery_pb2.DELIVERY_STATUS_DISPOSED))


def follow(shipment: Shipment, delivery: Delivery, *, live: bool, now: Timestamp) -> str:
    """Takes over what a delivery says; returns it in a sentence, or nothing when the delivery does not count.

    ``live`` is whether the delivery takes the shipment's one place for a delivery on the way out, or just took it.
    """
    if delivery.kind == delivery_pb2.DELIVERY_KIND_RETURN:
        return _follow_return(shipment, delivery)
    if delivery.id != shipment.delivery_id:
        if not live:
            return _note_former(shipment, delivery, now)
        _take(shipment, delivery)
    if delivery.status in _NEVER_UNDER_WAY and not _is_news(shipment, delivery):
        return ""
    _name_carrier(shipment, delivery)
    _copy(shipment, delivery)
    word = WORDS[delivery.status]
    if is_given_up(shipment, delivery):
        _go_back(shipment, now)
        return f"Its carrier gave it up ({word}): another one is looked for."
    if is_closed(delivery.status):
        _close(shipment, delivery)
        return f"Its delivery is over: {word}."
    if RANKS[delivery.status] >= RANKS[delivery_pb2.DELIVERY_STATUS_DISPATCHED]:
        shipment.phase = shipment_pb2.SHIPMENT_PHASE_BOOKED
    return f"Its delivery is {word}."


def is_given_up(shipment: Shipment, delivery: Delivery) -> bool:
    """Whether a carrier that had it let go of it before the pickup, and nobody had asked for that."""
    asked_by = delivery.status_reason.actor.kind
    return (
        shipment.phase == shipment_pb2.SHIPMENT_PHASE_BOOKED
        and delivery.status in _NEVER_UNDER_WAY
        and not shipment.HasField("cancel_request_time")
        and asked_by not in REQUESTERS
        and asked_by != ACTOR_KIND_RECIPIENT
        and not any(RANKS[each.status] >= PICKED_UP_RANK for each in delivery.milestones if not is_closed(each.status))
    )


def is_return_moot(shipment: Shipment) -> bool:
    """Whether somebody is to fetch goods back that their first carrier has brought back, or disposed of, itself."""
    return shipment.status in _NOTHING_TO_FETCH and _is_coming_back(shipment)


def end_candidate(decision: DispatchDecision, delivery_id: str) -> bool:
    """Writes into a decision that the booking of a candidate is over; False when it booked none by this delivery."""
    for candidate in decision.candidates:
        if candidate.delivery_id == delivery_id:
            candidate.fate = shipment_pb2.CANDIDATE_FATE_BOOKING_ENDED
            return True
    return False


def _is_news(shipment: Shipment, delivery: Delivery) -> bool:
    called_off = shipment.status == delivery_pb2.DELIVERY_STATUS_CANCELLED
    return shipment.phase in _TOLD and not (called_off and delivery.status == delivery_pb2.DELIVERY_STATUS_FAILED)


def _take(shipment: Shipment, delivery: Delivery) -> None:
    """Makes a delivery the shipment's: one that was just booked, or a former one that moves again."""
    shipment.delivery_id = delivery.id
    shipment.attempt = max(shipment.attempt, delivery.attempt)


def _name_carrier(shipment: Shipment, delivery: Delivery) -> None:
    """Nobody is named any more by a shipment whose carrier gave it up, and that carrier may have it after all."""
    if shipment.carrier.ref != delivery.carrier_ref:
        shipment.carrier.Clear()
        shipment.carrier.ref, shipment.carrier.name = delivery.carrier_ref, delivery.carrier


def _note_former(shipment: Shipment, delivery: Delivery, now: Timestamp) -> str:
    """What a former carrier says of a delivery that is over is its own affair, unless the goods move after all."""
    if delivery.status in _NEVER_UNDER_WAY or any(each.reason == BESIDE for each in shipment.attention):
        return ""
    shipment.attention.add(reason=BESIDE, message=delivery.id, time=now)
    return f"A former delivery is {WORDS[delivery.status]} while another one is under way."


def _copy(shipment: Shipment, delivery: Delivery) -> None:
    shipment.status = delivery.status
    shipment.substatus = delivery.substatus
    for name in ("status_time", "status_reason"):
        shipment.ClearField(name)
        if delivery.HasField(name):
            getattr(shipment, name).CopyFrom(getattr(delivery, name))
    if delivery.tracking_number:
        shipment.tracking_number = delivery.tracking_number
    if delivery.HasField("fee"):
        shipment.amount.CopyFrom(delivery.fee)
    if delivery.courier.HasField("vehicle"):
        shipment.vehicle.CopyFrom(delivery.courier.vehicle)
    if not _has_own_pages(shipment):
        if delivery.links.tracking_url:
            shipment.links.tracking_url = delivery.links.tracking_url
        if delivery.links.label_url:
            shipment.links.label_url = delivery.links.label_url
    _copy_times(shipment, delivery)
    own = [each for each in shipment.attention if each.reason.startswith(OWN_ATTENTION)]
    del shipment.attention[:]
    shipment.attention.extend([*own, *delivery.attention])


def _copy_times(shipment: Shipment, delivery: Delivery) -> None:
    reached = {each.status: each.time for each in delivery.milestones if not each.synthetic}
    for name, status in (
        ("actual_pickup_time", delivery_pb2.DELIVERY_STATUS_PICKED_UP),
        ("actual_dropoff_time", delivery_pb2.DELIVERY_STATUS_DELIVERED),
    ):
        if status in reached:
            getattr(shipment, name).CopyFrom(reached[status])
    theirs, ours, expected = delivery.consignment, shipment.consignment, delivery.estimates
    pickup = expected.pickup_time if expected.HasField("pickup_time") else None
    dropoff = expected.dropoff_time if expected.HasField("dropoff_time") else None
    _copy_windows(ours.pickup, theirs.pickup, pickup)
    _copy_windows(ours.dropoff, theirs.dropoff, dropoff)


def _copy_windows(ours: Stop, theirs: Stop, estimate: Timestamp | None) -> None:
    """Takes over what the carrier promised and expects; what was asked for stays."""
    known = {window.kind: window for window in theirs.windows if window.kind in CARRIERS_WINDOWS}
    if estimate is not None:
        expected = WindowKind.WINDOW_KIND_ESTIMATED
        known[expected] = TimeWindow(kind=expected, end_time=estimate)
    if known:
        kept = [window for window in ours.windows if window.kind not in known]
        del ours.windows[:]
        ours.windows.extend(sorted([*kept, *known.values()], key=lambda window: window.kind))


def _go_back(shipment: Shipment, now: Timestamp) -> None:
    """To another dispatch; what the carrier told of its booking is over with it."""
    shipment.phase = shipment_pb2.SHIPMENT_PHASE_RECEIVED
    shipment.status = delivery_pb2.DELIVERY_STATUS_DISPATCHING
    shipment.substatus = ""
    shipment.status_time.CopyFrom(now)
    for name in _OF_THE_BOOKING:
        shipment.ClearField(name)
    for stop in (shipment.consignment.pickup, shipment.consignment.dropoff):
        asked = [window for window in stop.windows if window.kind not in CARRIERS_WINDOWS]
        del stop.windows[:]
        stop.windows.extend(asked)
    kept = [each for each in shipment.attention if each.reason != NOT_TOLD]  # the next one is booked as it is now
    del shipment.attention[:]
    shipment.attention.extend(kept)
    if not _has_own_pages(shipment):
        shipment.links.ClearField("tracking_url")
        shipment.links.ClearField("label_url")


def _has_own_pages(shipment: Shipment) -> bool:
    """Whether the hub serves its pages, which outlive a change of carrier and lead on to the carrier's own label."""
    return bool(shipment.links.qr_code_url)


def _close(shipment: Shipment, delivery: Delivery) -> None:
    if delivery.status in _NEVER_UNDER_WAY and shipment.HasField("cancel_request_time"):
        shipment.status = delivery_pb2.DELIVERY_STATUS_CANCELLED
    shipment.ClearField("cancel_request_time")
    if not _is_coming_back(shipment):
        shipment.phase = shipment_pb2.SHIPMENT_PHASE_CLOSED


def _is_coming_back(shipment: Shipment) -> bool:
    return bool(shipment.return_request.delivery_id) and not is_closed(shipment.return_request.status)


def _follow_return(shipment: Shipment, delivery: Delivery) -> str:
    if shipment.return_request.delivery_id != delivery.id:
        return ""
    moot = is_return_moot(shipment)
    shipment.return_request.status = delivery.status
    word = WORDS[delivery.status]
    if delivery.status in _NEVER_UNDER_WAY:
        if is_closed(shipment.status):
            shipment.phase = shipment_pb2.SHIPMENT_PHASE_CLOSED
        return f"Its return came to nothing: {word}."
    if RANKS[delivery.status] >= PICKED_UP_RANK and not moot:
        shipment.status = _ON_THE_WAY_BACK.get(delivery.status, delivery_pb2.DELIVERY_STATUS_RETURNING)
        shipment.status_time.CopyFrom(delivery.status_time)
    if is_closed(delivery.status):
        shipment.phase = shipment_pb2.SHIPMENT_PHASE_CLOSED
    elif RANKS[delivery.status] >= RANKS[delivery_pb2.DELIVERY_STATUS_DISPATCHED]:
        shipment.phase = shipment_pb2.SHIPMENT_PHASE_BOOKED
    return f"Its return is {word}."
