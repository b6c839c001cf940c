"""Promise 28: tenants cannot see each other, whichever method a foreign token is tried on."""

from typing import Any

import grpc
import pytest
from crossdock.v1 import carrier_directory_service_pb2 as carriers
from crossdock.v1 import delivery_service_pb2 as deliveries
from crossdock.v1 import order_service_pb2 as orders
from crossdock.v1 import shipment_service_pb2 as shipments
from crossdock.v1 import subscription_service_pb2 as subscriptions
from crossdock.v1 import webhook_service_pb2 as webhooks
from crossdock.v1.access_pb2 import AccessLevel
from crossdock.v1.carrier_directory_service_pb2_grpc import CarrierDirectoryServiceStub
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from crossdock.v1.order_pb2 import Order, ServiceType
from crossdock.v1.order_service_pb2_grpc import OrderServiceStub
from crossdock.v1.proof_pb2 import Proof
from crossdock.v1.shipment_service_pb2_grpc import ShipmentServiceStub
from crossdock.v1.subscription_pb2 import Subscription
from crossdock.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from crossdock.v1.webhook_pb2 import AuthScheme, WebhookSource
from crossdock.v1.webhook_service_pb2_grpc import WebhookServiceStub
from google.protobuf.message import Message

from services.permissions import PERMISSIONS
from services.registry import SERVICERS
from services.subscriptions import repeating
from tests.services.accounts import (
    LOCATION_SCOPES,
    Account,
    Metadata,
    make_location,
    make_token,
    refusal_of,
    refused,
)
from tests.services.carrier_requests import new_carrier
from tests.services.contract import Method, every_method
from tests.services.foreign_requests import CASES, REFERENCE, Things, new_shipment

NOT_POSSIBLE = {"RETRY_NOT_POSSIBLE", "RETURN_NOT_POSSIBLE", "SUBSCRIPTION_NOT_PASSIVE", "ETAG_MISMATCH"}
"""What is answered of a thing that was found and is not in the state for it."""
SERVED = {each.name for each in SERVICERS}


def is_served(method: Method) -> bool:
    return method.descriptor.containing_service.full_name in SERVED


async def make_things(channel: grpc.aio.Channel, account: Account, *, referenced: bool) -> Things:
    """One thing of each kind; ``referenced`` gives order and delivery the reference that is searched for."""
    order_stub, webhook_stub = OrderServiceStub(channel), WebhookServiceStub(channel)
    references = [REFERENCE] if referenced else []
    order_ids: list[str] = []
    for _ in range(2):
        order = Order(
            location_id=account.location_id,
            service_type=ServiceType.SERVICE_TYPE_DELIVERY,
            references=[] if order_ids else references,
        )
        made = await order_stub.CreateOrder(orders.CreateOrderRequest(order=order), metadata=account.metadata)
        order_ids.append(made.order.id)
    picture = Proof(image=b"GIF89a, of a signature")
    delivery = Delivery(order_id=order_ids[0], location_id=account.location_id, references=references, proofs=[picture])
    booked = await DeliveryServiceStub(channel).CreateDelivery(
        deliveries.CreateDeliveryRequest(delivery=delivery), metadata=account.metadata
    )
    source = WebhookSource(dialect="skipcart", auth_scheme=AuthScheme.AUTH_SCHEME_PATH_SECRET)
    added = await webhook_stub.CreateWebhookSource(
        webhooks.CreateWebhookSourceRequest(source=source), metadata=account.metadata
    )
    message = webhooks.IngestWebhookRequest(source_id=added.source.id, body=b"{}", dedupe_key="1", malformed="x")
    received = await webhook_stub.IngestWebhook(message, metadata=account.system[:1])
    shipment = new_shipment(location_id=account.location_id, external_id=REFERENCE.value if referenced else "")
    shipped = await ShipmentServiceStub(channel).CreateShipment(
        shipments.CreateShipmentRequest(shipment=shipment), metadata=account.metadata
    )
    subscription = Subscription(url="https://subscriber.example/hook")
    subscribed = await SubscriptionServiceStub(channel).CreateSubscription(
        subscriptions.CreateSubscriptionRequest(subscription=subscription), metadata=account.metadata
    )
    carrier = new_carrier(f"carrier-{account.tenant_id[-10:]}")
    registered = await CarrierDirectoryServiceStub(channel).CreateCarrier(
        carriers.CreateCarrierRequest(carrier=carrier), metadata=account.metadata
    )
    told = await DeliveryServiceStub(channel).ListDeliveryEvents(
        deliveries.ListDeliveryEventsRequest(delivery_id=booked.delivery.id), metadata=account.metadata
    )
    return Things(
        tenant_id=account.tenant_id,
        token_id=account.token_id,
        location_id=account.location_id,
        order_id=order_ids[0],
        bare_order_id=order_ids[1],
        delivery_id=booked.delivery.id,
        source_id=added.source.id,
        webhook_id=received.webhook_id,
        shipment_id=shipped.shipment.id,
        subscription_id=subscribed.subscription.id,
        event_id=told.events[0].id,
        carrier_ref=registered.carrier.ref,
    )


async def outcome(channel: grpc.aio.Channel, method: Method, request: Message, metadata: Metadata) -> str | bytes:
    """The reason of the refusal, or the serialised answer."""
    try:
        answer = await method.call(channel, request, metadata)
    except grpc.aio.AioRpcError as error:
        return refusal_of(error).reason
    return answer.SerializeToString() if answer is not None else b""


async def leaks(
    channel: grpc.aio.Channel, theirs: Things, ours: Things, metadata: Metadata, reach: int
) -> dict[str, Any]:
    """Every method that answers a foreign token otherwise than it must, with what it answered."""
    found = {}
    for method in every_method():
        if not is_served(method):
            continue
        case = CASES[method.name]
        for number, request in enumerate(case.requests(theirs, ours)):
            answer = await outcome(channel, method, request, metadata)
            if PERMISSIONS[method.path].level > reach:
                right = answer == "SCOPE_MISSING"
            elif case.hides:
                right = answer == "NOT_FOUND" or (
                    isinstance(answer, bytes) and not any(mark in answer for mark in theirs.marks)
                )
            else:
                right = answer == "NOT_FOUND"
            if not right:
                found[f"{method.name} #{number}"] = answer
    return found


async def snapshot(channel: grpc.aio.Channel, things: Things, account: Account) -> list[Any]:
    """All that the owner sees of its things."""
    seen: list[Any] = []
    for name in (
        "AccessService.ListTokens",
        "CarrierDirectoryService.GetCarrier",
        "DeliveryService.GetDelivery",
        "DeliveryService.ListDeliveryEvents",
        "LocationService.GetLocation",
        "OrderService.GetOrder",
        "OrderService.ListOrders",
        "ShipmentService.GetShipment",
        "ShipmentService.ListShipmentHistory",
        "ShipmentService.GetDispatchRules",
        "SubscriptionService.GetSubscription",
        "WebhookService.GetWebhookSource",
        "WebhookService.GetWebhook",
        "WebhookService.ListWebhooks",
    ):
        method = next(each for each in every_method() if each.name == name)
        requests = CASES[name].requests(things, things)
        seen += [await outcome(channel, method, request, account.metadata) for request in requests]
    return seen


def test_every_served_method_has_a_case_and_no_other_has() -> None:
    assert set(CASES) == {method.name for method in every_method() if is_served(method)}


async def test_a_token_of_another_tenant_finds_nothing_and_changes_nothing(
    channel: grpc.aio.Channel, account: Account, other_account: Account
) -> None:
    theirs = await make_things(channel, account, referenced=True)
    ours = await make_things(channel, other_account, referenced=False)
    before = await snapshot(channel, theirs, account)

    account_level, location_level = AccessLevel.ACCESS_LEVEL_ACCOUNT, AccessLevel.ACCESS_LEVEL_LOCATION
    by_account = await leaks(channel, theirs, ours, other_account.metadata, account_level)
    by_location = await leaks(channel, theirs, ours, other_account.at_location, location_level)

    assert by_account == {}
    assert by_location == {}
    assert await snapshot(channel, theirs, account) == before


async def test_a_token_of_another_location_finds_nothing_and_changes_nothing(
    channel: grpc.aio.Channel, account: Account
) -> None:
    theirs = await make_things(channel, account, referenced=True)
    sister = await make_location(channel, account.metadata)
    level = AccessLevel.ACCESS_LEVEL_LOCATION
    _, metadata = await make_token(
        channel, account.metadata, level=level, location_id=sister.id, scopes=LOCATION_SCOPES
    )
    before = (await snapshot(channel, theirs, account))[1:]

    found = await leaks(channel, theirs, theirs, metadata, level)

    of_the_tenant = {"AccessService.GetTenant #0", "AccessService.GetCaller #0"}
    assert set(found) == of_the_tenant
    assert (await snapshot(channel, theirs, account))[1:] == before


async def test_the_owner_finds_all_of_it(
    channel: grpc.aio.Channel, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the tests above would pass with requests that find nothing for anybody."""
    monkeypatch.setattr(repeating, "TEST_SECONDS", 0.02)  # nobody sends here
    things = await make_things(channel, account, referenced=True)
    lost = {}

    for method in every_method():
        if is_served(method) and PERMISSIONS[method.path].level <= AccessLevel.ACCESS_LEVEL_ACCOUNT:
            for number, request in enumerate(CASES[method.name].requests(things, things)):
                answer = await outcome(channel, method, request, account.system)
                if not isinstance(answer, bytes) and answer not in NOT_POSSIBLE:
                    lost[f"{method.name} #{number}"] = answer

    assert lost == {}


async def test_what_is_not_served_says_so(channel: grpc.aio.Channel, account: Account) -> None:
    unserved = [method for method in every_method() if not is_served(method)]

    assert unserved, "everything is served: remove this test"
    for method in unserved:
        with refused("METHOD_NOT_SERVED") as refusal:
            await method.call(channel, method.request_class(), account.metadata)
        assert refusal.metadata == {"method": method.path}
