"""Ordatic's thin rider events: which store, which order, what happened; no time and no id of a message."""

from typing import Any

from crossdock.v1.reference_pb2 import ExternalReference

from carriers.simulator.chances import Chance
from carriers.simulator.facts import Fact
from carriers.simulator.happenings import Happening
from carriers.simulator.times import iso

EVENTS: dict[Happening, str] = {
    Happening.ASSIGNED: "rider-created",
    Happening.SET_OUT: "rider-picking",
    Happening.DEPARTED: "rider-delivering",
    Happening.DELIVERED: "rider-completed",
    Happening.LEFT_AT_DOOR: "rider-completed",
    Happening.PROVEN: "rider-proof-delivery",
    Happening.REFUSED: "rider-error",
    Happening.UNREACHABLE: "rider-error",
    Happening.RETURNED: "rider-refund",
    Happening.NO_DRIVER: "rider-error",
    Happening.GIVEN_UP: "rider-error",
}
"""eventType. There is no word for a driver who gives up: a second `rider-created` is all that follows."""

# The smallest PNG there is: one white pixel.
PROOF = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg=="
STORE_LENGTH = 100


def booking_id(chance: Chance) -> str:
    """24 hexadecimal digits, as a document database makes them."""
    return chance.identifier("order").replace("-", "")[:24]


def references(reference: str, identifier: str) -> tuple[ExternalReference, ...]:  # noqa: ARG001  all dialects alike
    """The order's identifier, the only name that is told."""
    return (ExternalReference(scope="ordatic.order", value=identifier),)


def write(fact: Fact) -> tuple[str, dict[str, Any]] | None:
    """The type of the event and the document."""
    event = EVENTS.get(fact.happening)
    if event is None:
        return None
    pickup = fact.booking.request.consignment.pickup
    data: dict[str, Any] = {"orderId": fact.booking.booking.id}
    if event == "rider-proof-delivery":
        data["proofDelivery"] = PROOF
    if event == "rider-refund":
        data["refund"] = _refund(fact)
    return event, {"eventType": event, "storeId": store_id(pickup.external_id, fact.chance), "data": data}


def store_id(external_id: str, chance: Chance) -> str:
    """The sender's own name of the place; without one, Ordatic's."""
    return external_id[:STORE_LENGTH] or chance.identifier("store").replace("-", "")[:24]


def _refund(fact: Fact) -> dict[str, Any]:
    price = fact.booking.booking.price
    cents = price.units * 100 + price.nanos // 10_000_000
    return {
        "id": fact.chance.identifier("refund"),
        "date": iso(fact.time),
        "totalRiderRefund": cents,
        "totalPartnerRefund": 0,
        "reason": "Customer refused",
        "refundItems": [],
        "refundFees": [{"name": "Delivery fee", "amount": cents, "code": "delivery-fee"}],
    }
