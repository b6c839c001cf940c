"""What happened in the hub in Ordatic's words, for each kind of app what it is told; pure, knows no HTTP.

One event makes one message at most. Where it tells several things, the move of the status counts, then a refund, then
a proof. Goods that come back have no words here.
"""

from collections.abc import Sequence
from typing import Any

from crossdock.v1 import event_pb2
from crossdock.v1.delivery_pb2 import DELIVERY_KIND_RETURN, Delivery
from crossdock.v1.event_pb2 import Event
from crossdock.v1.reference_pb2 import ExternalReference
from crossdock.v1.subscription_pb2 import (
    SUBSCRIBER_ROLE_CHANNEL,
    SUBSCRIBER_ROLE_LOYALTY,
    SUBSCRIBER_ROLE_POS,
    SUBSCRIBER_ROLE_RIDERS,
    SUBSCRIBER_ROLE_UNSPECIFIED,
    OutboundEvent,
    SubscriberRole,
    Subscription,
)

from gateway.dialects.ordatic.proofs import write_proof
from gateway.dialects.ordatic.refunds import write_refund
from gateway.dialects.ordatic.words import CANCELLED, MAKE_READY, WORDS, cancellation_word, order_word
from gateway.dialects.outbound import Document

_CHANNEL, _POS, _RIDERS, _LOYALTY = (
    SUBSCRIBER_ROLE_CHANNEL,
    SUBSCRIBER_ROLE_POS,
    SUBSCRIBER_ROLE_RIDERS,
    SUBSCRIBER_ROLE_LOYALTY,
)

AUDIENCE: dict[str, frozenset[SubscriberRole.ValueType]] = {
    "order-accepted": frozenset((_POS,)),
    "order-in-kitchen": frozenset((_CHANNEL, _RIDERS, _LOYALTY)),
    "order-ready-to-pick-up": frozenset((_CHANNEL, _RIDERS)),
    "order-picked-up": frozenset((_CHANNEL,)),
    "order-served": frozenset((_CHANNEL,)),
    "order-canceled": frozenset((_POS, _RIDERS, _LOYALTY)),
    "rider-created": frozenset((_CHANNEL, _POS)),
    "rider-picking": frozenset((_CHANNEL, _POS)),
    "rider-delivering": frozenset((_CHANNEL, _POS)),
    "rider-completed": frozenset((_CHANNEL, _POS)),
    "rider-error": frozenset((_CHANNEL, _POS)),
    "rider-proof-delivery": frozenset((_CHANNEL,)),
    "rider-refund": frozenset((_CHANNEL,)),
}
"""Who is told of each event, as documented. A subscriber without role is told of every one."""


def write(outbound: OutboundEvent, subscription: Subscription) -> Document | None:
    """The message, or None where there is none for the event or for the subscriber's role."""
    word, more = _word_and_members(outbound, subscription)
    if not word or outbound.delivery.kind == DELIVERY_KIND_RETURN:
        return None
    if subscription.role != SUBSCRIBER_ROLE_UNSPECIFIED and subscription.role not in AUDIENCE[word]:
        return None
    return {
        "eventType": word,
        "storeId": _store_of(outbound),
        "data": {"orderId": _order_of(outbound), **more},
    }


def _word_and_members(outbound: OutboundEvent, subscription: Subscription) -> tuple[str, dict[str, Any]]:
    event, delivery = outbound.event, outbound.delivery
    if event.kind == event_pb2.EVENT_KIND_CREATED:
        # The next delivery of an order does not make the order again.
        return ("order-accepted" if delivery.attempt <= 1 else "", {})
    if event.report.HasField("order_patch"):
        told = event.report.order_patch
        return order_word(told.status, told.service_type or outbound.order.service_type), {}
    if event_pb2.EVENT_KIND_STATUS_CHANGED in event.kinds and (word := _moved(outbound, subscription)):
        return word, {}
    if event_pb2.EVENT_KIND_REFUND_RECORDED in event.kinds and event.report.patch.refunds:
        return "rider-refund", {"refund": write_refund(event.report.patch.refunds[0])}
    if event_pb2.EVENT_KIND_PROOF_ADDED in event.kinds and (proof := _proof(event, delivery)):
        return "rider-proof-delivery", {"proofDelivery": proof}
    return next((word for member, word in MAKE_READY.items() if member in event.changed_paths), ""), {}


def _moved(outbound: OutboundEvent, subscription: Subscription) -> str:
    """The word for the new status, unless the subscriber was told the same one of the status before."""
    event, delivery = outbound.event, outbound.delivery
    word = WORDS[event.status]
    inferred = any(each.synthetic and each.status == event.previous_status for each in delivery.milestones)
    if word != WORDS[event.previous_status] or (subscription.filter.exclude_synthetic and inferred):
        reason = event.report.reason if event.report.HasField("reason") else delivery.status_reason
        return cancellation_word(reason) if word == CANCELLED else word
    return ""


def _proof(event: Event, delivery: Delivery) -> str:
    """The first proof of the report that can be told; its image stands with the delivery's, if anywhere."""
    for told in event.report.patch.proofs:
        if written := write_proof(told):
            return written
        for known in delivery.proofs:
            if told.image_sha256 and known.image_sha256 == told.image_sha256:
                return write_proof(known)
    return ""


def _order_of(outbound: OutboundEvent) -> str:
    """What Ordatic calls the order, else what its creator does, else what we do."""
    order, delivery = outbound.order, outbound.delivery
    return (
        _named("ordatic.order", order.references, delivery.references)
        or order.private_ref
        or _named("order", order.references, delivery.references)
        or order.id
        or delivery.id
    )


def _store_of(outbound: OutboundEvent) -> str:
    """What Ordatic calls the store, else what its own system does, else what we do."""
    known = outbound.order.extensions
    told = known["ordatic"].fields["storeId"].string_value if "ordatic" in known else ""
    location = outbound.location
    return told or outbound.delivery.consignment.pickup.external_id or location.external_id or location.id


def _named(scope: str, *references: Sequence[ExternalReference]) -> str:
    return next((each.value for known in references for each in known if each.scope == scope), "")
