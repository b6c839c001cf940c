"""What filters of lists and streams refuse: a kind or a status that says nothing would hold for nothing."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_DISPATCHED, DELIVERY_STATUS_UNSPECIFIED
from crossdock.v1.delivery_service_pb2 import ListDeliveriesRequest
from crossdock.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from crossdock.v1.event_pb2 import EVENT_KIND_UNSPECIFIED, EventFilter
from crossdock.v1.event_service_pb2 import ListEventsRequest
from crossdock.v1.event_service_pb2_grpc import EventServiceStub
from crossdock.v1.shipment_pb2 import SHIPMENT_PHASE_UNSPECIFIED
from crossdock.v1.shipment_service_pb2 import ListShipmentsRequest
from crossdock.v1.shipment_service_pb2_grpc import ShipmentServiceStub
from crossdock.v1.subscription_pb2 import SUBSCRIPTION_STATE_UNSPECIFIED, Subscription
from crossdock.v1.subscription_service_pb2 import CreateSubscriptionRequest, ListSubscriptionsRequest
from crossdock.v1.subscription_service_pb2_grpc import SubscriptionServiceStub

from tests.services.accounts import Account, refused

CALLS: dict[str, Callable[[grpc.aio.Channel, Any], Any]] = {
    "filter.kinds[0]": lambda channel, metadata: EventServiceStub(channel).ListEvents(
        ListEventsRequest(filter=EventFilter(kinds=[EVENT_KIND_UNSPECIFIED])), metadata=metadata
    ),
    "filter.statuses[1]": lambda channel, metadata: EventServiceStub(channel).ListEvents(
        ListEventsRequest(filter=EventFilter(statuses=[DELIVERY_STATUS_DISPATCHED, DELIVERY_STATUS_UNSPECIFIED])),
        metadata=metadata,
    ),
    "subscription.filter.kinds[0]": lambda channel, metadata: SubscriptionServiceStub(channel).CreateSubscription(
        CreateSubscriptionRequest(subscription=Subscription(filter=EventFilter(kinds=[EVENT_KIND_UNSPECIFIED]))),
        metadata=metadata,
    ),
    "statuses[0]": lambda channel, metadata: DeliveryServiceStub(channel).ListDeliveries(
        ListDeliveriesRequest(statuses=[DELIVERY_STATUS_UNSPECIFIED]), metadata=metadata
    ),
    "phases[0]": lambda channel, metadata: ShipmentServiceStub(channel).ListShipments(
        ListShipmentsRequest(phases=[SHIPMENT_PHASE_UNSPECIFIED]), metadata=metadata
    ),
    "states[0]": lambda channel, metadata: SubscriptionServiceStub(channel).ListSubscriptions(
        ListSubscriptionsRequest(states=[SUBSCRIPTION_STATE_UNSPECIFIED]), metadata=metadata
    ),
}


@pytest.mark.parametrize("field", CALLS)
async def test_a_filter_for_what_is_not_specified_is_refused(
    channel: grpc.aio.Channel, account: Account, field: str
) -> None:
    with refused("INVALID_REQUEST") as refusal:
        await CALLS[field](channel, account.metadata)

    assert field in refusal.fields
