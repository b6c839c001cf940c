"""Deliveries with every member set, and the members of a delivery by their paths; knows no dialect."""

from collections.abc import Iterator
from typing import Any

from crossdock.v1.delivery_pb2 import Delivery, DeliveryStatus
from crossdock.v1.proof_pb2 import ProofKind
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

WHOLE = frozenset(
    (
        "google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.Struct", "google.type.Money",
        "google.type.LatLng", "google.type.PostalAddress", "crossdock.v1.Phone", "crossdock.v1.Position",
        "crossdock.v1.Milestone", "crossdock.v1.ExternalReference", "crossdock.v1.Attention", "crossdock.v1.Actor",
    )
)  # fmt: skip
"""Messages whose members are one thing together."""

OF_RECORD = frozenset(
    (
        "id", "status", "status_time", "carrier_status_raw", "carrier_substatus_raw", "manual_override",
        "cancel_request_time", "attempt", "driver_sequence", "door_attempts", "last_event_number", "source_id",
        "create_time", "update_time", "etag", "extensions",
    )
)  # fmt: skip
"""Members that the hub keeps about a delivery, rather than what anybody tells of it."""

PATTERNS = {
    "_url": "https://example.org/{name}",
    "url": "https://example.org/{name}",
    "currency_code": "EUR",
    "region_code": "FR",
    "raw": "+33612345678",
    "e164": "+33612345678",
    "latitude": "48.856614",
    "longitude": "2.3522219",
    "image_sha256": "ab" * 32,
    "media_type": "image/png",
    "quantity_text": "2",
    "carrier_ref": "swift",
}
"""What text looks like by the end of its member's name; else it is the name."""

SCOPES = ("order", "skipcart.order", "evermile.order", "ordatic.order", "aggregator.order", "partner")


def paths(descriptor: Descriptor, above: str = "") -> Iterator[str]:
    """Every member that can be set by itself, "courier.vehicle.make"; entries of lists have no number."""
    for field in descriptor.fields:
        if above or field.name not in OF_RECORD:
            inner = _inner(field)
            if inner is None:
                yield above + field.name
            else:
                yield from paths(inner, f"{above}{field.name}.")


def paths_set(message: Message, above: str = "") -> Iterator[str]:
    """The paths that a message has set."""
    for field, value in message.ListFields():
        if not above and field.name in OF_RECORD:
            continue
        if _inner(field) is None:
            yield above + field.name
        else:
            for each in value if field.is_repeated else [value]:
                yield from paths_set(each, f"{above}{field.name}.")


def without(message: Any, path: str) -> None:
    """Clears one path."""
    name, _, rest = path.partition(".")
    if not rest:
        message.ClearField(name)
        return
    field = message.DESCRIPTOR.fields_by_name[name]
    for each in getattr(message, name) if field.is_repeated else [getattr(message, name)]:
        without(each, rest)


def only(message: Any, path: str) -> Any:
    """A message with nothing but one path of another."""
    made = type(message)()
    name, _, rest = path.partition(".")
    value, field = getattr(message, name), message.DESCRIPTOR.fields_by_name[name]
    if field.is_repeated:
        getattr(made, name).extend([only(each, rest) for each in value] if rest else value)
    elif field.message_type is not None:
        getattr(made, name).CopyFrom(only(value, rest) if rest else value)
    else:
        setattr(made, name, value)
    return made


def filled() -> Delivery:
    """A delivery with a sane value in every member; of proofs, milestones and references there is each kind."""
    delivery = Delivery()
    _fill(delivery, "")
    del delivery.milestones[:], delivery.references[:], delivery.proofs[1:]
    delivery.extensions.clear()
    # Each a minute after the other. Those of the end come last, and are passed over by who cuts them off.
    for minute, status in enumerate(value for value in DeliveryStatus.values() if value):
        delivery.milestones.add(status=status).time.seconds = 1_700_000_000 + 60 * minute
    for scope in SCOPES:
        delivery.references.add(scope=scope, value=f"a {scope}")
    example = delivery.proofs[0]
    for kind in ProofKind.values():
        if kind:
            proof = delivery.proofs.add()
            proof.CopyFrom(example)
            proof.kind = kind
    return delivery


def _inner(field: FieldDescriptor) -> Descriptor | None:
    inner = field.message_type
    return None if inner is None or inner.full_name in WHOLE or inner.GetOptions().map_entry else inner


def _fill(message: Any, above: str) -> None:
    for field in message.DESCRIPTOR.fields:
        inner = field.message_type
        if inner is not None and inner.GetOptions().map_entry:
            continue
        if inner is None:
            value = _scalar(field)
            if field.is_repeated:
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)
        elif inner.full_name == "google.protobuf.Struct":
            getattr(message, field.name).update({"a": "b"})
        elif not above or above.count(".") < 6:
            part = getattr(message, field.name)
            _fill(part.add() if field.is_repeated else part, f"{above}{field.name}.")


def _scalar(field: FieldDescriptor) -> Any:
    if field.enum_type is not None:
        return field.enum_type.values[1].number
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            if field.type == FieldDescriptor.TYPE_BYTES:
                return b"\x89PNG\r\n\x1a\n"
            name = field.name[:20]
            return next((text.format(name=name) for end, text in PATTERNS.items() if name.endswith(end)), name)
        case FieldDescriptor.CPPTYPE_BOOL:
            return True
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return 1.5
        case _:
            return {"seconds": 1_700_000_000, "nanos": 0}.get(field.name, 2)
