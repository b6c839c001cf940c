"""How what a report tells beside the status is merged into a delivery; knows no status and no order.

Only members that are set count, so absence never erases. What is a list of things with names is united by
those names; what is one value in several members (a time, an amount, a telephone number) is replaced as a
whole.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from crossdock.v1.delivery_pb2 import Delivery
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

SET_ONCE = frozenset(
    (
        "kind",
        "location_id",
        "order_id",
        "shipment_id",
        "outbound_delivery_id",
        "carrier",
        "carrier_ref",
        "fee",
    )
)
"""Members that keep their first value: what the delivery is, and what was agreed."""

OWN = frozenset(
    (
        "id", "status", "substatus", "status_time", "status_reason", "carrier_status_raw",
        "carrier_substatus_raw", "milestones", "manual_override", "cancel_request_time", "attempt",
        "driver_sequence", "door_attempts", "last_event_number", "source_id", "create_time", "update_time",
        "etag",
    )
)  # fmt: skip
"""Members that follow from reports and are never told by a patch."""

_WHOLE = frozenset(
    (
        "google.protobuf.Struct",
        "google.protobuf.Timestamp",
        "google.type.Money",
        "google.type.LatLng",
        "google.type.PostalAddress",
        "google.protobuf.Duration",
        "crossdock.v1.Phone",
        "crossdock.v1.Price",
        "crossdock.v1.Position",
    )
)
"""Messages whose members make sense only together, and free-form objects, whose lists would grow at each report."""

_NAMES: dict[str, Callable[[Any], object]] = {
    "crossdock.v1.Delivery.references": lambda reference: (reference.scope, reference.value),
    "crossdock.v1.Delivery.costs": lambda item: (
        item.item_id,
        "" if item.item_id else item.name or item.SerializeToString(deterministic=True),
    ),
    "crossdock.v1.Delivery.refunds": lambda refund: refund.external_id or refund.SerializeToString(deterministic=True),
    # The same picture is one proof, in whatever words it is told of.
    "crossdock.v1.Delivery.proofs": lambda proof: (
        proof.image_sha256 or (proof.kind, proof.kind_raw, proof.url or proof.text)
    ),
    "crossdock.v1.Delivery.attention": lambda attention: attention.reason,
    "crossdock.v1.Stop.windows": lambda window: window.kind,
}
"""By what the entries of a list are told apart; a list that is not named here is replaced as a whole."""

_FIRST_COUNTS = frozenset(
    (
        "crossdock.v1.Delivery.references",
        "crossdock.v1.Delivery.refunds",
        "crossdock.v1.Delivery.proofs",
        "crossdock.v1.Delivery.attention",
    )
)
"""Lists of facts: an entry that is known is not touched. In the other lists the newer entry replaces.

Entries of the other lists that are told together are several also if they have one name, as two lines of a bill: the
n-th of a name replaces the n-th that is known by it.
"""


def merge(delivery: Delivery, patch: Delivery) -> None:
    """Merges what a report tells; equal values are passed over, which is the usual case and cheap."""
    for field, value in patch.ListFields():
        name = field.name
        if name in OWN or getattr(delivery, name) == value:
            continue
        if name in SET_ONCE and _is_set(delivery, field):
            continue
        if name == "courier" and is_another_courier(delivery, patch):
            delivery.courier.CopyFrom(patch.courier)
            continue
        _merge_member(delivery, field, value)


def clear(delivery: Delivery, paths: Iterable[str]) -> None:
    """Erases what a caller names; members that follow from reports and members set once stay."""
    for path in paths:
        *parents, last = path.split(".")
        if (parents or [last])[0] in OWN | SET_ONCE:
            continue
        owner: Message = delivery
        for name in parents:
            if name not in owner.DESCRIPTOR.fields_by_name or not owner.HasField(name):
                break
            owner = getattr(owner, name)
        else:
            if last in owner.DESCRIPTOR.fields_by_name:
                owner.ClearField(last)


def is_another_courier(delivery: Delivery, patch: Delivery) -> bool:
    """Whether the patch names a person other than the one who is known to carry the goods."""
    known, told = delivery.courier.external_id, patch.courier.external_id
    return known != "" and told != "" and known != told


def _merge_member(owner: Message, field: FieldDescriptor, value: Any) -> None:
    name, kind = field.name, field.message_type
    if field.is_repeated:
        if kind is not None and kind.GetOptions().map_entry:
            _merge_map(getattr(owner, name), value)
        else:
            _merge_list(getattr(owner, name), value, field.full_name)
    elif kind is None:
        setattr(owner, name, value)
    elif kind.full_name in _WHOLE:
        getattr(owner, name).CopyFrom(value)
    else:
        part = getattr(owner, name)
        part.SetInParent()
        for inner, told in value.ListFields():
            _merge_member(part, inner, told)


def _merge_map(known: Any, told: Any) -> None:
    for key, entry in told.items():
        known[key].MergeFrom(entry)


def _merge_list(known: Any, told: Any, path: str) -> None:
    name_of = _NAMES.get(path)
    if name_of is None:
        del known[:]
        known.extend(told)
        return
    if path in _FIRST_COUNTS:
        names = {name_of(entry) for entry in known}
        for entry in told:
            if (name := name_of(entry)) not in names:
                known.append(entry)
                names.add(name)
        return
    by_name: dict[object, list[Message]] = {}
    for entry in known:
        by_name.setdefault(name_of(entry), []).append(entry)
    met: Counter[object] = Counter()
    for entry in told:
        name = name_of(entry)
        same = by_name.get(name, [])
        if met[name] < len(same):
            same[met[name]].CopyFrom(entry)
        else:
            known.append(entry)
        met[name] += 1


def _is_set(delivery: Delivery, field: FieldDescriptor) -> bool:
    if field.message_type is not None:
        return delivery.HasField(field.name)  # type: ignore[arg-type]
    return bool(getattr(delivery, field.name))
