"""Writes what happened as the event of a HubRise callback; pure, and knows no HTTP.

A delivery's events are `delivery.create` and `delivery.update`; what is said of an order and shows nowhere on its
delivery is `order.update`. Source: the Callbacks page of HubRise's API reference.
"""

from datetime import tzinfo
from typing import Final

from crossdock.v1 import event_pb2 as events
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.event_pb2 import Event
from crossdock.v1.subscription_pb2 import OutboundEvent, Subscription

from gateway.dialects.callers import zone_of
from gateway.dialects.hubrise import write, write_orders
from gateway.dialects.hubrise.protos import time_text
from gateway.dialects.hubrise.words import TIMES_OUT, TIMES_UNDER, shown
from gateway.dialects.outbound import Document

SHOWN: Final[dict[str, tuple[str, ...]]] = {
    "carrier": ("carrier",),
    "carrier_ref": ("carrier_ref",),
    "tracking_number": ("ref",),
    "fee": ("fee",),
    "estimates": ("estimated_pickup_at", "estimated_dropoff_at"),
    "links": ("tracking_url", "driver_pickup_url"),
    "courier": ("driver_name", "driver_phone", "driver_phone_access_code"),
    "position": ("driver_latitude", "driver_longitude"),
    "order_id": ("order_id",),
    "location_id": ("location_id",),
}
"""The members of HubRise's delivery that show each member of ours; status and times follow their own tables."""


def write_event(told: OutboundEvent, _subscription: Subscription) -> Document | None:
    """The event; None where nothing that HubRise shows has changed."""
    zone = zone_of(told.location)
    event = told.event
    if event.delivery_id:
        state = _state(event, told.delivery)
        document = write.delivery(state, zone)
        if event.kind == events.EVENT_KIND_CREATED:
            return _event(told, "delivery", "create", zone) | {"new_state": document}
        if _is_shown(event, state):
            states = {"previous_state": _previous(event, state, document), "new_state": document}
            return _event(told, "delivery", "update", zone) | states
    if event.report.HasField("order_patch") and told.HasField("order"):
        # What the order was before is not kept.
        states = {"previous_state": {}, "new_state": write_orders.order(told.order, zone)}
        return _event(told, "order", "update", zone) | states
    return None


def _event(told: OutboundEvent, resource: str, event_type: str, zone: tzinfo) -> Document:
    event, delivery = told.event, told.delivery
    ids = {
        "delivery_id": event.delivery_id,
        "order_id": event.order_id or delivery.order_id or told.order.id or None,
        "location_id": event.location_id or delivery.location_id or told.order.location_id or None,
    }
    if resource == "order":
        del ids["delivery_id"]
    return {
        "id": told.message_id or event.id,
        "resource_type": resource,
        "event_type": event_type,
        "created_at": time_text(event.event_time, zone),
        **ids,
    }


def _is_shown(event: Event, state: Delivery) -> bool:
    """Whether the event changed anything that a client of HubRise can see."""
    if event.kind == events.EVENT_KIND_REPORT_RECORDED:
        return False
    if shown(event.previous_status) != shown(event.status) or _times_set(event, state):
        return True
    return any(path in SHOWN or path == "extensions" for path in event.changed_paths)


def _times_set(event: Event, state: Delivery) -> list[str]:
    """The members of time that tell of a status which the event reached, or gave its time."""
    if "milestones" not in event.changed_paths:
        return []
    reached = {event.status, *(each.status for each in event.report.milestones)}
    told = {name: write.milestone(state, name) for name in TIMES_OUT}
    return [name for name, milestone in told.items() if milestone is not None and milestone.status in reached]


def _state(event: Event, delivery: Delivery) -> Delivery:
    """The delivery after the event. It may have gone on since: status and times are told as they were then.

    Milestones stand in the order of their times, and a carrier may tell of an end that lies before the day on which
    the delivery became known here: the word as well says what was still ahead.
    """
    if event.status == delivery.status:
        return delivery
    then = Delivery()
    then.CopyFrom(delivery)
    then.status = event.status
    statuses = [each.status for each in then.milestones]
    if event.status in statuses:
        del then.milestones[statuses.index(event.status) + 1 :]
    ahead = {each for name in TIMES_OUT.keys() - TIMES_UNDER[shown(event.status)] for each in TIMES_OUT[name]}
    kept = [each for each in then.milestones if each.status not in ahead]
    del then.milestones[:]
    then.milestones.extend(kept)
    return then


def _previous(event: Event, state: Delivery, document: Document) -> Document:
    """The delivery before the event, without the members of which only the new value is kept."""
    changed = {name for path in event.changed_paths for name in SHOWN.get(path, ())}
    times = _times_set(event, state)
    moved = event.previous_status != event.status
    if not moved:
        changed |= {*times}
    if "extensions" in event.changed_paths:
        changed |= document.keys() - _DOCUMENTED
    previous = {name: value for name, value in document.items() if name not in changed}
    # A time that a status brought along was not set before it.
    return previous | dict.fromkeys(times if moved else ()) | {"status": shown(event.previous_status)}


_DOCUMENTED = frozenset(write.delivery(Delivery(), zone_of(OutboundEvent().location)))
