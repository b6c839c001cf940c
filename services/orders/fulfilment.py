"""How an order follows from what is said of it: one table of ranks; pure, knows no delivery, clock or storage.

A caller may set any status (`OrderService`); what a message says is history unless it leads on.
"""

from typing import Literal, NamedTuple, TypeAlias

from crossdock.v1 import event_pb2
from crossdock.v1.order_pb2 import FulfilmentStatus, Order
from google.protobuf.timestamp_pb2 import Timestamp

Status: TypeAlias = FulfilmentStatus.ValueType

CLOSED_RANK = 6
RANKS: dict[Status, int] = {
    FulfilmentStatus.FULFILMENT_STATUS_UNSPECIFIED: -1,
    FulfilmentStatus.FULFILMENT_STATUS_NEW: 0,
    FulfilmentStatus.FULFILMENT_STATUS_RECEIVED: 1,
    FulfilmentStatus.FULFILMENT_STATUS_ACCEPTED: 2,
    FulfilmentStatus.FULFILMENT_STATUS_IN_PREPARATION: 3,
    FulfilmentStatus.FULFILMENT_STATUS_AWAITING_SHIPMENT: 4,
    FulfilmentStatus.FULFILMENT_STATUS_AWAITING_COLLECTION: 4,
    FulfilmentStatus.FULFILMENT_STATUS_IN_DELIVERY: 5,
    FulfilmentStatus.FULFILMENT_STATUS_COMPLETED: CLOSED_RANK,
    FulfilmentStatus.FULFILMENT_STATUS_REJECTED: CLOSED_RANK,
    FulfilmentStatus.FULFILMENT_STATUS_CANCELLED: CLOSED_RANK,
    FulfilmentStatus.FULFILMENT_STATUS_DELIVERY_FAILED: CLOSED_RANK,
}
"""How far each status is. A closed order stays closed for messages; only a caller opens it again."""

WORDS = {value: name.removeprefix("FULFILMENT_STATUS_") for name, value in FulfilmentStatus.items()}
"""What explanations call a status."""

MAX_REFERENCES = 50
"""How many names an order bears, at most."""
MAX_BYTES = 256 * 1024
"""How large an order may grow by what messages add in extensions."""

_TIMES: dict[Status, Literal["preparation_start_time", "ready_for_pickup_time"]] = {
    FulfilmentStatus.FULFILMENT_STATUS_IN_PREPARATION: "preparation_start_time",
    FulfilmentStatus.FULFILMENT_STATUS_AWAITING_SHIPMENT: "ready_for_pickup_time",
    FulfilmentStatus.FULFILMENT_STATUS_AWAITING_COLLECTION: "ready_for_pickup_time",
}
"""The member that tells since when, for the statuses that have one."""

_TAKEN = frozenset(
    (
        "private_ref", "channel", "expected_time", "customer", "delivery_address", "delivery_notes", "customer_notes",
        "items", "total", "preparation_start_time", "ready_for_pickup_time", "service_type", "service_type_ref",
    )
)  # fmt: skip
"""Members of a patch that are taken while nothing is known of them: what a caller told counts more."""


class Finding(NamedTuple):
    """What became of a message that is about an order."""

    disposition: event_pb2.Disposition.ValueType
    explanation: str


def tell(order: Order, patch: Order, time: Timestamp) -> Finding:
    """Takes over what a message says, in place; ``time`` is when it says so."""
    before = Order()
    before.CopyFrom(order)
    finding = _move(order, patch, time)
    _take(order, patch)
    if finding.disposition == event_pb2.DISPOSITION_NO_CHANGE and order != before:
        return finding._replace(disposition=event_pb2.DISPOSITION_OVERLAY_ONLY)
    return finding


def _move(order: Order, patch: Order, time: Timestamp) -> Finding:
    here, target = order.status, patch.status
    if not target:
        return Finding(event_pb2.DISPOSITION_NO_CHANGE, "It tells nothing of how far the order is.")
    if target in _TIMES and RANKS[here] < CLOSED_RANK:
        since: Timestamp = getattr(order, _TIMES[target])
        if since == Timestamp() and not patch.HasField(_TIMES[target]):
            since.CopyFrom(time)
    word, present = WORDS[target], WORDS[here]
    if target == here:
        return Finding(event_pb2.DISPOSITION_NO_CHANGE, f"The order is {present} already.")
    if RANKS[here] == CLOSED_RANK:
        return Finding(event_pb2.DISPOSITION_AFTER_TERMINAL, f"The order is closed as {present}, {word} is too late.")
    if RANKS[target] < RANKS[here]:
        return Finding(
            event_pb2.DISPOSITION_REGRESSION_IGNORED, f"The order is {present}: {word} lies behind it and is history."
        )
    order.status = target
    order.status_raw = patch.status_raw
    return Finding(event_pb2.DISPOSITION_APPLIED, f"The order was {present} and is {word}.")


def _take(order: Order, patch: Order) -> None:
    """What the message tells beside the status."""
    known = {field.name for field, _ in order.ListFields()}
    news = Order()
    for field, _ in patch.ListFields():
        if field.name in _TAKEN - known:
            news.MergeFrom(Order(**{field.name: getattr(patch, field.name)}))
    order.MergeFrom(news)
    names = {(reference.scope, reference.value) for reference in order.references}
    for reference in patch.references:
        if (reference.scope, reference.value) not in names and len(order.references) < MAX_REFERENCES:
            order.references.append(reference)
    if order.ByteSize() < MAX_BYTES:
        for dialect, members in patch.extensions.items():
            for name, member in members.fields.items():
                if name not in order.extensions[dialect].fields:
                    order.extensions[dialect].fields[name].CopyFrom(member)
