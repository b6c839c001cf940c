"""How the methods of subscriptions are tried on things of another tenant, and cancelled at every step."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.event_pb2 import EventFilter
from crossdock.v1.subscription_pb2 import ATTEMPT_OUTCOME_REFUSED, Attempt, Subscription
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

LONG_AGO = Timestamp(seconds=1)
URL = "https://subscriber.example/hook"


class Theirs(Protocol):
    """What a foreign caller may try to reach."""

    subscription_id: str
    location_id: str
    shipment_id: str
    event_id: str


def _create(theirs: Theirs, _: Any) -> Sequence[Message]:
    return [
        contract.CreateSubscriptionRequest(
            subscription=Subscription(url=URL, filter=EventFilter(location_ids=[theirs.location_id]))
        ),
        contract.CreateSubscriptionRequest(subscription=Subscription(url=URL, shipment_id=theirs.shipment_id)),
    ]


def _lists(theirs: Theirs, _: Any) -> Sequence[Message]:
    return [
        contract.ListSubscriptionsRequest(),
        contract.ListSubscriptionsRequest(shipment_id=theirs.shipment_id),
    ]


def _of_subscription(kind: Callable[..., Message], **more: Any) -> Callable[[Theirs, Any], Sequence[Message]]:
    return lambda theirs, _: [kind(subscription_id=theirs.subscription_id, **more)]


HIDING = {"SubscriptionService.ListSubscriptions": _lists}
NAMING: dict[str, Callable[[Any, Any], Sequence[Message]]] = {
    "SubscriptionService.CreateSubscription": _create,
    "SubscriptionService.GetSubscription": _of_subscription(contract.GetSubscriptionRequest),
    "SubscriptionService.UpdateSubscription": lambda theirs, _: [
        contract.UpdateSubscriptionRequest(subscription=Subscription(id=theirs.subscription_id, display_name="x"))
    ],
    "SubscriptionService.DeleteSubscription": _of_subscription(contract.DeleteSubscriptionRequest, etag="0"),
    "SubscriptionService.PauseSubscription": _of_subscription(contract.PauseSubscriptionRequest),
    "SubscriptionService.ResumeSubscription": _of_subscription(contract.ResumeSubscriptionRequest),
    "SubscriptionService.RotateSubscriptionSecret": _of_subscription(contract.RotateSubscriptionSecretRequest),
    "SubscriptionService.TestSubscription": _of_subscription(contract.TestSubscriptionRequest),
    "SubscriptionService.GetSubscriptionStats": _of_subscription(contract.GetSubscriptionStatsRequest),
    "SubscriptionService.ListAttempts": _of_subscription(contract.ListAttemptsRequest),
    "SubscriptionService.RedeliverEvent": lambda theirs, _: [
        contract.RedeliverEventRequest(subscription_id=theirs.subscription_id, event_id=theirs.event_id)
    ],
    "SubscriptionService.ReplaySubscription": _of_subscription(contract.ReplaySubscriptionRequest, start_time=LONG_AGO),
    "SubscriptionService.RedriveFailures": _of_subscription(contract.RedriveFailuresRequest),
    "SubscriptionService.PullEvents": _of_subscription(contract.PullEventsRequest),
    "SubscriptionService.AcknowledgeEvents": _of_subscription(contract.AcknowledgeEventsRequest, cursor="A" * 32),
    "SubscriptionService.LeaseSubscriptions": lambda *_: [
        contract.LeaseSubscriptionsRequest(sender_id="x", max_subscriptions=1)
    ],
    "SubscriptionService.ReportAttempts": lambda *_: [
        contract.ReportAttemptsRequest(sender_id="x", reports=[contract.LeaseReport(lease_id="x")])
    ],
}
"""Requests that name a thing of theirs wherever a request can."""


async def _new(things: Any, **members: Any) -> str:
    members.setdefault("url", URL)
    request = contract.CreateSubscriptionRequest(subscription=Subscription(**members))
    return str((await things.call("SubscriptionService.CreateSubscription", request)).subscription.id)


async def _with_work(things: Any) -> tuple[str, str]:
    """A subscription and an event that it wants and has not been told of."""
    identifier = await _new(things)
    delivery_id = await things.delivery()
    listed = await things.call("DeliveryService.ListDeliveryEvents", things.events_of(delivery_id))
    things.hub.board.reload()
    return identifier, listed.events[0].id


async def _created(things: Any) -> Any:
    things.number += 1
    return contract.CreateSubscriptionRequest(subscription=Subscription(url=URL), request_id=f"request-{things.number}")


async def _updated(things: Any) -> Any:
    things.number += 1
    changed = Subscription(id=await _new(things), display_name=f"n{things.number}")
    return contract.UpdateSubscriptionRequest(subscription=changed, request_id=f"request-{things.number}")


def _simple(kind: Callable[..., Any], **more: Any) -> Callable[[Any], Awaitable[Any]]:
    async def make(things: Any) -> Any:
        return kind(subscription_id=await _new(things), **more)

    return make


async def _resumed(things: Any) -> Any:
    identifier = await _new(things)
    await things.call(
        "SubscriptionService.PauseSubscription", contract.PauseSubscriptionRequest(subscription_id=identifier)
    )
    return contract.ResumeSubscriptionRequest(subscription_id=identifier)


async def _redelivered(things: Any) -> Any:
    identifier, event_id = await _with_work(things)
    return contract.RedeliverEventRequest(
        subscription_id=identifier, event_id=event_id, request_id=f"request-{things.number}"
    )


async def _replayed(things: Any) -> Any:
    identifier, _ = await _with_work(things)
    return contract.ReplaySubscriptionRequest(
        subscription_id=identifier, start_time=LONG_AGO, request_id=f"request-{things.number}"
    )


async def _acknowledged(things: Any) -> Any:
    identifier = await _new(things, passive=True, url="")
    await things.delivery()
    pulled = await things.call("SubscriptionService.PullEvents", contract.PullEventsRequest(subscription_id=identifier))
    return contract.AcknowledgeEventsRequest(subscription_id=identifier, cursor=pulled.next_cursor)


async def _leased(things: Any) -> Any:
    identifier, event_id = await _with_work(things)
    await things.call(
        "SubscriptionService.RedeliverEvent",
        contract.RedeliverEventRequest(subscription_id=identifier, event_id=event_id),
    )
    return contract.LeaseSubscriptionsRequest(sender_id="x", max_subscriptions=3, max_events=2)


async def _reported(things: Any) -> Any:
    answer = await things.call("SubscriptionService.LeaseSubscriptions", await _leased(things))
    reports = []
    for lease in answer.leases:
        report = contract.LeaseReport(lease_id=lease.id, release=True)
        for each in lease.events[:1]:
            attempt = Attempt(
                subscription_id=lease.subscription.id,
                event_id=each.event.id,
                message_id=each.message_id,
                number=each.attempt_number,
                outcome=ATTEMPT_OUTCOME_REFUSED,
                start_time=each.event.record_time,
            )
            report.attempts.append(attempt)
        reports.append(report)
    return contract.ReportAttemptsRequest(sender_id="x", reports=reports[:3])


MUTATING: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "SubscriptionService.CreateSubscription": _created,
    "SubscriptionService.UpdateSubscription": _updated,
    "SubscriptionService.DeleteSubscription": _simple(contract.DeleteSubscriptionRequest),
    "SubscriptionService.PauseSubscription": _simple(contract.PauseSubscriptionRequest),
    "SubscriptionService.ResumeSubscription": _resumed,
    "SubscriptionService.RotateSubscriptionSecret": _simple(contract.RotateSubscriptionSecretRequest),
    "SubscriptionService.TestSubscription": _simple(contract.TestSubscriptionRequest),
    "SubscriptionService.RedeliverEvent": _redelivered,
    "SubscriptionService.ReplaySubscription": _replayed,
    "SubscriptionService.RedriveFailures": _simple(contract.RedriveFailuresRequest),
    "SubscriptionService.AcknowledgeEvents": _acknowledged,
    "SubscriptionService.LeaseSubscriptions": _leased,
    "SubscriptionService.ReportAttempts": _reported,
}
"""Requests that change something, each new."""
