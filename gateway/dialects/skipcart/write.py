"""Writes what happened as Skipcart's webhook; pure, and knows no HTTP. Which word is `words`' matter.

Every documented member is told, in the documented order; what is not known, or not for this event, is null. Every
value is text, numbers too. Members beyond the document that Skipcart sent follow in their places.
"""

import re
from typing import Any, Final

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import proof_pb2 as proofs
from crossdock.v1.courier_pb2 import Courier
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.event_pb2 import Event
from crossdock.v1.reference_pb2 import ExternalReference
from crossdock.v1.subscription_pb2 import OutboundEvent, Subscription
from google.type.money_pb2 import Money as MoneyProto

from gateway.dialects.outbound import Document
from gateway.dialects.skipcart.statuses import STATUSES, Destination
from gateway.dialects.skipcart.words import Words, reason_of, words_of
from gateway.dialects.structs import members_of
from gateway.money import Money, from_units_and_nanos, write_decimal

DIALECT: Final = "skipcart"
_WITHOUT_PHONE = frozenset((pb.DELIVERY_STATUS_DELIVERED, pb.DELIVERY_STATUS_RETURNED))
_WITH_PARKING_SLOT = frozenset(word for word, meaning in STATUSES.items() if meaning.has_parking_slot)
_WITHOUT_DRIVER = frozenset(word for word, meaning in STATUSES.items() if meaning.has_no_driver)
_MASKED = re.compile(r"[Xx*]{2}")
_ALL_BUT_FOUR_DIGITS = re.compile(r"[0-9](?=(?:[^0-9]*[0-9]){4})")


def write(told: OutboundEvent, _subscription: Subscription) -> Document | None:
    """The message; None where Skipcart has no word for what happened."""
    event, delivery = told.event, told.delivery
    words = words_of(event, delivery)
    if words is None:
        return None
    document: Document = {
        "partner_order_id": _named(told, "order") or told.order.private_ref or delivery.order_id or None,
        "skipcart_order_id": _named(told, "skipcart.order") or event.delivery_id,
        "skipcart_delivery_id": delivery.consignment.route.external_id or None,
        "event_time_utc": event.event_time.ToJsonString(),
        "event_status": words.event_status,
        "order_status": words.order_status,
        "schedule_failed_reason": _failure(words, event, delivery),
        "driver": _driver(words, event, delivery),
        "location": _location(words, delivery),
        "estimated_arrival": _arrival(words, delivery),
        "tracking_url": delivery.links.tracking_url or None,
        "delivery_details": _details(event, delivery),
        "parking_slot": (words.event_status in _WITH_PARKING_SLOT and delivery.parking_slot) or None,
        "reason_code": words.reason_code,
        "agg_order_id": _named(told, "aggregator.order"),
    }
    if DIALECT in delivery.extensions:
        _add_unknown(document, members_of(delivery.extensions[DIALECT]))
    return document


def _named(told: OutboundEvent, scope: str) -> str | None:
    names: tuple[ExternalReference, ...] = (
        *told.event.report.targets,
        *told.delivery.references,
        *told.order.references,
    )
    return next((each.value for each in names if each.scope == scope), None)


def _failure(words: Words, event: Event, delivery: Delivery) -> str | None:
    if words.order_status != "schedule_failed":
        return None
    reason = reason_of(event, delivery)
    return reason.message or (reason.code if reason.code != "schedule_failed" else "") or None


def _driver(words: Words, event: Event, delivery: Delivery) -> Document:
    """Who was released is not told as the driver who comes."""
    released = words.event_status in _WITHOUT_DRIVER
    courier = Courier() if released else delivery.courier
    vehicle = courier.vehicle
    parts = bool(courier.first_name or courier.last_name)
    closed = _WITHOUT_PHONE & {event.status, delivery.status}
    return {
        "driver_id": courier.external_id or None,
        # A name in one piece is not cut: where its parts meet, only its owner knows.
        "first_name": (courier.first_name if parts else courier.name) or None,
        "last_name": courier.last_name or None,
        "phone": None if closed else _masked(courier.phone.raw or courier.phone.e164),
        "photo": courier.photo_url or None,
        "vehicle": {
            "make": vehicle.make or None,
            "model": vehicle.model or None,
            "color": vehicle.color or None,
            "license_plate": vehicle.license_plate or None,
            "type": vehicle.type or ("" if released else delivery.vehicle_type) or None,
        },
    }


def _masked(phone: str) -> str | None:
    """The number with X for every digit but the last four; one that came masked stays as it is."""
    return phone if _MASKED.search(phone) else _ALL_BUT_FOUR_DIGITS.sub("X", phone) or None


def _location(words: Words, delivery: Delivery) -> Document:
    here = words.event_status not in _WITHOUT_DRIVER
    return {
        "lat": (here and delivery.position.latitude) or None,
        "lng": (here and delivery.position.longitude) or None,
    }


def _arrival(words: Words, delivery: Delivery) -> Document:
    """At the store before the pickup, at the customer after it; for the way back there is no estimate here."""
    estimates, heading = delivery.estimates, STATUSES[words.event_status].heading
    time = None
    if heading is Destination.STORE and estimates.HasField("pickup_time"):
        time = estimates.pickup_time.ToJsonString()
    elif words.event_status == "close_order" or heading is Destination.CUSTOMER:
        time = estimates.dropoff_time.ToJsonString() if estimates.HasField("dropoff_time") else None
    told = estimates.HasField("remaining_distance_meters") and words.event_status not in _WITHOUT_DRIVER
    return {"time_utc": time, "distance_meters": str(estimates.remaining_distance_meters) if told else None}


def _details(event: Event, delivery: Delivery) -> Document:
    return {
        "delivered_on_utc": _delivered(event, delivery),
        "signature": _proof(delivery, proofs.PROOF_KIND_SIGNATURE).url or None,
        "photo": _proof(delivery, proofs.PROOF_KIND_PHOTO).url or None,
        "remarks": _proof(delivery, proofs.PROOF_KIND_REMARKS).text or None,
        # What the driver is paid. What the merchant pays, `fee`, is not for this member.
        "delivery_fee": _amount(delivery.driver_pay) if delivery.HasField("driver_pay") else None,
        "return_reason": delivery.return_reason or None,
    }


def _delivered(event: Event, delivery: Delivery) -> str | None:
    """When it was delivered, of a delivery that was by then."""
    if event.status != pb.DELIVERY_STATUS_DELIVERED:
        return None
    reached = [each.time for each in delivery.milestones if each.status == pb.DELIVERY_STATUS_DELIVERED]
    return (reached[0] if reached else event.event_time).ToJsonString()


def _proof(delivery: Delivery, kind: proofs.ProofKind.ValueType) -> proofs.Proof:
    """The newest of its kind that can be told: an image that is stored here has no address of Skipcart's."""
    found = [each for each in delivery.proofs if each.kind == kind and (each.url or each.text)]
    return found[-1] if found else proofs.Proof()


def _amount(pay: MoneyProto) -> str | None:
    """Major units without the currency, for which there is no member."""
    amount = from_units_and_nanos(pay.currency_code, pay.units, pay.nanos)
    return write_decimal(amount) if isinstance(amount, Money) else None


def _add_unknown(document: Document, kept: dict[str, Any]) -> None:
    """What Skipcart sent and has no member of ours, in its place."""
    for name, value in kept.items():
        told = document.get(name)
        if name not in document or (name == "delivery_fee" and told is None):
            document[name] = value  # undocumented, or an amount in a currency that nobody told
        elif name == "delivered_on_utc" and told is not None:
            document[name] = value  # where it differs from the time of the event
        elif isinstance(told, dict) and isinstance(value, dict):
            _add_unknown(told, value)
