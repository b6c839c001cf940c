"""Goods that are to come back: a delivery of kind RETURN that looks for a carrier; calls nobody.

A return waits as a booking in state WANTED whose delivery has no carrier yet. A candidate that does not take it ends
that delivery, and the next one gets a delivery of its own: the shipment's `return_request` names the present one.
"""

from crossdock.v1 import delivery_pb2
from crossdock.v1.actor_pb2 import Actor
from crossdock.v1.consignment_pb2 import Stop
from crossdock.v1.delivery_pb2 import Delivery, StatusReason
from crossdock.v1.shipment_pb2 import DispatchDecision, DispatchRules, Shipment

from services.deliveries.reports import Batch
from services.deliveries.statuses import is_closed, is_picked_up
from services.dispatching import bookings, quotes, requests, rows
from services.dispatching.rows import Booking
from services.dispatching.stages import Stage
from services.dispatching.steps import BookingState, Failure
from services.errors import Problem
from services.webhooks.parking import Parking

_COMING_BACK = frozenset(
    (
        delivery_pb2.DELIVERY_STATUS_RETURNING,
        delivery_pb2.DELIVERY_STATUS_RETURN_ARRIVED,
        delivery_pb2.DELIVERY_STATUS_RETURNED,
    )
)


def check(shipment: Shipment, outbound: Delivery | None) -> None:
    """Raises RETURN_NOT_POSSIBLE unless the goods are out, or were handed over, and nobody brings them back."""
    status = outbound.status if outbound is not None else shipment.status
    out = is_picked_up(status) or status == delivery_pb2.DELIVERY_STATUS_DELIVERED
    asked = shipment.return_request
    under_way = bool(asked.delivery_id) and not is_closed(asked.status)
    back = status in _COMING_BACK or shipment.status in _COMING_BACK
    if not out or under_way or back:
        word = delivery_pb2.DeliveryStatus.Name(shipment.status)
        told = f"it is {word.removeprefix('DELIVERY_STATUS_')}: no goods are out"
        raise Problem(
            "RETURN_NOT_POSSIBLE",
            "the goods are on their way back, or back already" if under_way or back else told,
            {"shipment_id": shipment.id, "status": word},
        )


async def wish(held: Stage, destination: Stop | None, reason: StatusReason, actor: Actor) -> Delivery:
    """Stores that a shipment's goods are to come back, and returns the delivery that will bring them.

    ``held`` is the stage of the shipment and its present delivery. Raises RETURN_NOT_POSSIBLE.
    """
    shipment = held.shipment.shipment
    outbound = held.delivery.delivery if held.delivery is not None else None
    check(shipment, outbound)
    consignment = requests.way_back(shipment.consignment)
    if destination is not None:
        consignment.dropoff.CopyFrom(destination)
    wanted = Delivery(consignment=consignment, outbound_delivery_id=shipment.delivery_id)
    return await _begin(held, wanted, reason, 0, actor)


async def try_next(held: Stage, former: Booking) -> None:
    """Lets a return whose candidate did not take it look on, with a delivery of its own."""
    assert held.delivery is not None, "a booking has its delivery"
    shipment, last = held.shipment.shipment, held.delivery.delivery
    wanted = Delivery(consignment=last.consignment, outbound_delivery_id=last.outbound_delivery_id)
    reason = StatusReason()
    reason.CopyFrom(shipment.return_request.reason)
    await _begin(held, wanted, reason, former.decision, None)


async def _begin(held: Stage, wanted: Delivery, reason: StatusReason, decision: int, actor: Actor | None) -> Delivery:
    tenant, identifier = held.shipment.key
    former = await rows.of_shipment(held.connection, held.shipment.key)
    wanted.kind = delivery_pb2.DELIVERY_KIND_RETURN
    stored, created = bookings.begin(held, wanted, attempt=1 + sum(each.is_return for each in former))
    asked = held.shipment.shipment.return_request
    asked.delivery_id, asked.status = stored.delivery.id, stored.delivery.status
    asked.reason.CopyFrom(reason)
    if not asked.HasField("create_time"):
        asked.create_time.CopyFrom(held.now)
    now = held.hub.now()
    # A batch works once; the shipment is held already, and stored before and after.
    await Batch(held.connection, held.hub, Parking(held.hub)).begin(stored, created, None)
    booking = Booking(
        tenant_id=tenant,
        delivery_id=stored.delivery_id,
        shipment_id=identifier,
        kind=wanted.kind,
        carrier_ref="",
        state=BookingState.WANTED,
        decision=decision,
        create_time=now,
        due_time=now,
    )
    await rows.insert(held.connection, booking)
    await held.store("Its goods are to come back.", actor=actor)
    return stored.delivery


def inquire(
    held: Stage, rules: DispatchRules, former: DispatchDecision, carriers: list[quotes.Asked]
) -> quotes.Inquiry:
    """Whom a return asks, about what; ``former`` is its own decision, or an empty one numbered as the next."""
    assert held.delivery is not None, "a booking has its delivery"
    if not former.HasField("start_time"):
        former.start_time.CopyFrom(held.now)
        former.rules_etag = rules.etag
    return quotes.Inquiry(
        shipment=held.shipment.shipment,
        version=held.shipment.version,
        kind=delivery_pb2.DELIVERY_KIND_RETURN,
        consignment=held.delivery.delivery.consignment,
        rules=rules,
        decision=former,
        carriers=carriers,
    )


async def fail(held: Stage, decision: DispatchDecision, failure: Failure) -> None:
    """Nobody brings the goods back: the return is over, and another may be asked for."""
    assert held.booking is not None, "a return waits as a booking"
    decision.failure = failure
    decision.end_time.CopyFrom(held.now)
    word = StatusReason(code="no_carrier", message="No carrier brings the goods back.")
    await held.tell(held.report(delivery_pb2.DELIVERY_STATUS_FAILED, word))
    held.booking.state, held.booking.due_time, held.booking.decision = BookingState.ENDED, None, decision.number
    await rows.update(held.connection, held.booking)
    await held.store("No carrier brings its goods back.", decision)
