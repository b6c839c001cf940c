"""Writes what happened as a CloudEvent in structured JSON: our own messages, in the mapping that `/v1` has too; pure.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md; `sequence` and `partitionkey` are
documented extensions of CloudEvents.
"""

from typing import Any, Final

from crossdock.v1 import event_pb2
from crossdock.v1.event_pb2 import Event
from crossdock.v1.subscription_pb2 import PAYLOAD_STYLE_THIN, OutboundEvent, Subscription
from google.protobuf.message import Message

from gateway.dialects.outbound import Document
from gateway.transcode.writers import writer_of

MEDIA_TYPE: Final = "application/cloudevents+json"
SOURCE: Final = "/crossdock"
TYPES: Final[dict[int, str]] = {
    event_pb2.EVENT_KIND_CREATED: "crossdock.delivery.created.v1",
    event_pb2.EVENT_KIND_STATUS_CHANGED: "crossdock.delivery.status_changed.v1",
    event_pb2.EVENT_KIND_COURIER_CHANGED: "crossdock.delivery.courier_changed.v1",
    event_pb2.EVENT_KIND_ESTIMATES_CHANGED: "crossdock.delivery.estimates_changed.v1",
    event_pb2.EVENT_KIND_PROOF_ADDED: "crossdock.delivery.proof_added.v1",
    event_pb2.EVENT_KIND_COSTS_CHANGED: "crossdock.delivery.costs_changed.v1",
    event_pb2.EVENT_KIND_REFUND_RECORDED: "crossdock.delivery.refund_recorded.v1",
    event_pb2.EVENT_KIND_ATTENTION_CHANGED: "crossdock.delivery.attention_changed.v1",
    event_pb2.EVENT_KIND_DETAILS_CHANGED: "crossdock.delivery.details_changed.v1",
    event_pb2.EVENT_KIND_CANCEL_REQUESTED: "crossdock.delivery.cancel_requested.v1",
    event_pb2.EVENT_KIND_REPORT_RECORDED: "crossdock.delivery.report_recorded.v1",
    event_pb2.EVENT_KIND_SHIPMENT_CHANGED: "crossdock.shipment.changed.v1",
    event_pb2.EVENT_KIND_SUBSCRIPTION_CHANGED: "crossdock.subscription.changed.v1",
}
"""By what the event is mainly about. The number counts up when a type's data changes in a way that could break."""

OTHER_TYPE: Final = "crossdock.event.v1"
"""Of an event of a kind that newer services tell and this gateway does not know yet."""

THIN: Final = (
    "id", "delivery_id", "location_id", "order_id", "shipment_id", "number", "kind", "kinds", "previous_status",
    "status", "synthetic", "event_time", "record_time", "shipment_phase", "subscription_id",
)  # fmt: skip
"""The members of an event in a message of style THIN: who, what and when, and nobody's name or address."""


def write(told: OutboundEvent, subscription: Subscription) -> Document:
    """The CloudEvent. Every event has one."""
    event = told.event
    subject, key = _subject(event)
    envelope = {
        "specversion": "1.0",
        "id": event.id or told.message_id,
        "source": SOURCE,
        "type": TYPES.get(event.kind, OTHER_TYPE),
        "subject": subject,
        "time": event.event_time.ToJsonString() if event.HasField("event_time") else "",
        "datacontenttype": "application/json",
        # Compared as text by those who put a delivery's events in their order.
        "sequence": f"{event.number:020}",
        "partitionkey": key,
        "data": _thin(event) if subscription.payload_style == PAYLOAD_STYLE_THIN else _full(told),
    }
    # An attribute that is there must not be empty.
    return {name: value for name, value in envelope.items() if value != ""}


def _subject(event: Event) -> tuple[str, str]:
    """What the event is about, as the path under `/v1` and as its identifier."""
    for folder, identifier in (
        ("deliveries", event.delivery_id),
        ("subscriptions", event.subscription_id),
        ("shipments", event.shipment_id),
    ):
        if identifier:
            return f"{folder}/{identifier}", identifier
    return "", ""


def _thin(event: Event) -> dict[str, Any]:
    made = Event()
    for field, value in event.ListFields():
        if field.name not in THIN:
            continue
        if field.is_repeated:
            getattr(made, field.name).extend(value)
        elif field.message_type is not None:
            getattr(made, field.name).CopyFrom(value)
        else:
            setattr(made, field.name, value)
    return {"event": _json(made)}


def _full(told: OutboundEvent) -> dict[str, Any]:
    """The event and what it is about, as that is now."""
    data = {"event": _json(told.event)}
    if told.event.delivery_id and told.HasField("delivery"):
        data["delivery"] = _json(told.delivery)
    elif told.event.shipment_id and told.HasField("shipment"):
        data["shipment"] = _json(told.shipment)
    return data


def _json(message: Message) -> Any:
    return writer_of(message.DESCRIPTOR)(message)
