"""Asks the carrier that has a shipment to carry it as it is changed; the shipment itself is stored by who asks."""

from crossdock.v1.carrier_pb2 import CARRIER_CAPABILITY_AMEND, Refusal
from crossdock.v1.carrier_pb2 import Booking as CarriersBooking
from crossdock.v1.shipment_pb2 import Shipment
from crossdock.v1.warning_pb2 import Warning as Notice

from services import ids
from services.dispatching import answers, calls, requests, rows
from services.dispatching.rows import Key
from services.dispatching.stages import stage
from services.dispatching.steps import UNSETTLED, BookingState
from services.errors import Problem
from services.hub import Hub

TRIES = 3
"""How often an uncertain answer is asked for again: the carrier knows the change by its id."""


async def amend(hub: Hub, shipment: Key, wanted: Shipment, request_id: str) -> list[Notice]:
    """Asks the carrier; the warnings say what it cannot do.

    Raises AMENDMENT_REFUSED, DISPATCH_UNDER_WAY and UNAVAILABLE.
    """
    key = (shipment[0], ids.read("delivery", wanted.delivery_id))
    async with hub.engine.connect() as connection:
        booking = await rows.find(connection, key)
        if booking is not None and booking.state in UNSETTLED:
            raise Problem(
                "DISPATCH_UNDER_WAY",
                "the shipment is being booked: try again in a moment",
                {"shipment_id": wanted.id, "phase": "SHIPMENT_PHASE_BOOKING"},
            )
        if booking is None or booking.state is not BookingState.LIVE:
            return []
        carrier = await calls.carrier(hub, connection, shipment[0], booking.carrier_ref)
    if carrier.capabilities and CARRIER_CAPABILITY_AMEND not in carrier.capabilities:
        told = f"{carrier.name or carrier.ref} cannot change bookings and carries it as it was booked"
        return [Notice(code="carrier_not_told", message=told, field="shipment.consignment")]
    request = requests.amend(wanted, wanted.delivery_id, request_id)
    for _ in range(TRIES):
        response = await calls.amend(hub, booking, request)
        if isinstance(response, Refusal):
            raise _refused(carrier.ref, response)
        match response.WhichOneof("outcome") if response is not None else None:
            case "booking" if response is not None:
                await _store(hub, shipment, key, wanted, response.booking)
                return []
            case "refused" if response is not None:
                raise _refused(carrier.ref, response.refused)
            case "absent":
                raise _refused(carrier.ref, Refusal(code="absent", message="it has no such booking"))
    raise Problem("UNAVAILABLE", "the carrier does not say whether it made the change")


async def _store(hub: Hub, shipment: Key, key: Key, wanted: Shipment, booking: CarriersBooking) -> None:
    """Lets the delivery hear what it carries now, and what the carrier says of it."""
    async with stage(hub, shipment, key, booking.references) as held:
        assert held.delivery is not None, "a booking has its delivery"
        words = answers.report_of(booking, held.delivery.delivery.carrier_ref, held.delivery.delivery.carrier)
        report = held.report(actor=words.actor)
        report.patch.CopyFrom(words.patch)
        report.patch.consignment.CopyFrom(wanted.consignment)
        await held.tell(report)


def _refused(carrier_ref: str, refusal: Refusal) -> Problem:
    return Problem(
        "AMENDMENT_REFUSED",
        f"the carrier leaves it as it was: {refusal.message or refusal.code or 'it gave no reason'}",
        {"carrier_ref": carrier_ref, "answer": refusal.code or refusal.message},
    )
