"""Writes a shipment of ours as Delivery Solutions' document, in its documented order; knows no request and no clock."""

from datetime import UTC
from decimal import Decimal
from typing import Any, Final

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import parcel_pb2, window_pb2
from crossdock.v1.consignment_pb2 import Consignment, Stop
from crossdock.v1.contact_pb2 import Address, Contact
from crossdock.v1.shipment_pb2 import Shipment
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from gateway.dialects.deliverysolutions.read import DIALECT
from gateway.dialects.deliverysolutions.statuses import substatus, word
from gateway.dialects.deliverysolutions.wire import Document
from gateway.dialects.structs import members_of

LENGTH_UNITS: Final = {parcel_pb2.LENGTH_UNIT_INCH: "in", parcel_pb2.LENGTH_UNIT_CENTIMETER: "cm"}
WEIGHT_UNITS: Final = {parcel_pb2.WEIGHT_UNIT_POUND: "lb", parcel_pb2.WEIGHT_UNIT_KILOGRAM: "kg"}
TEMPERATURES: Final = {
    parcel_pb2.TEMPERATURE_CONTROL_NONE: "none",
    parcel_pb2.TEMPERATURE_CONTROL_REFRIGERATED: "refrigerated",
    parcel_pb2.TEMPERATURE_CONTROL_FROZEN: "frozen",
    parcel_pb2.TEMPERATURE_CONTROL_HOT: "hot",
}
RETURN_STATUSES: Final[dict[int, str]] = {
    pb.DELIVERY_STATUS_CREATED: "REQUEST_RECEIVED",
    pb.DELIVERY_STATUS_DISPATCHING: "INITIATED",
    pb.DELIVERY_STATUS_BOOKING_UNKNOWN: "INITIATED",
    pb.DELIVERY_STATUS_DISPATCHED: "ACCEPTED",
    pb.DELIVERY_STATUS_DRIVER_ASSIGNED: "ACCEPTED",
    pb.DELIVERY_STATUS_PICKUP_EN_ROUTE: "PICKUP_STARTED",
    pb.DELIVERY_STATUS_PICKUP_APPROACHING: "PICKUP_STARTED",
    pb.DELIVERY_STATUS_PICKUP_ARRIVED: "DRIVER_AT_PICKUP",
    pb.DELIVERY_STATUS_PICKED_UP: "PICKUP_COMPLETED",
    pb.DELIVERY_STATUS_RETURNED: "COMPLETED",
    pb.DELIVERY_STATUS_DELIVERED: "COMPLETED",
    pb.DELIVERY_STATUS_FAILED: "FAILED",
    pb.DELIVERY_STATUS_CANCELLED: "FAILED",
    pb.DELIVERY_STATUS_DISPOSED: "FAILED",
}
"""Words of https://docs.deliverysolutions.co/reference/return-request-statuses; every other state is IN_PROGRESS."""
_NO_WINDOW: Final[Document] = {"startsAt": None, "endsAt": None}
_EXPECTED: Final = (window_pb2.WINDOW_KIND_COMMITTED, window_pb2.WINDOW_KIND_ESTIMATED)
"""The windows that may be told as estimated; the promise is the better estimate."""


def shipment(told: Shipment, tenant: str) -> Document:
    """The shipment; ``tenant`` is the account as its operator calls it.

    One member has the currency of all amounts: an amount in another one is not told.
    """
    goods, currency = told.consignment, told.currency_code
    document: Document = {
        "id": told.id,
        "tenantId": tenant,
        "brandExternalId": told.brand_external_id or None,
        "locationExternalId": told.location_external_id or None,
        "orderExternalId": told.external_id or None,
        "groupId": told.group_id or None,
        "orderValue": _amount(goods.value, "amount", currency),
        "itemList": [_item(each, currency) for each in goods.items],
        "pickupTime": _window(goods.pickup, window_pb2.WINDOW_KIND_REQUESTED),
        "deliveryTime": _window(goods.dropoff, window_pb2.WINDOW_KIND_REQUESTED),
        "deliveryContact": _contact(goods.dropoff.contact),
        "deliveryAddress": _address(goods.dropoff.address),
        **_packages(goods),
        "signature": told.signature or None,
        "pickupInstructions": goods.pickup.instructions or None,
        "deliveryInstructions": goods.dropoff.instructions or None,
        "orderAttributes": members_of(told.order_attributes),
        "estimatedPickupTime": _window(goods.pickup, *_EXPECTED) or dict(_NO_WINDOW),
        "estimatedDeliveryTime": _window(goods.dropoff, *_EXPECTED) or dict(_NO_WINDOW),
        "actualPickupTime": _iso(told, "actual_pickup_time"),
        "actualDeliveryTime": _iso(told, "actual_dropoff_time"),
        "provider": _provider(told),
        "trackingId": told.tracking_number or None,
        "referenceLinks": {
            "trackingUrl": told.links.tracking_url or None,
            "qrcodeLink": told.links.qr_code_url or None,
        },
        "label": told.links.label_url or None,
        "attachments": [{"name": each.name, "url": each.url, "type": each.media_type} for each in told.attachments],
        "vehicle": _vehicle(told),
        "amount": _amount(told, "amount", currency),
        "fee": _amount(told, "fee", currency),
        "currencyCode": currency or None,
        "proposedProviders": [
            {"name": each.name, "services": [{"id": level} for level in each.service_level_ids]}
            for each in told.proposed_carriers
        ],
        "pickupContact": _contact(goods.pickup.contact),
        "pickupAddress": _address(goods.pickup.address),
        "status": word(told.phase, told.status),
        "subStatus": substatus(told.status, told.substatus),
        "returnRequest": _return_request(told),
        "undeliverableOrderReturnLocation": _return_location(goods.return_stop),
        "returnLocationId": told.return_location_external_id or goods.return_stop.external_id or None,
        "locale": told.locale or None,
        "createdDate": _milliseconds(told, "external_create_time"),
        "createdAt": _iso(told, "create_time"),
        "lastUpdatedAt": _iso(told, "update_time"),
    }
    if DIALECT in told.extensions:
        more = members_of(told.extensions[DIALECT])
        document |= {name: value for name, value in more.items() if name not in document}
    return document


def number(amount: Money) -> int | float:
    """Major units as a JSON number: 10.34, and 10 for ten."""
    exact = Decimal(amount.units) + Decimal(amount.nanos).scaleb(-9)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def _amount(owner: Message, member: str, currency: str) -> int | float | None:
    told: Money = getattr(owner, member)
    foreign = told.currency_code and currency and told.currency_code != currency
    return number(told) if owner.HasField(member) and not foreign else None


def _plain(value: float) -> int | float:
    return int(value) if value.is_integer() else value


def _milliseconds(owner: Message, member: str) -> int | None:
    return getattr(owner, member).ToMilliseconds() if owner.HasField(member) else None


def _iso(owner: Message, member: str) -> str | None:
    """Writes "2022-04-26T10:35:03.100Z"."""
    if not owner.HasField(member):
        return None
    moment: Timestamp = getattr(owner, member)
    return moment.ToDatetime(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _window(stop: Stop, *kinds: window_pb2.WindowKind.ValueType) -> Document | None:
    """The first window of these kinds; None without any."""
    for kind in kinds:
        for each in stop.windows:
            if each.kind == kind:
                return {
                    "startsAt": _milliseconds(each, "start_time"),
                    "endsAt": _milliseconds(each, "end_time"),
                }
    return None


def _contact(told: Contact) -> Document:
    return {"name": told.name, "phone": told.phone.raw or told.phone.e164, "email": told.email}


def _address(told: Address) -> Document:
    postal = told.postal_address
    lines = [*postal.address_lines, "", ""]
    document: Document = {
        "street1": lines[0],
        "street2": ", ".join(filter(None, lines[1:])),
        "apartmentNumber": told.unit,
        "city": postal.locality,
        "state": postal.administrative_area,
        "postalCode": postal.postal_code,
        "countryCode": postal.region_code,
    }
    if told.HasField("position"):
        document |= {"latitude": told.position.latitude, "longitude": told.position.longitude}
    return document


def _packages(goods: Consignment) -> Document:
    """`package` is the first; several are told as `packages` as well."""
    told = [_package(each) for each in goods.parcels]
    document: Document = {"package": told[0] if told else None}
    if len(told) > 1:
        document["packages"] = told
    return document


def _package(told: parcel_pb2.Parcel) -> Document:
    document: Document = {
        "name": told.name,
        "itemQuantity": told.item_quantity,
        **_measures(told),
        "description": told.description,
        "temperatureControl": told.temperature_raw or TEMPERATURES.get(told.temperature_control) or None,
        "barcode": told.barcode or None,
    }
    if told.contents:
        document["content"] = list(told.contents)
    return document


def _item(told: parcel_pb2.Item, currency: str) -> Document:
    document: Document = {
        "sku": told.sku,
        "quantity": told.quantity,
        **_measures(told),
        "price": _amount(told, "price", currency),
        "salePrice": _amount(told, "sale_price", currency),
        "title": told.title,
    }
    if told.description:
        document["description"] = told.description
    return document


def _measures(told: parcel_pb2.Parcel | parcel_pb2.Item) -> Document:
    document: Document = {}
    if told.HasField("dimensions"):
        size = told.dimensions
        document["size"] = {
            "length": _plain(size.length),
            "width": _plain(size.width),
            "height": _plain(size.height),
            "unit": LENGTH_UNITS.get(size.unit),
        }
    if told.HasField("weight"):
        document["weight"] = {"value": _plain(told.weight.value), "unit": WEIGHT_UNITS.get(told.weight.unit)}
    return document


def _provider(told: Shipment) -> Document:
    """Whose it is; of a shipment that nobody has, the documented form with nothing in it."""
    carrier = told.carrier
    return {
        "name": carrier.name,
        "displayName": carrier.display_name or carrier.name,
        "id": carrier.ref,
        "serviceId": carrier.service_level.id or None,
        "serviceType": carrier.service_level.type or None,
    }


def _vehicle(told: Shipment) -> Document | None:
    if not told.HasField("vehicle"):
        return None
    vehicle = told.vehicle
    members: dict[str, Any] = {
        "make": vehicle.make,
        "model": vehicle.model,
        "color": vehicle.color,
        "licensePlate": vehicle.license_plate,
        "type": vehicle.type,
    }
    return {name: value for name, value in members.items() if value}


def _return_request(told: Shipment) -> Document | None:
    if not told.HasField("return_request"):
        return None
    asked = told.return_request
    return {
        "id": asked.delivery_id,
        "status": RETURN_STATUSES.get(asked.status, "IN_PROGRESS"),
        "createdAt": _iso(asked, "create_time"),
    }


def _return_location(stop: Stop) -> Document | None:
    if not stop.ListFields():
        return None
    return {"address": _address(stop.address), "contact": _contact(stop.contact), "name": stop.name}
