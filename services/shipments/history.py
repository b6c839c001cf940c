"""The steps of a shipment's history, written from what happened; pure."""

from collections.abc import Iterable, Iterator

from crossdock.v1.actor_pb2 import ACTOR_KIND_CARRIER, Actor
from crossdock.v1.delivery_pb2 import Delivery, StatusReason
from crossdock.v1.event_pb2 import EVENT_KIND_STATUS_CHANGED, Event
from crossdock.v1.shipment_pb2 import Shipment, ShipmentHistoryEntry
from google.protobuf.timestamp_pb2 import Timestamp

HUB = "Crossdock"
"""Who caused what nobody asked for."""


def step(shipment: Shipment, time: Timestamp, *, actor: Actor | None = None, note: str = "") -> ShipmentHistoryEntry:
    """The step to where a shipment stands now."""
    entry = ShipmentHistoryEntry(
        phase=shipment.phase,
        status=shipment.status,
        substatus=shipment.substatus,
        time=time,
        note=note,
        status_user=(actor.display_name or actor.id) if actor is not None else HUB,
        delivery_id=shipment.delivery_id,
    )
    if shipment.HasField("status_reason"):
        _give_reason(entry, shipment.status_reason)
    return entry


def steps_of(shipment: Shipment, delivery: Delivery, events: Iterable[Event]) -> Iterator[ShipmentHistoryEntry]:
    """The steps that a delivery just went through, the oldest first; the shipment is as it is after them."""
    for event in events:
        if EVENT_KIND_STATUS_CHANGED not in event.kinds:
            continue
        entry = ShipmentHistoryEntry(
            phase=shipment.phase,
            status=event.status,
            time=event.event_time,
            status_user=_user(event, delivery),
            delivery_id=delivery.id,
            synthetic=event.synthetic,
        )
        if event.status == delivery.status:
            entry.substatus = delivery.substatus
        if event.report.HasField("reason"):
            _give_reason(entry, event.report.reason)
            entry.note = event.report.reason.message
        yield entry


def _user(event: Event, delivery: Delivery) -> str:
    by_carrier = event.actor.kind == ACTOR_KIND_CARRIER or not event.HasField("actor")
    carrier = delivery.carrier or delivery.carrier_ref
    name = event.actor.display_name or event.actor.id
    return (carrier or name) if by_carrier else (name or carrier)


def _give_reason(entry: ShipmentHistoryEntry, reason: StatusReason) -> None:
    """A word of ours, in lower_snake_case, also makes the title; a carrier's own word is its own title."""
    entry.reason.CopyFrom(reason)
    code = reason.code
    entry.reason_title = code.replace("_", " ").title() if code.islower() else code
