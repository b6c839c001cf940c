"""Chooses which of Evermile's three messages tells an event, and lays over it what Evermile sent; pure, no HTTP.

What changes an order is told as the picture of the whole order. Live tracking is told where its `updateKind` has a
documented word, or came from Evermile; the message that has nothing but an order and a time, where one came in.
"""

from collections.abc import Mapping
from typing import Any, Final

from crossdock.v1 import event_pb2 as events
from crossdock.v1.event_pb2 import Event
from crossdock.v1.subscription_pb2 import OutboundEvent, Subscription

from gateway.dialects.evermile.ordering import in_documented_order
from gateway.dialects.evermile.steps import is_theirs, step_of, still_ahead
from gateway.dialects.evermile.write_orders import name_of, write_order, write_tracking
from gateway.dialects.evermile.write_values import pruned, time
from gateway.dialects.outbound import Document
from gateway.dialects.structs import members_of

DIALECT: Final = "evermile"
DROPOFF_ETA: Final = "DropoffEta"
"""The only kind of update that is documented."""

_TOLD = frozenset(
    (
        events.EVENT_KIND_CREATED,
        events.EVENT_KIND_STATUS_CHANGED,
        events.EVENT_KIND_COURIER_CHANGED,
        events.EVENT_KIND_ESTIMATES_CHANGED,
        events.EVENT_KIND_PROOF_ADDED,
        events.EVENT_KIND_COSTS_CHANGED,
        events.EVENT_KIND_DETAILS_CHANGED,
    )
)
_OF_TRACKING = ("dropoffWindowType", "isCourierAssigned", "isOnWayToPickup", "vehicleType")
"""Members of live tracking that are kept beside those of the order."""
_OF_THE_MOMENT = frozenset((*_OF_TRACKING, "status", "orderTrackingInfo", "trackingInfo", "message"))
"""What was said with one message and is not true of the next."""


def write(told: OutboundEvent, _subscription: Subscription) -> Document | None:
    """The message; None where Evermile has no word for what happened."""
    event = told.event
    if not event.delivery_id:
        return None
    theirs = is_theirs(event)
    if theirs and any(each.reason == "unexplained_notice" for each in event.report.attention):
        return {"orderId": name_of(told), "timestamp": time(event.event_time)}
    if theirs and event.report.ping:
        document = _tracking(told, event.report.substatus_raw)
    elif not theirs and _is_about_dropoff(event):
        document = _tracking(told, DROPOFF_ETA)
    else:
        document = _order(told, theirs)
    return None if document is None else in_documented_order(document)


def _is_about_dropoff(event: Event) -> bool:
    """The estimate for it and nothing else: an order that moves tells its estimate as well."""
    told = event.report.patch.estimates
    return list(event.kinds) == [events.EVENT_KIND_ESTIMATES_CHANGED] and told.HasField("dropoff_time")


def _order(told: OutboundEvent, theirs: bool) -> Document | None:
    event, step = told.event, step_of(told.event, told.delivery)
    if step is None or (event.kind not in _TOLD and not (theirs and event.report.status_raw)):
        return None
    if event.report.unmapped:
        return None
    order = pruned(write_order(told, step))
    said = _kept(event.report.patch.extensions) if theirs else {}
    around = said.pop("message", {})
    said.pop("trackingInfo", None)
    tracking = {name: said.pop(name) for name in _OF_TRACKING if name in said}
    if tracking:
        said["orderTrackingInfo"] = {**tracking, **said.get("orderTrackingInfo", {})}
    known = {name: value for name, value in _kept(told.delivery.extensions).items() if name not in _OF_THE_MOMENT}
    order = _filled(order, known)
    for name in still_ahead(event, told.delivery):
        order.pop(name, None)
    return {"order": _laid_over(order, said), "timestamp": time(event.event_time), **around}


def _tracking(told: OutboundEvent, update_kind: str) -> Document | None:
    event = told.event
    if event.kind not in _TOLD:
        return None
    tracking = pruned(write_tracking(told.delivery, step_of(event, told.delivery)))
    said = _kept(event.report.patch.extensions) if is_theirs(event) else {}
    tracking |= {name: said[name] for name in _OF_TRACKING if name in said}
    kind = {"updateKind": update_kind} if update_kind else {}
    return {
        "orderId": name_of(told),
        "timestamp": time(event.event_time),
        "trackingInfo": _laid_over(tracking, said.get("trackingInfo", {})),
        **kind,
        **said.get("message", {}),
    }


def _kept(extensions: Mapping[str, Any]) -> dict[str, Any]:
    return members_of(extensions[DIALECT]) if DIALECT in extensions else {}


def _filled(told: dict[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """With members that Evermile sent at some time and nobody knows better."""
    for name, value in kept.items():
        if isinstance(value, dict) and isinstance(told.get(name), dict):
            _filled(told[name], value)
        else:
            told.setdefault(name, value)
    return told


def _laid_over(told: dict[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """With members as this very message of Evermile's had them, where the contract holds them otherwise."""
    for name, value in said.items():
        inner = told.get(name)
        told[name] = _laid_over(inner, value) if isinstance(value, dict) and isinstance(inner, dict) else value
    return told
