"""Skipcart's one structure for every event, all values text; what an event does not tell is null."""

from typing import Any

from crossdock.v1.reference_pb2 import ExternalReference

from carriers.simulator.chances import Chance
from carriers.simulator.facts import Fact
from carriers.simulator.happenings import Happening
from carriers.simulator.times import iso

WORDS: dict[Happening, tuple[str, str]] = {
    Happening.ASSIGNED: ("confirmed", "confirmed"),
    Happening.SET_OUT: ("enroute_to_pickup", "confirmed"),
    Happening.TO_PICKUP: ("enroute_to_pickup", "confirmed"),
    Happening.NEAR_PICKUP: ("geofence_at_pickup", "confirmed"),
    Happening.AT_PICKUP: ("arrived_at_store", "confirmed"),
    Happening.PICKED_UP: ("out_for_delivery", "out_for_delivery"),
    Happening.TO_DROPOFF: ("enroute_to_delivery", "out_for_delivery"),
    Happening.DELIVERED: ("delivered", "delivered"),
    Happening.LEFT_AT_DOOR: ("close_order", "delivered"),
    Happening.UNREACHABLE: ("close_order", "out_for_delivery"),
    Happening.RETURNING: ("return_started", "return_started"),
    Happening.AT_STORE_AGAIN: ("return_at_store", "return_at_store"),
    Happening.RETURNED: ("returned", "returned"),
    Happening.NO_DRIVER: ("skipcart_cancelled", "skipcart_cancelled"),
    Happening.GIVEN_UP: ("skipcart_cancelled", "skipcart_cancelled"),
}
"""event_status and order_status. `new`, `customer_refused` and `cancelled` exist and are never sent."""

CLOSE_REASONS = {Happening.LEFT_AT_DOOR: "LeftAtFrontDoor", Happening.UNREACHABLE: "CustomerUnreachable"}
WITH_PARKING_SLOT = frozenset((Happening.AT_PICKUP, Happening.AT_STORE_AGAIN))
GOING_BACK = frozenset((Happening.RETURNING, Happening.AT_STORE_AGAIN, Happening.RETURNED))
HANDED_OUT = frozenset((Happening.DELIVERED, Happening.LEFT_AT_DOOR))
OVER = HANDED_OUT | {Happening.RETURNED}
TELLS_FROM_SECONDS = 15 * 60
"""A driver on the way to the store is told of when they are within a quarter of an hour of it."""


def booking_id(chance: Chance) -> str:
    """A number: "237126"."""
    return chance.digits("order", 9)


def references(reference: str, identifier: str) -> tuple[ExternalReference, ...]:
    """Skipcart's own number, and ours."""
    return (
        ExternalReference(scope="skipcart.order", value=identifier, exclusive=True),
        ExternalReference(scope="order", value=reference),
    )


def write(fact: Fact) -> tuple[str, dict[str, Any]] | None:
    """The event's name and the document."""
    happening, step = fact.happening, fact.step
    if happening not in WORDS or _is_too_far(fact):
        return None
    event, order = WORDS[happening]
    request, booking = fact.booking.request, fact.booking.booking
    return event, {
        "partner_order_id": booking.reference,
        "skipcart_order_id": booking.id,
        "skipcart_delivery_id": fact.chance.digits("group", 6),
        "event_time_utc": iso(fact.time),
        "event_status": event,
        "order_status": order,
        "schedule_failed_reason": None,
        "driver": _driver(fact),
        "location": {
            "lat": f"{step.place.latitude:.15f}" if step.place else None,
            "lng": f"{step.place.longitude:.15f}" if step.place else None,
        },
        "estimated_arrival": {
            "time_utc": iso(fact.arrival) if fact.arrival else None,
            "distance_meters": None if step.left_meters is None else str(step.left_meters),
        },
        "tracking_url": f"https://livetrack.swift.example/?t={booking.id}",
        "delivery_details": _details(fact),
        "parking_slot": fact.chance.digits("parking slot", 1) if happening in WITH_PARKING_SLOT else None,
        "reason_code": CLOSE_REASONS.get(happening),
        # The hub passes on orders of many brands: Skipcart calls such a partner an aggregator.
        "agg_order_id": request.order_number or None,
    }


def _is_too_far(fact: Fact) -> bool:
    arrival = fact.step.arrival_seconds
    waiting = fact.happening in (Happening.SET_OUT, Happening.TO_PICKUP)
    return waiting and arrival is not None and arrival - fact.step.at_seconds > TELLS_FROM_SECONDS


def _driver(fact: Fact) -> dict[str, Any]:
    driver = fact.step.driver
    members: tuple[str, ...] = ("make", "model", "color", "license_plate")
    if driver is None:
        empty: dict[str, Any] = dict.fromkeys(("driver_id", "first_name", "last_name", "phone", "photo"))
        return {**empty, "vehicle": dict.fromkeys((*members, "type"))}
    return {
        "driver_id": driver.id,
        "first_name": driver.first_name,
        "last_name": driver.last_name,
        "phone": None if fact.happening in OVER else driver.phone,
        "photo": f"https://images.swift.example/drivers/{driver.id}.jpg",
        "vehicle": {**{name: getattr(driver, name) for name in members}, "type": fact.carrier.vehicle},
    }


def _details(fact: Fact) -> dict[str, Any]:
    proofs = "https://images.swift.example/orders/" + fact.booking.booking.id
    handed_out = fact.happening in HANDED_OUT
    return {
        "delivered_on_utc": iso(fact.time) if handed_out else None,
        "signature": f"{proofs}/signature.png" if fact.happening is Happening.DELIVERED else None,
        "photo": f"{proofs}/photo.jpg" if handed_out else None,
        "remarks": None,
        "delivery_fee": f"{fact.chance.between('pay', 5, 12):.2f}" if fact.happening in OVER else None,
        "return_reason": "Customer refused" if fact.happening in GOING_BACK else None,
    }
