"""Events written from what happened to a delivery; sees the states before and after, and knows no rule."""

from dataclasses import dataclass
from typing import NamedTuple

from crossdock.v1 import event_pb2 as pb
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.event_pb2 import Event
from google.protobuf.timestamp_pb2 import Timestamp

from services.deliveries.changes import PING_MEMBERS, changed_members, disposition_of, kinds_of
from services.deliveries.inputs import Input
from services.deliveries.statuses import WORDS


class Finding(NamedTuple):
    """What the rules said of an input."""

    disposition: pb.Disposition.ValueType
    """What became of it if it changed nothing."""
    because: str
    """The rule, in a sentence."""
    passing: bool = False
    """True for a ping that did no more in its place than to tell the position."""


@dataclass(slots=True)
class Result:
    """What became of an input, and the events that tell it: inferred ones first, none for a ping."""

    input: Input
    disposition: pb.Disposition.ValueType
    explanation: str
    events: list[Event]


def duplicate(given: Input) -> Result:
    """The same was said at the same time before: nothing is done and nothing is told."""
    return Result(given, pb.DISPOSITION_DUPLICATE, "The same was said of the same moment before.", [])


def record(before: Delivery, after: Delivery, given: Input, finding: Finding, now: Timestamp) -> Result:
    """Tells what an input made of a delivery; gives ``after`` its time of change, event number and etag."""
    changed = changed_members(before, after)
    if changed:
        after.update_time.CopyFrom(now)
    disposition = disposition_of(changed, finding.disposition)
    explanation = finding.because + _effect(disposition, changed)
    if finding.passing and PING_MEMBERS.issuperset(changed):
        return Result(given, disposition, explanation, [])
    # The place of an override in the order is its moment of record, which may lie just ahead of now.
    moment = given.receive_time if given.report.override else now
    events = _inferred(before, after, moment)
    previous = events[-1].status if events else before.status
    event = _event(after, kinds_of(changed), given.time, moment)
    event.previous_status = previous
    event.status = after.status
    event.disposition = disposition
    event.explanation = explanation
    event.changed_paths.extend(changed)
    event.report.CopyFrom(given.report)
    if given.report.HasField("actor"):
        event.actor.CopyFrom(given.report.actor)
    event.webhook_id = given.webhook_id
    event.source_id = given.source_id
    events.append(event)
    for each in events:
        after.last_event_number += 1
        each.number = after.last_event_number
    if changed:
        after.etag = str(after.last_event_number)
    return Result(given, disposition, explanation, events)


def record_creation(delivery: Delivery, now: Timestamp) -> Event:
    """The first event, whose report holds the delivery as it began."""
    event = _event(delivery, [pb.EVENT_KIND_CREATED], now, now)
    event.number = delivery.last_event_number = 1
    delivery.etag = "1"
    event.status = delivery.status
    event.disposition = pb.DISPOSITION_APPLIED
    event.source_id = delivery.source_id
    event.explanation = "A webhook made it known." if delivery.source_id else "It was asked for."
    event.changed_paths.extend(changed_members(Delivery(), delivery))
    event.report.patch.CopyFrom(delivery)
    return event


def _inferred(before: Delivery, after: Delivery, moment: Timestamp) -> list[Event]:
    """One event for each status that was skipped on the way from ``before`` to ``after``."""
    if before.status == after.status:
        return []
    known = [milestone for milestone in before.milestones if milestone.synthetic]
    events: list[Event] = []
    previous = before.status
    for milestone in after.milestones:
        if not milestone.synthetic or milestone in known:
            continue
        event = _event(after, [pb.EVENT_KIND_STATUS_CHANGED], milestone.time, moment)
        event.previous_status = previous
        event.status = previous = milestone.status
        event.disposition = pb.DISPOSITION_APPLIED
        event.synthetic = True
        event.explanation = f"Nobody reported {WORDS[milestone.status]}: it follows from {WORDS[after.status]}."
        event.changed_paths.extend(("status", "milestones"))
        events.append(event)
    return events


def _event(
    delivery: Delivery, kinds: list[pb.EventKind.ValueType], event_time: Timestamp, record_time: Timestamp
) -> Event:
    return Event(
        delivery_id=delivery.id,
        location_id=delivery.location_id,
        order_id=delivery.order_id,
        shipment_id=delivery.shipment_id,
        carrier=delivery.carrier,
        kind=kinds[0],
        kinds=kinds,
        event_time=event_time,
        record_time=record_time,
    )


def _effect(disposition: int, changed: list[str]) -> str:
    effect = ""
    if disposition == pb.DISPOSITION_MILESTONE_ONLY:
        effect = " It gives a milestone its time."
    elif disposition == pb.DISPOSITION_OVERLAY_ONLY:
        effect = f" It changes {', '.join(changed)}."
    if "driver_sequence" in changed and "courier" in changed:
        effect += " It names the driver who counts now."
    return effect
