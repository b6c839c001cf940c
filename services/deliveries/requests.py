"""What callers ask of deliveries, put as reports; pure, and knows neither rows nor rules of the lifecycle."""

from datetime import datetime

from crossdock.v1.actor_pb2 import Actor, ActorKind
from crossdock.v1.delivery_pb2 import DeliveryStatus, StatusReason
from crossdock.v1.delivery_service_pb2 import OverrideDeliveryStatusRequest, UpdateDeliveryRequest
from crossdock.v1.report_pb2 import DeliveryReport

from services import masks, times
from services.deliveries.changes import PING_MEMBERS

ASSIGNED = frozenset(
    {
        "id",
        "location_id",
        "order_id",
        "shipment_id",
        "status_time",
        "carrier_status_raw",
        "carrier_substatus_raw",
        "manual_override",
        "cancel_request_time",
        "attempt",
        "driver_sequence",
        "door_attempts",
        "last_event_number",
        "source_id",
        "create_time",
        "update_time",
        "etag",
    }
)
"""Members of a delivery that an update cannot name: the hub keeps them."""
_OF_THE_REPORT = frozenset({"status", "substatus", "status_reason", "milestones"})
"""Members that a report carries beside its patch."""


def update(request: UpdateDeliveryRequest, actor: Actor, now: datetime) -> DeliveryReport:
    """The report that an UpdateDelivery stands for. Raises INVALID_REQUEST for paths that do not fit."""
    given = request.delivery
    paths = masks.paths_of(given, request.update_mask, assigned=ASSIGNED)
    report = DeliveryReport(actor=actor, event_time=times.to_timestamp(now))
    if "status" in paths:
        report.status = given.status
    if "substatus" in paths:
        report.substatus = given.substatus
    if "status_reason" in paths and given.HasField("status_reason"):
        report.reason.CopyFrom(given.status_reason)
    if "milestones" in paths:
        report.milestones.MergeFrom(given.milestones)
    # Where a driver is comes many times a minute: like a carrier's ping it leaves no event.
    report.ping = bool(paths) and {path.partition(".")[0] for path in paths} <= PING_MEMBERS
    for path in paths:
        if path.partition(".")[0] in _OF_THE_REPORT:
            continue
        if masks.is_set_at(given, path):
            masks.copy_path(given, report.patch, path)
        else:
            report.clear_mask.paths.append(path)
    return report


def cancel(reason: StatusReason, actor: Actor, now: datetime) -> DeliveryReport:
    """The report that a CancelDelivery stands for; the caller is the actor unless another one is named."""
    report = DeliveryReport(
        actor=actor, event_time=times.to_timestamp(now), status=DeliveryStatus.DELIVERY_STATUS_CANCELLED
    )
    report.reason.CopyFrom(reason)
    if not reason.HasField("actor"):
        report.reason.actor.CopyFrom(actor)
    return report


def override(request: OverrideDeliveryStatusRequest, caller: Actor, now: datetime) -> DeliveryReport:
    """The report that an OverrideDeliveryStatus stands for: an operator's word against everybody's."""
    actor = Actor(kind=ActorKind.ACTOR_KIND_OPERATOR, id=caller.id, display_name=request.actor)
    report = DeliveryReport(
        actor=actor,
        status=request.status,
        override=True,
        reason=StatusReason(code="manual_override", message=request.reason, actor=actor),
    )
    moment = request.event_time if request.HasField("event_time") else times.to_timestamp(now)
    report.event_time.CopyFrom(moment)
    return report
