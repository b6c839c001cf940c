"""Reads HubRise's order documents into ours; what an order is not needed for is kept as it came, for `write_orders`."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from crossdock.v1.contact_pb2 import Address, Contact
from crossdock.v1.order_pb2 import Order
from crossdock.v1.parcel_pb2 import Item
from crossdock.v1.reference_pb2 import ExternalReference

from gateway.dialects.hubrise import wire
from gateway.dialects.hubrise.protos import money, struct, timestamp
from gateway.dialects.hubrise.totals import order_total, subtotal
from gateway.dialects.hubrise.wire import Document, FieldError, Invalid
from gateway.dialects.hubrise.words import ORDER_STATUSES, ORDER_STATUSES_OUT, SERVICE_TYPES
from gateway.dialects.hubrise.write import DIALECT
from gateway.dialects.hubrise.write_orders import ASSIGNED, customer_document
from gateway.dialects.structs import members_of
from gateway.phones import read_phone

REF_SCOPE = "order"
"""The scope in which carriers name an order, so their webhooks find it by HubRise's `ref`."""
CUSTOMER_SCOPE = "hubrise.customer"

COLLECTIONS = ("items", "deals", "discounts", "charges", "payments")
"""What is told once, at creation: HubRise changes these element by element, by ids that it assigns."""

_PATHS: dict[str, tuple[str, ...]] = {
    "ref": ("references",),
    "private_ref": ("private_ref",),
    "status": ("status",),
    "service_type": ("service_type",),
    "service_type_ref": ("service_type_ref",),
    "channel": ("channel",),
    "expected_time": ("expected_time",),
    "customer_notes": ("customer_notes",),
    "total": ("total",),
    "customer_id": ("references",),
    "customer": ("customer", "delivery_address", "delivery_notes"),
}
"""The members of ours that a member of the document makes; what is not named here has none."""

_OF_ITEM = frozenset(("product_name", "sku_ref", "price", "quantity", "subtotal"))
_OF_CUSTOMER = frozenset(
    ("id", "email", "phone", "phone_access_code", "address_1", "address_2", "postal_code", "city", "state", "country")
) | {"delivery_notes"}


class Change(NamedTuple):
    """A partial update: what the paths name and `order` does not have is erased."""

    order: Order
    paths: list[str]


def new_order(document: Document, location_id: str) -> Order:
    """The order that a POST asks for. Raises `Invalid`."""
    given = wire.parse(wire.NewOrder, document)
    if given.customer is not None and given.customer_id is not None:
        raise Invalid(FieldError("customer", "cannot be used with customer_id"))
    made = Order(location_id=location_id)
    _read_members(given, made)
    for item in given.items or ():
        made.items.append(_item(item))
    total = given.total or order_total(given)
    if total is not None:
        made.total.CopyFrom(money(total))
    _keep(made, _extras(document))
    return made


def change(document: Document, present: Order) -> Change:
    """What a PATCH changes about the present order: absent leaves, null erases. Raises `Invalid`."""
    told = {name: value for name, value in document.items() if name not in ASSIGNED}
    if wrong := [FieldError(name, "is told at creation and cannot be updated") for name in COLLECTIONS if name in told]:
        raise Invalid(*wrong)
    if isinstance(told.get("customer"), dict):
        told["customer"] = (customer_document(present) or {}) | told["customer"]
    given = wire.parse(wire.NewOrder, {"status": ORDER_STATUSES_OUT.get(present.status, "new")} | told)
    made = Order(id=present.id, etag=present.etag)
    _read_members(given, made)
    if given.total is not None:
        made.total.CopyFrom(money(given.total))
    paths = list(dict.fromkeys(path for name in told for path in _PATHS.get(name, ())))
    if "references" in paths:
        _replace_references(made, present, told)
    extras = _extras(told)
    if extras or any(name not in _PATHS or name == "customer" for name in told):
        kept = members_of(present.extensions[DIALECT]) if DIALECT in present.extensions else {}
        dropped = {name for name, value in told.items() if value is None} | ({"customer"} & told.keys())
        _keep(made, {name: value for name, value in kept.items() if name not in dropped} | extras)
        paths.append(f"extensions.{DIALECT}")
    return Change(made, paths)


def _read_members(given: wire.NewOrder, made: Order) -> None:
    made.status = ORDER_STATUSES[given.status]
    if given.service_type is not None:
        made.service_type = SERVICE_TYPES[given.service_type]
    made.service_type_ref = given.service_type_ref or ""
    made.private_ref = given.private_ref or ""
    made.channel = given.channel or ""
    made.customer_notes = given.customer_notes or ""
    if given.expected_time is not None:
        made.expected_time.CopyFrom(timestamp(given.expected_time))
    made.references.extend(_references(given))
    if given.customer is not None:
        _read_customer(given.customer, made)


def _references(given: wire.NewOrder) -> Iterable[ExternalReference]:
    if given.ref:
        yield ExternalReference(scope=REF_SCOPE, value=given.ref)
    if given.customer_id:
        yield ExternalReference(scope=CUSTOMER_SCOPE, value=given.customer_id)


def _replace_references(made: Order, present: Order, told: Document) -> None:
    """The references that the document tells take the place of those before; all others stay."""
    replaced = {scope for name, scope in (("ref", REF_SCOPE), ("customer_id", CUSTOMER_SCOPE)) if name in told}
    made.references.extend(each for each in present.references if each.scope not in replaced)


def _read_customer(given: wire.Customer, made: Order) -> None:
    contact = Contact(email=given.email or "", name=" ".join(filter(None, (given.first_name, given.last_name))))
    if (phone := read_phone(given.phone, region=(given.country or "").upper() or None)) is not None:
        contact.phone.raw, contact.phone.e164 = phone.raw, phone.e164 or ""
    if given.phone_access_code:
        contact.phone.access_code = given.phone_access_code
    made.customer.CopyFrom(contact)
    made.delivery_notes = given.delivery_notes or ""
    address = _address(given)
    if address != Address():
        made.delivery_address.CopyFrom(address)


def _address(given: wire.Customer) -> Address:
    address = Address()
    # The lines keep their places: a second line alone stays the second.
    lines = [given.address_1 or "", given.address_2 or ""]
    while lines and not lines[-1]:
        lines.pop()
    postal = {
        "address_lines": lines,
        "postal_code": given.postal_code or "",
        "locality": given.city or "",
        "administrative_area": given.state or "",
        "region_code": (given.country or "").upper(),
    }
    if any(postal.values()):
        for name, value in postal.items():
            if isinstance(value, list):
                address.postal_address.address_lines.extend(value)
            else:
                setattr(address.postal_address, name, value)
    if given.latitude is not None and given.longitude is not None:
        address.position.latitude, address.position.longitude = float(given.latitude), float(given.longitude)
    return address


def _item(given: wire.OrderItem) -> Item:
    item = Item(title=given.product_name, sku=given.sku_ref or "", price=money(given.price))
    quantity = Decimal(given.quantity)
    if quantity == quantity.to_integral_value():
        item.quantity = int(quantity)
    else:
        item.quantity_text = given.quantity
    if (value := subtotal(given)) is not None:
        item.value.amount.CopyFrom(money(value))
    return item


def _extras(document: Document) -> dict[str, Any]:
    """What has no member of ours, as it came; of items and customer, the rest of each."""
    told = {
        name: value
        for name, value in document.items()
        if value is not None and name not in _PATHS and name not in ASSIGNED and name != "items"
    }
    items = [_rest(item, _OF_ITEM) for item in document.get("items") or ()]
    if any(items):
        told["items"] = items
    if customer := _rest(document.get("customer") or {}, _OF_CUSTOMER):
        told["customer"] = customer
    return told


def _rest(document: Document, known: frozenset[str]) -> Document:
    return {name: value for name, value in document.items() if name not in known and value is not None}


def _keep(made: Order, extras: dict[str, Any]) -> None:
    if extras:
        made.extensions[DIALECT].CopyFrom(struct(extras))
