"""Reads HubRise's delivery documents into ours, for creation and for change; knows no request and no clock."""

from typing import Any, NamedTuple

from crossdock.v1.contact_pb2 import Phone
from crossdock.v1.courier_pb2 import Position
from crossdock.v1.delivery_pb2 import Delivery

from gateway.dialects.hubrise import wire
from gateway.dialects.hubrise.protos import money, struct, timestamp
from gateway.dialects.hubrise.wire import Document, FieldError, Invalid
from gateway.dialects.hubrise.words import STATUSES_IN, TIMES_IN, shown
from gateway.dialects.hubrise.write import DIALECT, milestone
from gateway.phones import read_phone

READ_ONLY = frozenset(("id", "order_id", "location_id"))
"""What an answer holds and a request cannot change; sent back, it is passed over."""

_PATHS = {
    "ref": "tracking_number",
    "estimated_pickup_at": "estimates.pickup_time",
    "estimated_dropoff_at": "estimates.dropoff_time",
    "tracking_url": "links.tracking_url",
    "driver_pickup_url": "links.driver_pickup_url",
    "driver_name": "courier.name",
}
"""The members that are one member of ours, by its path."""

_POSITION = {"driver_latitude", "driver_longitude"}


class Change(NamedTuple):
    """A partial update: what the paths name and `delivery` does not have is erased."""

    delivery: Delivery
    paths: list[str]


def new_delivery(document: Document, order_id: str, location_id: str) -> Delivery:
    """The delivery that a POST asks for. Raises `Invalid`."""
    given = wire.parse(wire.NewDelivery, document)
    made = Delivery(order_id=order_id, location_id=location_id, status=STATUSES_IN[given.status])
    made.carrier, made.carrier_ref = given.carrier, given.carrier_ref or ""
    if given.fee is not None:
        made.fee.CopyFrom(money(given.fee))
    _read_members(given, made, Delivery())
    return made


def change(document: Document, present: Delivery) -> Change:
    """What a PATCH changes about the present delivery: absent leaves, null erases. Raises `Invalid`."""
    given = wire.parse(wire.DeliveryChange, document)
    errors = [*_agreed(given, present), *_never_null(given, present)]
    if errors:
        raise Invalid(*errors)
    made = Delivery(id=present.id, etag=present.etag)
    paths = _read_members(given, made, present)
    # The word that is shown may stand for more than one status: sent back, it means no change.
    if given.status is not None and given.status != shown(present.status):
        made.status = STATUSES_IN[given.status]
        paths.append("status")
    return Change(made, paths)


def position(document: Document, order_id: str, location_id: str) -> Change | None:
    """The whole position of an order's driver, when the document tells that and nothing else; else None.

    Drivers tell it many times a minute, and it is the one change that depends on nothing present. Raises `Invalid`.
    """
    if document.keys() != _POSITION or None in document.values():
        return None
    told = _position(wire.parse(wire.DeliveryChange, document), Position())
    return Change(Delivery(order_id=order_id, location_id=location_id, position=told), ["position"])


def _read_members(given: wire.DeliveryChange, made: Delivery, present: Delivery) -> list[str]:
    """Sets the members that creation and change share; returns the paths of what was given."""
    told = given.model_fields_set
    paths = []
    for name, path in _PATHS.items():
        if name in told:
            _set(made, path, getattr(given, name))
            paths.append(path)
    if "driver_name" in told:
        # Parts of a name that another system told belong to the driver who was named before.
        paths += ["courier.first_name", "courier.last_name"]
    if told & {"driver_phone", "driver_phone_access_code"}:
        phone = _phone(given, present.courier.phone)
        if phone != Phone():
            made.courier.phone.CopyFrom(phone)
        paths.append("courier.phone")
    if told & _POSITION:
        position = _position(given, present.position)
        if position != Position():
            made.position.CopyFrom(position)
        paths.append("position")
    for name, status in TIMES_IN.items():
        if (moment := getattr(given, name)) is not None:
            made.milestones.add(status=status, time=timestamp(moment))
    if made.milestones:
        paths.append("milestones")
    extras = {name: value for name, value in (given.model_extra or {}).items() if name not in READ_ONLY}
    if extras:
        made.extensions[DIALECT].CopyFrom(struct(extras))
        paths.append(f"extensions.{DIALECT}")
    return paths


def _phone(given: wire.DeliveryChange, present: Phone) -> Phone:
    """The whole number with its code: the hub replaces both together."""
    made = Phone()
    made.CopyFrom(present)
    if "driver_phone" in given.model_fields_set:
        read = read_phone(given.driver_phone)
        made.raw, made.e164 = (read.raw, read.e164 or "") if read else ("", "")
    if "driver_phone_access_code" in given.model_fields_set:
        made.access_code = given.driver_phone_access_code or ""
    return made


def _position(given: wire.DeliveryChange, present: Position) -> Position:
    """Both coordinates: one that is not told stays. When the driver was there is not told."""
    told = given.model_fields_set
    return Position(
        latitude=(given.driver_latitude or "") if "driver_latitude" in told else present.latitude,
        longitude=(given.driver_longitude or "") if "driver_longitude" in told else present.longitude,
    )


def _agreed(given: wire.DeliveryChange, present: Delivery) -> list[FieldError]:
    """Carrier and fee cannot be updated; sent back as they are, they are passed over."""
    told = {
        "carrier": (given.carrier or "", present.carrier),
        "carrier_ref": (given.carrier_ref or "", present.carrier_ref),
        "fee": (given.fee and money(given.fee), present.fee if present.HasField("fee") else None),
    }
    return [
        FieldError(name, "cannot be updated")
        for name, (wanted, had) in told.items()
        if name in given.model_fields_set and wanted != had
    ]


def _never_null(given: wire.DeliveryChange, present: Delivery) -> list[FieldError]:
    """A status has no null, and the time of a status that was reached can be set and not erased."""
    nulls = [name for name in given.model_fields_set if getattr(given, name) is None]
    return [
        FieldError(name, "cannot be null" if name == "status" else "cannot be erased: the status was reached")
        for name in sorted(nulls)
        if name == "status" or (name in TIMES_IN and milestone(present, name) is not None)
    ]


def _set(message: Any, path: str, value: Any) -> None:
    """Sets one member; null and empty text leave it unset."""
    *parents, last = path.split(".")
    if value is None or value == "":
        return
    for name in parents:
        message = getattr(message, name)
    if message.DESCRIPTOR.fields_by_name[last].message_type is not None:
        getattr(message, last).CopyFrom(timestamp(value))
    else:
        setattr(message, last, value)
