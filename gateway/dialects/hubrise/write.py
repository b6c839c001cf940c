"""Writes HubRise's delivery document from ours; knows no order, no request and no clock."""

from datetime import tzinfo

from crossdock.v1.delivery_pb2 import Delivery, Milestone
from google.protobuf.message import Message

from gateway.dialects.hubrise.protos import money_text, time_text
from gateway.dialects.hubrise.wire import Document
from gateway.dialects.hubrise.words import TIMES_IN, TIMES_OUT, shown
from gateway.dialects.structs import members_of

DIALECT = "hubrise"


def delivery(told: Delivery, zone: tzinfo) -> Document:
    """Every documented member in the documented order, null where nothing is known; times in the zone.

    Members beyond the document that a client sent follow behind.
    """
    links, courier, position, estimates = told.links, told.courier, told.position, told.estimates
    document = {
        "id": told.id or None,
        "order_id": told.order_id or None,
        "location_id": told.location_id or None,
        "carrier": told.carrier or None,
        "carrier_ref": told.carrier_ref or None,
        "ref": told.tracking_number or None,
        "status": shown(told.status),
        "fee": money_text(told.fee) if told.HasField("fee") else None,
        "estimated_pickup_at": _time(estimates, "pickup_time", zone),
        "estimated_dropoff_at": _time(estimates, "dropoff_time", zone),
        "tracking_url": links.tracking_url or None,
        "driver_name": courier.name or " ".join(filter(None, (courier.first_name, courier.last_name))) or None,
        "driver_phone": courier.phone.raw or courier.phone.e164 or None,
        "driver_phone_access_code": courier.phone.access_code or None,
        "assigned_at": _reached(told, "assigned_at", zone),
        "pickup_at": _reached(told, "pickup_at", zone),
        "delivered_at": _reached(told, "delivered_at", zone),
        "cancelled_at": _reached(told, "cancelled_at", zone),
        "driver_latitude": position.latitude or None,
        "driver_longitude": position.longitude or None,
    }
    if links.driver_pickup_url:
        document["driver_pickup_url"] = links.driver_pickup_url
    if DIALECT in told.extensions:
        more = members_of(told.extensions[DIALECT])
        document |= {name: value for name, value in more.items() if name not in document and value is not None}
    return document


def milestone(told: Delivery, field: str) -> Milestone | None:
    """The milestone that a field of time shows: what a caller set, else what was really reported first.

    What was inferred from a later state is not shown: after pending → delivered only `delivered_at` is set.
    """
    counted = [each for each in told.milestones if each.status in TIMES_OUT[field] and not each.synthetic]
    for each in counted:
        if each.overridden and each.status == TIMES_IN[field]:
            return each
    return min(counted, key=lambda each: (each.time.seconds, each.time.nanos), default=None)


def _reached(told: Delivery, field: str, zone: tzinfo) -> str | None:
    found = milestone(told, field)
    return None if found is None else time_text(found.time, zone)


def _time(owner: Message, member: str, zone: tzinfo) -> str | None:
    return time_text(getattr(owner, member), zone) if owner.HasField(member) else None
