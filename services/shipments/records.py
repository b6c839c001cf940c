"""The event written from what happened to a shipment; sees the states before and after, and knows no rule."""

from crossdock.v1.actor_pb2 import Actor
from crossdock.v1.event_pb2 import DISPOSITION_APPLIED, EVENT_KIND_SHIPMENT_CHANGED, Event
from crossdock.v1.shipment_pb2 import Shipment
from google.protobuf.timestamp_pb2 import Timestamp

from services.deliveries.changes import changed_members


def record(before: Shipment, after: Shipment, *, now: Timestamp, actor: Actor | None, explanation: str) -> Event | None:
    """The event of a change, without id and number; None when nothing changed."""
    changed = changed_members(before, after)
    if not changed:
        return None
    event = Event(
        location_id=after.location_id,
        order_id=after.order_id,
        shipment_id=after.id,
        kind=EVENT_KIND_SHIPMENT_CHANGED,
        kinds=[EVENT_KIND_SHIPMENT_CHANGED],
        disposition=DISPOSITION_APPLIED,
        previous_status=before.status,
        status=after.status,
        carrier=after.carrier.name,
        event_time=now,
        record_time=now,
        explanation=explanation,
        changed_paths=changed,
        shipment_phase=after.phase,
    )
    if actor is not None:
        event.actor.CopyFrom(actor)
    return event
