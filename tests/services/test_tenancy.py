"""Promise 28: tenants cannot see each other, whichever method a foreign token is tried on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from crossdock.v1 import access_service_pb2 as access
from crossdock.v1 import delivery_service_pb2 as deliveries
from crossdock.v1 import event_service_pb2 as events
from crossdock.v1 import location_service_pb2 as locations
from crossdock.v1 import order_service_pb2 as orders
from crossdock.v1 import webhook_service_pb2 as webhooks
from crossdock.v1.access_pb2 import AccessLevel, Scope, Tenant, Token
from crossdock.v1.delivery_pb2 import Delivery, DeliveryStatus
from crossdock.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from crossdock.v1.event_pb2 import EventFilter
from crossdock.v1.location_pb2 import Location
from crossdock.v1.order_pb2 import Order, ServiceType
from crossdock.v1.order_service_pb2_grpc import OrderServiceStub
from crossdock.v1.reference_pb2 import ExternalReference
from crossdock.v1.webhook_pb2 import AuthScheme, WebhookSource
from crossdock.v1.webhook_service_pb2_grpc import WebhookServiceStub
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.permissions import PERMISSIONS
from services.registry import SERVICERS
from tests.services.accounts import (
    LOCATION_SCOPES,
    Account,
    Metadata,
    make_location,
    make_token,
    refusal_of,
    refused,
)
from tests.services.contract import Method, every_method

REFERENCE = ExternalReference(scope="skipcart.order", value="only ours", exclusive=True)
LONG_AGO = Timestamp(seconds=1)


@dataclass
class Things:
    """One thing of each kind of a tenant."""

    tenant_id: str
    token_id: str
    location_id: str
    order_id: str
    bare_order_id: str
    delivery_id: str
    source_id: str
    webhook_id: str

    @property
    def marks(self) -> list[bytes]:
        """What an answer that shows any of them contains."""
        return [value.encode() for value in (*self.__dict__.values(), REFERENCE.value)]


@dataclass(frozen=True)
class Case:
    """How a method is tried on things of another tenant.

    ``requests`` gets their things and those of the caller, and names theirs wherever a request can name a thing.
    With ``hides`` the method names no single thing, or filters by it: its answer must show nothing of theirs.
    """

    requests: Callable[[Things, Things], Sequence[Message]]
    hides: bool = False


def _nothing_named(*requests: Message) -> Callable[[Things, Things], Sequence[Message]]:
    return lambda *_: requests


def _new_location(theirs: Things) -> Location:
    return Location(name="x", time_zone="UTC", currency_code="USD", return_location_id=theirs.location_id)


def _new_token(theirs: Things) -> Token:
    level = AccessLevel.ACCESS_LEVEL_LOCATION
    return Token(level=level, scopes=[Scope.SCOPE_ORDERS_READ], location_id=theirs.location_id)


def _new_source(theirs: Things) -> WebhookSource:
    scheme = AuthScheme.AUTH_SCHEME_PATH_SECRET
    return WebhookSource(dialect="skipcart", auth_scheme=scheme, location_id=theirs.location_id)


def _ingest(theirs: Things) -> webhooks.IngestWebhookRequest:
    return webhooks.IngestWebhookRequest(source_id=theirs.source_id, body=b"{}", dedupe_key="1", malformed="x")


def _filters(theirs: Things) -> list[EventFilter]:
    return [
        EventFilter(),
        EventFilter(delivery_ids=[theirs.delivery_id]),
        EventFilter(location_ids=[theirs.location_id]),
        EventFilter(order_ids=[theirs.order_id]),
    ]


CASES: dict[str, Case] = {
    "AccessService.CreateTenant": Case(_nothing_named(access.CreateTenantRequest(tenant=Tenant(external_id="x")))),
    "AccessService.GetTenant": Case(lambda a, _: [access.GetTenantRequest(tenant_id=a.tenant_id)]),
    "AccessService.ListTenants": Case(_nothing_named(access.ListTenantsRequest())),
    "AccessService.CreateToken": Case(lambda a, _: [access.CreateTokenRequest(token=_new_token(a))]),
    "AccessService.ListTokens": Case(_nothing_named(access.ListTokensRequest(show_ended=True)), hides=True),
    "AccessService.RevokeToken": Case(lambda a, _: [access.RevokeTokenRequest(token_id=a.token_id)]),
    "AccessService.GetCaller": Case(_nothing_named(access.GetCallerRequest()), hides=True),
    "DeliveryService.CreateDelivery": Case(
        lambda a, _: [
            deliveries.CreateDeliveryRequest(delivery=Delivery(order_id=a.bare_order_id)),
            deliveries.CreateDeliveryRequest(delivery=Delivery(location_id=a.location_id)),
        ]
    ),
    "DeliveryService.GetDelivery": Case(lambda a, _: [deliveries.GetDeliveryRequest(delivery_id=a.delivery_id)]),
    "DeliveryService.GetDeliveryByOrder": Case(
        lambda a, _: [deliveries.GetDeliveryByOrderRequest(order_id=a.order_id)]
    ),
    "DeliveryService.GetDeliveryByReference": Case(
        lambda *_: [deliveries.GetDeliveryByReferenceRequest(reference=REFERENCE)]
    ),
    "DeliveryService.ListDeliveries": Case(
        lambda a, _: [
            deliveries.ListDeliveriesRequest(),
            deliveries.ListDeliveriesRequest(location_ids=[a.location_id]),
            deliveries.ListDeliveriesRequest(order_id=a.order_id),
        ],
        hides=True,
    ),
    "DeliveryService.UpdateDelivery": Case(
        lambda a, _: [deliveries.UpdateDeliveryRequest(delivery=Delivery(id=a.delivery_id, parking_slot="7"))]
    ),
    "DeliveryService.CancelDelivery": Case(lambda a, _: [deliveries.CancelDeliveryRequest(delivery_id=a.delivery_id)]),
    "DeliveryService.OverrideDeliveryStatus": Case(
        lambda a, _: [
            deliveries.OverrideDeliveryStatusRequest(
                delivery_id=a.delivery_id,
                status=DeliveryStatus.DELIVERY_STATUS_DELIVERED,
                actor="x",
                reason="x",
            )
        ]
    ),
    "DeliveryService.ListDeliveryEvents": Case(
        lambda a, _: [deliveries.ListDeliveryEventsRequest(delivery_id=a.delivery_id)]
    ),
    "DeliveryService.ExplainDelivery": Case(
        lambda a, _: [deliveries.ExplainDeliveryRequest(delivery_id=a.delivery_id)]
    ),
    "DeliveryService.WatchDelivery": Case(lambda a, _: [deliveries.WatchDeliveryRequest(delivery_id=a.delivery_id)]),
    "EventService.ListEvents": Case(
        lambda a, _: [
            *(events.ListEventsRequest(filter=each) for each in _filters(a)),
            events.ListEventsRequest(start_time=LONG_AGO),
        ],
        hides=True,
    ),
    "EventService.WatchEvents": Case(
        lambda a, _: [events.WatchEventsRequest(filter=each, start_time=LONG_AGO) for each in _filters(a)],
        hides=True,
    ),
    "LocationService.CreateLocation": Case(lambda a, _: [locations.CreateLocationRequest(location=_new_location(a))]),
    "LocationService.GetLocation": Case(lambda a, _: [locations.GetLocationRequest(location_id=a.location_id)]),
    "LocationService.ListLocations": Case(_nothing_named(locations.ListLocationsRequest()), hides=True),
    "LocationService.UpdateLocation": Case(
        lambda a, b: [
            locations.UpdateLocationRequest(location=Location(id=a.location_id, name="x")),
            locations.UpdateLocationRequest(location=Location(id=b.location_id, return_location_id=a.location_id)),
        ]
    ),
    "OrderService.CreateOrder": Case(lambda a, _: [orders.CreateOrderRequest(order=Order(location_id=a.location_id))]),
    "OrderService.GetOrder": Case(lambda a, _: [orders.GetOrderRequest(order_id=a.order_id)]),
    "OrderService.ListOrders": Case(
        lambda a, _: [
            orders.ListOrdersRequest(),
            orders.ListOrdersRequest(location_ids=[a.location_id]),
            orders.ListOrdersRequest(reference_value=REFERENCE.value),
        ],
        hides=True,
    ),
    "OrderService.UpdateOrder": Case(lambda a, _: [orders.UpdateOrderRequest(order=Order(id=a.order_id, channel="x"))]),
    "WebhookService.CreateWebhookSource": Case(
        lambda a, _: [webhooks.CreateWebhookSourceRequest(source=_new_source(a))]
    ),
    "WebhookService.GetWebhookSource": Case(lambda a, _: [webhooks.GetWebhookSourceRequest(source_id=a.source_id)]),
    "WebhookService.ListWebhookSources": Case(_nothing_named(webhooks.ListWebhookSourcesRequest()), hides=True),
    "WebhookService.UpdateWebhookSource": Case(
        lambda a, b: [
            webhooks.UpdateWebhookSourceRequest(source=WebhookSource(id=a.source_id, disabled=True)),
            webhooks.UpdateWebhookSourceRequest(source=WebhookSource(id=b.source_id, location_id=a.location_id)),
        ]
    ),
    "WebhookService.RotateWebhookSourceSecret": Case(
        lambda a, _: [webhooks.RotateWebhookSourceSecretRequest(source_id=a.source_id)]
    ),
    "WebhookService.ResolveWebhookSource": Case(
        lambda a, _: [webhooks.ResolveWebhookSourceRequest(source_id=a.source_id)]
    ),
    "WebhookService.IngestWebhook": Case(lambda a, _: [_ingest(a)]),
    "WebhookService.BatchIngestWebhooks": Case(
        lambda a, _: [webhooks.BatchIngestWebhooksRequest(webhooks=[_ingest(a)])]
    ),
    "WebhookService.ListWebhooks": Case(
        lambda a, _: [
            webhooks.ListWebhooksRequest(),
            webhooks.ListWebhooksRequest(source_id=a.source_id),
            webhooks.ListWebhooksRequest(delivery_id=a.delivery_id),
        ],
        hides=True,
    ),
    "WebhookService.GetWebhook": Case(lambda a, _: [webhooks.GetWebhookRequest(webhook_id=a.webhook_id)]),
    "WebhookService.ReplayWebhook": Case(lambda a, _: [webhooks.ReplayWebhookRequest(webhook_id=a.webhook_id)]),
}

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
    delivery = Delivery(order_id=order_ids[0], location_id=account.location_id, references=references)
    booked = await DeliveryServiceStub(channel).CreateDelivery(
        deliveries.CreateDeliveryRequest(delivery=delivery), metadata=account.metadata
    )
    source = WebhookSource(dialect="skipcart", auth_scheme=AuthScheme.AUTH_SCHEME_PATH_SECRET)
    added = await webhook_stub.CreateWebhookSource(
        webhooks.CreateWebhookSourceRequest(source=source), metadata=account.metadata
    )
    message = webhooks.IngestWebhookRequest(source_id=added.source.id, body=b"{}", dedupe_key="1", malformed="x")
    received = await webhook_stub.IngestWebhook(message, metadata=account.system[:1])
    return Things(
        tenant_id=account.tenant_id,
        token_id=account.token_id,
        location_id=account.location_id,
        order_id=order_ids[0],
        bare_order_id=order_ids[1],
        delivery_id=booked.delivery.id,
        source_id=added.source.id,
        webhook_id=received.webhook_id,
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
        "DeliveryService.GetDelivery",
        "DeliveryService.ListDeliveryEvents",
        "LocationService.GetLocation",
        "OrderService.GetOrder",
        "OrderService.ListOrders",
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


async def test_the_owner_finds_all_of_it(channel: grpc.aio.Channel, account: Account) -> None:
    """Or the tests above would pass with requests that find nothing for anybody."""
    things = await make_things(channel, account, referenced=True)
    lost = {}

    for method in every_method():
        if is_served(method) and PERMISSIONS[method.path].level <= AccessLevel.ACCESS_LEVEL_ACCOUNT:
            for number, request in enumerate(CASES[method.name].requests(things, things)):
                answer = await outcome(channel, method, request, account.system)
                if not isinstance(answer, bytes):
                    lost[f"{method.name} #{number}"] = answer

    assert lost == {}


async def test_what_is_not_served_says_so(channel: grpc.aio.Channel, account: Account) -> None:
    unserved = [method for method in every_method() if not is_served(method)]

    assert unserved, "everything is served: remove this test"
    for method in unserved:
        with refused("METHOD_NOT_SERVED") as refusal:
            await method.call(channel, method.request_class(), account.metadata)
        assert refusal.metadata == {"method": method.path}
