"""What callers order of shipments that are stored: call off, dispatch again, bring back. One wish, one transaction.

A wish is stored before a carrier hears of it, so that a worker can carry out what a dead process left.
"""

from datetime import timedelta
from uuid import UUID

from crossdock.v1 import error_reason_pb2, shipment_pb2
from crossdock.v1 import shipment_service_pb2 as pb
from crossdock.v1.consignment_pb2 import Stop
from crossdock.v1.delivery_pb2 import Delivery, DeliveryStatus, StatusReason
from crossdock.v1.delivery_service_pb2 import CancelDeliveryRequest, CancelDeliveryResponse
from crossdock.v1.shipment_pb2 import Shipment
from sqlalchemy.ext.asyncio import AsyncConnection

from services import ids, times
from services.callers import Caller
from services.deliveries import rows as deliveries
from services.deliveries.commands import CommandRefused, check_cancel
from services.dispatching import cancellations, returning, returns, steps
from services.dispatching import rows as booking_rows
from services.dispatching.cancelled import Outcome
from services.dispatching.stages import Stage, stage
from services.errors import Problem, etag_mismatch
from services.etags import require_etag
from services.hub import Hub
from services.idempotency import once, revise
from services.locations import rows as locations
from services.shipments import history, journal, locating, requests, rows
from services.shipments.rows import Change, Stored

_SERVICE = "/crossdock.v1.ShipmentService"
_NOBODY_FITS = (error_reason_pb2.ERROR_REASON_NO_PROVIDER_ASSIGNED, error_reason_pb2.ERROR_REASON_NO_PROVIDER_MATCHED)
_CANCEL_DELIVERY = "/crossdock.v1.DeliveryService/CancelDelivery"


async def cancel(hub: Hub, caller: Caller, request: pb.CancelShipmentRequest) -> pb.CancelShipmentResponse:
    """Calls a shipment off as far as its carrier agrees; see CancelShipment."""
    found = await _find(hub, caller, request.shipment_id)
    reason = _reason(request.reason, caller)
    asks = False

    async with stage(hub, found.key, _delivery_of(found)) as held:

        async def produce() -> pb.CancelShipmentResponse:
            nonlocal asks
            _require_same(held, found)
            require_etag(request.etag, held.shipment.version, "shipment", request.shipment_id)
            asks = await cancellations.wish(held, reason, caller.actor)
            return pb.CancelShipmentResponse(shipment=held.shipment.shipment)

        response = await once(held.connection, caller, f"{_SERVICE}/CancelShipment", request, produce)
    if not asks:
        return response
    verdict = await cancellations.carry_out(hub, found.key, response.shipment.delivery_id)
    refused = verdict.outcome is Outcome.REFUSED
    async with hub.transaction() as connection:
        after = await rows.find(connection, caller, request.shipment_id)
        answer = pb.CancelShipmentResponse(shipment=after.shipment)
        await revise(connection, caller, f"{_SERVICE}/CancelShipment", request, None if refused else answer)
    if refused:
        raise cancellations.refusal(verdict, response.shipment.carrier.ref)
    return answer


async def cancel_delivery(
    hub: Hub, caller: Caller, delivery: Delivery, request: CancelDeliveryRequest
) -> CancelDeliveryResponse | None:
    """Calls one booking of a shipment off as far as its carrier agrees; None when no carrier may have the delivery.

    Raises what CancelDelivery raises.
    """
    key = (caller.tenant, ids.read("delivery", delivery.id))
    async with hub.engine.connect() as connection:
        booking = await booking_rows.find(connection, key)
    if booking is None or booking.state not in steps.CANCELLABLE:
        return None
    reason = _reason(request.reason, caller)
    asks = False

    async with stage(hub, (caller.tenant, booking.shipment_id), key) as held:
        assert held.delivery is not None, "a booking has its delivery"
        stored = held.delivery

        async def produce() -> CancelDeliveryResponse:
            nonlocal asks
            if request.etag not in ("", stored.delivery.etag):
                raise etag_mismatch("delivery", delivery.id)
            try:
                check_cancel(stored.delivery)
            except CommandRefused as refusal:
                raise Problem(refusal.reason, str(refusal), refusal.metadata) from None
            wish = cancellations.wish_of_return if booking.is_return else cancellations.wish
            asks = await wish(held, reason, caller.actor)
            return CancelDeliveryResponse(delivery=stored.delivery)

        response = await once(held.connection, caller, _CANCEL_DELIVERY, request, produce)
    if not asks:
        return response
    verdict = await cancellations.carry_out(hub, (caller.tenant, booking.shipment_id), delivery.id)
    refused = verdict.outcome is Outcome.REFUSED
    async with hub.transaction() as connection:
        answer = CancelDeliveryResponse(delivery=(await deliveries.read(connection, [key]))[key].delivery)
        await revise(connection, caller, _CANCEL_DELIVERY, request, None if refused else answer)
    if refused:
        raise cancellations.refusal(verdict, booking.carrier_ref)
    return answer


async def end_booking(hub: Hub, connection: AsyncConnection, stored: deliveries.Stored) -> None:
    """Has a booking called off whose delivery somebody stated to be over: that stands, whatever its carrier answers."""
    booking = await booking_rows.find(connection, stored.key)
    if booking is None or booking.state not in steps.CANCELLABLE:
        return
    booking.cancellation = stored.delivery.status_reason
    if booking.state is steps.BookingState.LIVE:
        booking.due_time = hub.now()
    elif booking.state is steps.BookingState.WANTED:
        booking.state, booking.due_time = steps.BookingState.ENDED, None
    await booking_rows.update(connection, booking)


def _reason(given: StatusReason, caller: Caller) -> StatusReason:
    """Why something is called off, and by whom: the caller unless another one is named."""
    reason = StatusReason()
    reason.CopyFrom(given)
    if not reason.HasField("actor"):
        reason.actor.CopyFrom(caller.actor)
    return reason


async def retry(hub: Hub, caller: Caller, request: pb.RetryShipmentRequest) -> pb.RetryShipmentResponse:
    """Puts a shipment that nobody has back to where its dispatch begins. Raises RETRY_NOT_POSSIBLE."""
    async with hub.transaction() as connection:
        stored = await rows.find(connection, caller, request.shipment_id, hold=True)

        async def produce() -> pb.RetryShipmentResponse:
            require_etag(request.etag, stored.version, "shipment", request.shipment_id)
            await _begin_again(hub, connection, caller, stored)
            return pb.RetryShipmentResponse(shipment=stored.shipment)

        response = await once(connection, caller, f"{_SERVICE}/RetryShipment", request, produce)
    hub.events_appended()
    return response


async def _begin_again(hub: Hub, connection: AsyncConnection, caller: Caller, stored: Stored) -> None:
    shipment = stored.shipment
    if shipment.phase not in steps.RETRYABLE:
        status = shipment_pb2.ShipmentPhase.Name(shipment.phase).removeprefix("SHIPMENT_PHASE_")
        raise Problem(
            "RETRY_NOT_POSSIBLE",
            f"only a shipment that nobody took can be dispatched again; this one is {status}",
            {"shipment_id": shipment.id, "status": _status(shipment)},
        )
    now = times.to_timestamp(hub.now())
    shipment.phase = shipment_pb2.SHIPMENT_PHASE_RECEIVED
    shipment.status = steps.STATUSES[shipment_pb2.SHIPMENT_PHASE_QUOTED]
    shipment.status_time.CopyFrom(now)
    for member in ("failure", "retry_time", "status_reason"):
        shipment.ClearField(member)
    stored.due_time = hub.now()
    step = history.step(shipment, now, actor=caller.actor)
    await rows.write(connection, [Change(stored, "It is dispatched again.", caller.actor, [step])], now)


async def bring_back(hub: Hub, caller: Caller, request: pb.CreateReturnRequest) -> pb.CreateReturnResponse:
    """Has goods brought back and, unless asked otherwise, waits for the carrier; see CreateReturn."""
    found = await _find(hub, caller, request.shipment_id)
    async with stage(hub, found.key, _delivery_of(found), commit=not request.validate_only) as held:

        async def produce() -> pb.CreateReturnResponse:
            _require_same(held, found)
            destination = await _destination(held, caller, request)
            delivery = await returns.wish(held, destination, request.reason, caller.actor)
            return pb.CreateReturnResponse(delivery=delivery)

        response = await once(held.connection, caller, f"{_SERVICE}/CreateReturn", request, produce)
    if request.validate_only:
        response.delivery.ClearField("id")  # there is no such delivery
        return response
    identifier = ids.read("delivery", response.delivery.id)
    if request.asynchronous:
        return response
    deadline = timedelta(seconds=hub.settings.deadline_seconds - 1)
    await returning.dispatch(hub, found.key, (caller.tenant, identifier), deadline)
    return pb.CreateReturnResponse(delivery=await _present(hub, caller, request.shipment_id))


async def _destination(held: Stage, caller: Caller, request: pb.CreateReturnRequest) -> Stop | None:
    """Where the goods go when not to the shipment's return stop: as told, or the location's own return location."""
    if request.HasField("destination"):
        return request.destination
    if request.return_location_external_id:
        location = await locating.find_by_external_id(
            held.connection, caller, request.return_location_external_id, "return_location_external_id"
        )
        return requests.empty_stop(location)
    shipment = held.shipment.shipment
    if shipment.consignment.HasField("return_stop"):
        return None
    at = await locations.find(held.connection, caller, shipment.location_id)
    if not at.return_location_id:
        return None
    everywhere = Caller(caller.tenant, caller.level)
    return requests.empty_stop(await locations.find(held.connection, everywhere, at.return_location_id))


async def _present(hub: Hub, caller: Caller, shipment_id: str) -> Delivery:
    """The delivery that brings the goods back. Raises the reason for which nobody does."""
    found = await _find(hub, caller, shipment_id)
    key = (caller.tenant, ids.read("delivery", found.shipment.return_request.delivery_id))
    async with hub.engine.connect() as connection:
        delivery = (await deliveries.read(connection, [key]))[key].delivery
        decisions = await journal.decisions(connection, found.key)
    if decisions and decisions[0].failure and delivery.status == steps.STATUSES[shipment_pb2.SHIPMENT_PHASE_UNBOOKED]:
        told = "NO_PROVIDER_MATCHED" if decisions[0].failure in _NOBODY_FITS else "PLACE_ORDER_FAILED"
        raise Problem(told, "no carrier brings the goods back", {"shipment_id": found.shipment.id})
    return delivery


async def _find(hub: Hub, caller: Caller, shipment_id: str) -> Stored:
    async with hub.engine.connect() as connection:
        return await rows.find(connection, caller, shipment_id)


def _delivery_of(stored: Stored) -> tuple[UUID, UUID] | None:
    """The key of the shipment's present delivery."""
    identifier = stored.shipment.delivery_id
    return (stored.tenant_id, ids.read("delivery", identifier)) if identifier else None


def _require_same(held: Stage, found: Stored) -> None:
    """Raises when another delivery became the shipment's before it was held."""
    if held.shipment.shipment.delivery_id != found.shipment.delivery_id:
        raise Problem(
            "DISPATCH_UNDER_WAY",
            "the shipment is being booked: try again in a moment",
            {"shipment_id": found.shipment.id, "phase": "SHIPMENT_PHASE_BOOKING"},
        )


def _status(shipment: Shipment) -> str:
    return DeliveryStatus.Name(shipment.status)
