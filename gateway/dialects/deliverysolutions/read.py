"""Reads Delivery Solutions' documents into shipments of ours, for creation and change; knows no request, no clock."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final, NamedTuple

from crossdock.v1 import parcel_pb2, window_pb2
from crossdock.v1.contact_pb2 import Address, Contact
from crossdock.v1.shipment_pb2 import ProposedCarrier, Shipment
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from pydantic.alias_generators import to_camel

from gateway.dialects.deliverysolutions import wire
from gateway.dialects.deliverysolutions.values import LENGTH_UNITS, WEIGHT_UNITS
from gateway.dialects.deliverysolutions.wire import Document, Invalid
from gateway.dialects.structs import NotKept, struct
from gateway.phones import read_phone

DIALECT: Final = "deliverysolutions"
_REQUESTED: Final = window_pb2.WINDOW_KIND_REQUESTED
_NANOS: Final = 10**9

TEMPERATURES: Final[dict[str, parcel_pb2.TemperatureControl.ValueType]] = {
    "none": parcel_pb2.TEMPERATURE_CONTROL_NONE,
    "refrigerated": parcel_pb2.TEMPERATURE_CONTROL_REFRIGERATED,
    "frozen": parcel_pb2.TEMPERATURE_CONTROL_FROZEN,
    "hot": parcel_pb2.TEMPERATURE_CONTROL_HOT,
}
"""The documented words are the first two; any other is kept as it was written."""

READ_ONLY: Final = frozenset(
    (
        "id",
        "tenantId",
        "status",
        "subStatus",
        "provider",
        "trackingId",
        "attachments",
        "vehicle",
        "amount",
        "fee",
        "label",
        "referenceLinks",
        "actualPickupTime",
        "actualDeliveryTime",
        "estimatedPickupTime",
        "estimatedDeliveryTime",
        "returnRequest",
        "undeliverableOrderReturnLocation",
        "pickupContact",
        "pickupAddress",
        "createdAt",
        "lastUpdatedAt",
        "warnings",
    )
)
"""What an answer holds and a request cannot change; sent back, it is passed over."""


_NEVER_NULL: Final = ("order_external_id", "location_external_id", "delivery_address")


class Change(NamedTuple):
    """A partial update: what the paths name and `shipment` does not have is erased."""

    shipment: Shipment
    paths: list[str]


def new_shipment(document: Document, currency: str) -> Shipment:
    """The shipment that a POST asks for; ``currency`` is that of its amounts. Raises `Invalid`."""
    given = wire.parse(wire.NewShipment, document)
    made = Shipment()
    _read(given, made, Shipment(currency_code=currency))
    return made


def change(document: Document, present: Shipment) -> Change:
    """What a PUT changes about the present shipment: absent leaves, null erases. Raises `Invalid`."""
    given = wire.parse(wire.Edit, document)
    nulls = [name for name in _NEVER_NULL if name in given.model_fields_set and getattr(given, name) is None]
    if nulls:
        raise Invalid(*((to_camel(name), "cannot be null") for name in nulls))
    made = Shipment(id=present.id, etag=present.etag)
    paths = _read(given, made, present)
    return Change(made, paths)


def _read(given: wire.Edit, made: Shipment, present: Shipment) -> list[str]:
    """Sets what the document says and returns the paths of what it names."""
    currency = given.currency_code or present.currency_code
    paths = []
    for name in type(given).model_fields:
        if name not in given.model_fields_set or (name == "package" and given.packages):
            continue  # an answer with several packages tells the first of them twice
        path, read = MEMBERS[name]
        if (value := getattr(given, name)) is not None:
            read(made, value, currency, present)
        if path not in paths:
            paths.append(path)
    unknown = {name: member for name, member in (given.model_extra or {}).items() if name not in READ_ONLY}
    if unknown:
        _keep(made, present, unknown)
        paths.append("extensions")
    _keep_windows(made, present, paths)
    return paths


def _keep(made: Shipment, present: Shipment, unknown: dict[str, Any]) -> None:
    for dialect, members in present.extensions.items():
        made.extensions[dialect].CopyFrom(members)
    made.extensions[DIALECT].MergeFrom(_struct(unknown))


def _keep_windows(made: Shipment, present: Shipment, paths: list[str]) -> None:
    """A window that is asked for replaces the one asked for before, and leaves those promised and estimated."""
    for stop in ("pickup", "dropoff"):
        if f"consignment.{stop}.windows" in paths:
            kept = [each for each in getattr(present.consignment, stop).windows if each.kind != _REQUESTED]
            if kept:
                getattr(made.consignment, stop).windows.extend(kept)


def _struct(members: dict[str, Any]) -> Any:
    try:
        return struct(members)
    except NotKept as error:
        raise Invalid(*error.reasons.items()) from None


def _text(path: str) -> Callable[[Shipment, str, str, Shipment], None]:
    *owners, member = path.split(".")

    def read(made: Shipment, value: str, _: str, __: Shipment) -> None:
        owner: Any = made
        for each in owners:
            owner = getattr(owner, each)
        setattr(owner, member, value)

    return read


def _window(stop: str) -> Callable[[Shipment, wire.TimeWindow, str, Shipment], None]:
    def read(made: Shipment, value: wire.TimeWindow, _: str, __: Shipment) -> None:
        if value.starts_at is None and value.ends_at is None:
            return
        window = getattr(made.consignment, stop).windows.add(kind=_REQUESTED)
        if value.starts_at is not None:
            window.start_time.FromDatetime(value.starts_at)
        if value.ends_at is not None:
            window.end_time.FromDatetime(value.ends_at)
            if value.starts_at is not None and value.ends_at < value.starts_at:
                name = "pickupTime" if stop == "pickup" else "deliveryTime"
                raise Invalid((f"{name}.endsAt", "is before startsAt"))

    return read


def _address(made: Shipment, value: wire.Address, _: str, present: Shipment) -> None:
    made.consignment.dropoff.address.CopyFrom(address(value))
    if value.latitude is None and present.consignment.dropoff.address.HasField("position"):
        same = present.consignment.dropoff.address.postal_address == made.consignment.dropoff.address.postal_address
        if same:  # the position that was found for it still holds
            made.consignment.dropoff.address.position.CopyFrom(present.consignment.dropoff.address.position)


def address(given: wire.Address) -> Address:
    """An address of theirs in ours. Raises `Invalid` for half a position."""
    made = Address(unit=given.apartment_number or "")
    postal = made.postal_address
    postal.address_lines.extend(line for line in (given.street1, given.street2) if line)
    postal.locality, postal.administrative_area = given.city or "", given.state or ""
    postal.postal_code, postal.region_code = given.postal_code or "", (given.country_code or "").upper()
    if (given.latitude is None) != (given.longitude is None):
        raise Invalid(("deliveryAddress", "latitude and longitude go together"))
    if given.latitude is not None and given.longitude is not None:
        made.position.latitude, made.position.longitude = given.latitude, given.longitude
    return made


def _contact(made: Shipment, value: wire.Customer, _: str, present: Shipment) -> None:
    region = (made.consignment.dropoff.address.postal_address.region_code) or (
        present.consignment.dropoff.address.postal_address.region_code
    )
    made.consignment.dropoff.contact.CopyFrom(contact(value, region))


def contact(given: wire.Customer, region: str) -> Contact:
    """A customer of theirs in ours; ``region`` is the country of numbers without prefix."""
    made = Contact(name=given.name or "", email=given.email or "")
    phone = read_phone(given.phone, region=region or None)
    if phone is not None:
        made.phone.raw, made.phone.e164 = phone.raw, phone.e164 or ""
    return made


def _items(made: Shipment, value: list[wire.Item], currency: str, _: Shipment) -> None:
    for position, each in enumerate(value):
        item = made.consignment.items.add(
            sku=each.sku or "",
            title=each.title or "",
            description=each.description or "",
            quantity=each.quantity or 0,
        )
        if each.price is not None:
            item.price.CopyFrom(money(each.price, currency, f"itemList[{position}].price"))
        if each.sale_price is not None:
            item.sale_price.CopyFrom(money(each.sale_price, currency, f"itemList[{position}].salePrice"))
        _measure(item, each.size, each.weight)


def _package(made: Shipment, value: wire.Package, _: str, __: Shipment) -> None:
    _add_parcel(made, value)


def _packages(made: Shipment, value: list[wire.Package], _: str, __: Shipment) -> None:
    for each in value:
        _add_parcel(made, each)


def _add_parcel(made: Shipment, given: wire.Package) -> None:
    # Their answers tell "none" of a package that was sent without it; null is what we tell where nobody said.
    word = (given.temperature_control or "") if "temperature_control" in given.model_fields_set else "none"
    parcel = made.consignment.parcels.add(
        name=given.name or "",
        description=given.description or "",
        barcode=given.barcode or "",
        item_quantity=given.item_quantity or 0,
        contents=given.content or (),
        temperature_raw=word,
    )
    if word:
        parcel.temperature_control = TEMPERATURES.get(word, parcel_pb2.TEMPERATURE_CONTROL_OTHER)
    _measure(parcel, given.size, given.weight)


def _measure(owner: parcel_pb2.Parcel | parcel_pb2.Item, size: wire.Size | None, weight: wire.Weight | None) -> None:
    if size is not None:
        unit, factor = LENGTH_UNITS[size.unit or "in"]
        for name in ("length", "width", "height"):
            if (value := getattr(size, name)) is not None:
                setattr(owner.dimensions, name, float(value * factor))
        owner.dimensions.unit = parcel_pb2.LengthUnit.ValueType(unit)
    if weight is not None and weight.value is not None:
        unit, factor = WEIGHT_UNITS[weight.unit or "lb"]
        owner.weight.value, owner.weight.unit = float(weight.value * factor), parcel_pb2.WeightUnit.ValueType(unit)


def money(amount: Decimal, currency: str, member: str) -> Money:
    """Major units in a currency, the location's when it is not told. Raises `Invalid` for more than nine decimals."""
    nanos = amount * _NANOS
    if nanos != nanos.to_integral_value():
        raise Invalid((member, f"has more decimals than any currency: {amount}"))
    units, rest = divmod(int(nanos), _NANOS)
    return Money(currency_code=currency, units=units, nanos=rest)


def _value(made: Shipment, value: Decimal, currency: str, _: Shipment) -> None:
    made.consignment.value.amount.CopyFrom(money(value, currency, "orderValue"))


def _created(made: Shipment, value: Any, _: str, __: Shipment) -> None:
    made.external_create_time.CopyFrom(_timestamp(value))


def _timestamp(value: Any) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(value)
    return made


def _attributes(made: Shipment, value: dict[str, Any], _: str, __: Shipment) -> None:
    if value:  # none at all is what is answered as {}
        made.order_attributes.CopyFrom(_struct(value))


def _proposed(made: Shipment, value: Iterable[wire.ProposedProvider], _: str, __: Shipment) -> None:
    made.proposed_carriers.extend(
        ProposedCarrier(name=each.name, service_level_ids=[service.id for service in each.services or ()])
        for each in value
    )


_Read = Callable[[Shipment, Any, str, Shipment], None]
MEMBERS: Final[dict[str, tuple[str, _Read]]] = {
    "order_external_id": ("external_id", _text("external_id")),
    "group_id": ("group_id", _text("group_id")),
    "delivery_time": ("consignment.dropoff.windows", _window("dropoff")),
    "pickup_time": ("consignment.pickup.windows", _window("pickup")),
    "location_external_id": ("location_external_id", _text("location_external_id")),
    "delivery_address": ("consignment.dropoff.address", _address),
    "delivery_contact": ("consignment.dropoff.contact", _contact),
    "item_list": ("consignment.items", _items),
    "packages": ("consignment.parcels", _packages),
    "package": ("consignment.parcels", _package),
    "signature": ("signature", _text("signature")),
    "pickup_instructions": ("consignment.pickup.instructions", _text("consignment.pickup.instructions")),
    "delivery_instructions": ("consignment.dropoff.instructions", _text("consignment.dropoff.instructions")),
    "order_value": ("consignment.value", _value),
    "currency_code": ("currency_code", _text("currency_code")),
    "locale": ("locale", _text("locale")),
    "created_date": ("external_create_time", _created),
    "order_attributes": ("order_attributes", _attributes),
    "proposed_providers": ("proposed_carriers", _proposed),
    "brand_external_id": ("brand_external_id", _text("brand_external_id")),
    "return_location_id": ("return_location_external_id", _text("return_location_external_id")),
}
"""What each member is, by the path of ours, and how it is read."""
