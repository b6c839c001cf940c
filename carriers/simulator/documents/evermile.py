"""Evermile's two messages: the details of an order, and its live tracking; members of which nothing is known are left
out.
"""

from typing import Any

from crossdock.v1.consignment_pb2 import Stop
from crossdock.v1.delivery_pb2 import DELIVERY_KIND_RETURN
from crossdock.v1.reference_pb2 import ExternalReference
from google.type.money_pb2 import Money

from carriers.simulator.chances import Chance
from carriers.simulator.facts import Fact
from carriers.simulator.happenings import WITH_GOODS, Happening
from carriers.simulator.times import iso, moment

BEFORE, UNDER_WAY, FINAL = "preCollection", "tracking", "final"
ORDER_WORDS: dict[Happening, tuple[str, str]] = {
    Happening.BOOKED: ("Pending", BEFORE),
    Happening.PICKED_UP: ("Collected", UNDER_WAY),
    Happening.DEPARTED: ("OnWayToDropoff", UNDER_WAY),
    Happening.DELIVERED: ("Delivered", FINAL),
    Happening.LEFT_AT_DOOR: ("Delivered", FINAL),
    Happening.REFUSED: ("Failed", UNDER_WAY),
    Happening.UNREACHABLE: ("Failed", UNDER_WAY),
    Happening.RETURNING: ("ReturningToSender", UNDER_WAY),
    Happening.RETURNED: ("ReturnedToSender", FINAL),
    Happening.DRIVER_LOST: ("Pending", BEFORE),
    Happening.NO_DRIVER: ("Cancelled", FINAL),
    Happening.GIVEN_UP: ("Cancelled", FINAL),
    Happening.CALLED_OFF: ("Cancelled", FINAL),
}
"""orderStatus and lifeCycleStatus, in a message with the order's details."""
TRACKED = frozenset(
    (
        Happening.ASSIGNED,
        Happening.SET_OUT,
        Happening.TO_PICKUP,
        Happening.NEAR_PICKUP,
        Happening.AT_PICKUP,
        Happening.TO_DROPOFF,
        Happening.NEAR_DROPOFF,
        Happening.AT_DOOR,
    )
)
"""Told as live tracking."""
ON_WAY_TO_PICKUP = frozenset((Happening.SET_OUT, Happening.TO_PICKUP, Happening.NEAR_PICKUP))
UPDATE_KIND = "DropoffEta"
"""The one kind of update that is documented."""


def booking_id(chance: Chance) -> str:
    """A UUID."""
    return chance.identifier("order")


def references(reference: str, identifier: str) -> tuple[ExternalReference, ...]:
    """Evermile's own identifier, and ours."""
    return (
        ExternalReference(scope="evermile.order", value=identifier, exclusive=True),
        ExternalReference(scope="order", value=reference),
    )


def write(fact: Fact) -> tuple[str, dict[str, Any]] | None:
    """The order's status, or the kind of update, and the document."""
    if fact.happening in ORDER_WORDS:
        return ORDER_WORDS[fact.happening][0], {"order": _order(fact), "timestamp": iso(fact.time)}
    if fact.happening not in TRACKED:
        return None
    document = {"orderId": fact.booking.booking.id, "timestamp": iso(fact.time), "trackingInfo": _tracking(fact)}
    return UPDATE_KIND, {**document, "updateKind": UPDATE_KIND}


def _order(fact: Fact) -> dict[str, Any]:
    request, booking = fact.booking.request, fact.booking.booking
    consignment = request.consignment
    word, stage = ORDER_WORDS[fact.happening]
    tracking = _tracking(fact)
    handed_out = fact.happening in (Happening.DELIVERED, Happening.LEFT_AT_DOOR)
    proof = {"type": "photo", "urls": [f"https://images.evergreen.example/{booking.id}/photo.jpg"]}
    told = {
        "actualDropoff": iso(fact.time) if handed_out else None,
        "actualVehicleType": fact.carrier.vehicle if fact.step.driver else None,
        "costBreakdown": [{"name": "CostItemDeliveryCost", "price": _price(booking.price, booking.fee)}],
        "courierLocation": tracking.get("courierLocation"),
        "customer": _person(consignment.dropoff),
        "customerTrackingUrl": booking.links.tracking_url,
        "deliveryCompany": fact.carrier.display_name,
        "deliveryMethod": "delivery",
        "destination": _place(consignment.dropoff),
        "dropoffEta": tracking.get("dropoffEta"),
        "externalOrderId": booking.reference,
        "id": booking.id,
        "instructions": consignment.dropoff.instructions,
        "isGift": consignment.gift if consignment.HasField("gift") else None,
        "isReturn": request.kind == DELIVERY_KIND_RETURN,
        "merchantName": consignment.merchant_name,
        "notes": ["Was left at the door"] if fact.happening is Happening.LEFT_AT_DOOR else None,
        "orderTrackingInfo": tracking,
        "origin": _place(consignment.pickup),
        "parcels": [{"id": fact.chance.identifier("parcel"), "parcelType": "Package", "referenceId": "1"}],
        "pickupContactInfo": _person(consignment.pickup),
        "pickupEta": tracking.get("pickupEta"),
        "proofOfDelivery": [proof] if handed_out else None,
        "simulatedOrder": request.simulated,
        "status": {
            "lifeCycleStatus": stage,
            "manuallyUpdated": False,
            "orderStatus": word,
            "reporter": fact.carrier.display_name,
            "reporting_time": iso(fact.time),
        },
    }
    return _told(told)


def _tracking(fact: Fact) -> dict[str, Any]:
    step, booking = fact.step, fact.booking.booking
    driver, arrival = step.driver, iso(fact.arrival) if fact.arrival else None
    waits = fact.happening not in WITH_GOODS
    return _told(
        {
            "courierLocation": step.place
            and {"lat": round(step.place.latitude, 6), "lng": round(step.place.longitude, 6)},
            "courierName": driver and f"{driver.first_name} {driver.last_name}",
            "courierPhone": driver and driver.phone,
            "dropoffEta": None if waits else arrival,
            "dropoffWindowEnd": iso(moment(booking.dropoff_window.end_time)),
            "dropoffWindowStart": iso(moment(booking.dropoff_window.start_time)),
            "dropoffWindowType": "committed",
            "isCourierAssigned": driver is not None,
            "isOnWayToPickup": fact.happening in ON_WAY_TO_PICKUP,
            "pickupEta": arrival if waits else None,
            "pickupWindowEnd": iso(moment(booking.pickup_window.end_time)),
            "pickupWindowStart": iso(moment(booking.pickup_window.start_time)),
            "vehicleType": fact.carrier.vehicle if driver else None,
        }
    )


def _place(stop: Stop) -> dict[str, Any]:
    postal, position = stop.address.postal_address, stop.address.position
    lines = [*postal.address_lines, stop.address.unit]
    has_position = stop.address.HasField("position")
    return _told(
        {
            "addressLine1": lines[0],
            "addressLine2": ", ".join(filter(None, lines[1:])),
            "city": postal.locality,
            "external": False,
            "geoLocation": {"lat": position.latitude, "lng": position.longitude} if has_position else None,
            "name": stop.name,
            "postalCode": postal.postal_code,
        }
    )


def _person(stop: Stop) -> dict[str, Any]:
    contact = stop.contact
    return _told(
        {
            "email": contact.email,
            "name": contact.name,
            "phone": contact.phone.e164 or contact.phone.raw,
        }
    )


def _price(price: Money, fee: Money) -> dict[str, Any]:
    return {"bookingFeeCents": _cents(fee), "currency": price.currency_code, "value": _cents(price)}


def _cents(price: Money) -> int:
    return price.units * 100 + price.nanos // 10_000_000


def _told(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in (None, "", {}, [])}
