"""Writes HubRise's order document from ours; knows no request and no clock."""

import re
from datetime import tzinfo
from typing import Any

from crossdock.v1.contact_pb2 import Contact
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.order_pb2 import Order
from crossdock.v1.parcel_pb2 import Item

from gateway.dialects.hubrise import write
from gateway.dialects.hubrise.protos import money_text, time_text, timestamp
from gateway.dialects.hubrise.wire import Document
from gateway.dialects.hubrise.words import ORDER_STATUSES_OUT, SERVICE_TYPES_OUT
from gateway.dialects.structs import members_of
from gateway.times import parse_time
from gateway.unreadable import Unreadable

ASSIGNED = frozenset(("id", "location_id", "created_at", "created_by", "delivery")) | {
    "total_discrepancy",
    "payment_discrepancy",
}
"""What an answer holds and a request cannot tell; sent back, it is passed over."""

_DECIMAL = re.compile(r"-?[0-9]{1,3}(?:[.][0-9]{1,30})?")

_REST: dict[str, Any] = {"deals": {}, "discounts": [], "charges": [], "payments": []}
"""Documented members without a member of ours that stand between those that have one, when nothing was told."""


def order(told: Order, zone: tzinfo, delivery: Delivery | None = None) -> Document:
    """Every documented member that the hub knows, in the documented order; what else was told stands behind."""
    kept = _kept(told)
    document = {
        "id": told.id or None,
        "location_id": told.location_id or None,
        "ref": reference(told, "order"),
        "private_ref": told.private_ref or None,
        "status": ORDER_STATUSES_OUT.get(told.status, "new"),
        "service_type": SERVICE_TYPES_OUT.get(told.service_type),
        "service_type_ref": told.service_type_ref or None,
        "channel": told.channel or None,
        "created_at": time_text(told.create_time, zone) if told.HasField("create_time") else None,
        "created_by": told.created_by or None,
        "expected_time": time_text(told.expected_time, zone) if told.HasField("expected_time") else None,
        "confirmed_time": _in_zone(kept.get("confirmed_time"), zone),
        "customer_notes": told.customer_notes or None,
        "seller_notes": kept.get("seller_notes"),
        "collection_code": kept.get("collection_code"),
        "coupon_codes": kept.get("coupon_codes", []),
        "total": money_text(told.total) if told.HasField("total") else None,
        "items": _items(told, kept.get("items")),
        **{name: kept.get(name, nothing) for name, nothing in _REST.items()},
        "customer": customer_document(told),
        "delivery": None if delivery is None else _attached(delivery, zone),
        "loyalty_operations": kept.get("loyalty_operations", []),
        "custom_fields": kept.get("custom_fields", {}),
    }
    return document | {name: value for name, value in kept.items() if name not in document}


def customer_document(told: Order) -> Document | None:
    """Who bought it and where it goes; None when neither is known."""
    told_too = _kept(told).get("customer")
    kept = told_too if isinstance(told_too, dict) else {}
    identifier = reference(told, "hubrise.customer")
    if not (told.HasField("customer") or told.HasField("delivery_address") or identifier or kept):
        return None
    contact, postal = told.customer, told.delivery_address.postal_address
    first, second = (*postal.address_lines, "", "")[:2]
    document = {
        "id": identifier,
        "email": contact.email or None,
        **_names(contact, kept),
        "phone": contact.phone.raw or contact.phone.e164 or None,
        "phone_access_code": contact.phone.access_code or None,
        "address_1": first or None,
        "address_2": second or None,
        "postal_code": postal.postal_code or None,
        "city": postal.locality or None,
        "state": postal.administrative_area or None,
        "country": postal.region_code or None,
        **_coordinates(told, kept),
        "delivery_notes": told.delivery_notes or None,
    }
    return document | {name: value for name, value in kept.items() if name not in document}


def reference(told: Order, scope: str) -> str | None:
    """What somebody calls the order, or whom it belongs to."""
    return next((each.value for each in told.references if each.scope == scope), None)


def _kept(told: Order) -> Document:
    """What has no member of ours. Other callers may have put anything there."""
    return members_of(told.extensions[write.DIALECT]) if write.DIALECT in told.extensions else {}


def _names(contact: Contact, kept: Document) -> Document:
    """The name in its two parts as long as they still make the name."""
    first, last = (name if isinstance(name := kept.get(part), str) else "" for part in ("first_name", "last_name"))
    if contact.name == " ".join(filter(None, (first, last))):
        return {"first_name": first or None, "last_name": last or None}
    return {"first_name": contact.name or None, "last_name": None}


def _coordinates(told: Order, kept: Document) -> Document:
    """The digits as they were written as long as they still name the place."""
    if not told.delivery_address.HasField("position"):
        return {"latitude": kept.get("latitude"), "longitude": kept.get("longitude")}
    place = told.delivery_address.position
    shown = {}
    for name, degrees in (("latitude", place.latitude), ("longitude", place.longitude)):
        written = kept.get(name)
        same = isinstance(written, str) and _DECIMAL.fullmatch(written) and float(written) == degrees
        shown[name] = written if same else format(degrees, ".10f").rstrip("0").rstrip(".")
    return shown


def _items(told: Order, kept: Any) -> list[Document]:
    """The items with the rest of each, as long as they are still the same items."""
    rest = kept if isinstance(kept, list) and len(kept) == len(told.items) else [{}] * len(told.items)
    return [_item(item, more if isinstance(more, dict) else {}) for item, more in zip(told.items, rest, strict=True)]


def _item(item: Item, more: Document) -> Document:
    document = {
        "product_name": item.title or None,
        "sku_name": more.get("sku_name"),
        "sku_ref": item.sku or None,
        "price": money_text(item.price) if item.HasField("price") else None,
        "quantity": item.quantity_text or f"{item.quantity}.0",
        "subtotal": money_text(item.value.amount) if item.value.HasField("amount") else None,
        "options": more.get("options", []),
    }
    return document | {name: value for name, value in more.items() if name not in document}


def _attached(delivery: Delivery, zone: tzinfo) -> Document:
    """The delivery without its position, which changes too often to go along with an order."""
    document = write.delivery(delivery, zone)
    return {name: value for name, value in document.items() if name not in ("driver_latitude", "driver_longitude")}


def _in_zone(text: Any, zone: tzinfo) -> Any:
    moment = parse_time(text)
    return text if isinstance(moment, Unreadable) else time_text(timestamp(moment), zone)
