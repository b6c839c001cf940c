"""How every served method is tried on things of another tenant or location."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crossdock.v1 import access_service_pb2 as access
from crossdock.v1 import delivery_service_pb2 as deliveries
from crossdock.v1 import event_service_pb2 as events
from crossdock.v1 import location_service_pb2 as locations
from crossdock.v1 import order_service_pb2 as orders
from crossdock.v1 import shipment_service_pb2 as shipments
from crossdock.v1 import webhook_service_pb2 as webhooks
from crossdock.v1.access_pb2 import AccessLevel, Scope, Tenant, Token
from crossdock.v1.courier_pb2 import Position
from crossdock.v1.delivery_pb2 import Delivery, DeliveryStatus
from crossdock.v1.event_pb2 import EventFilter
from crossdock.v1.location_pb2 import Location
from crossdock.v1.order_pb2 import Order
from crossdock.v1.reference_pb2 import ExternalReference
from crossdock.v1.shipment_pb2 import SHIPMENT_LINK_KIND_TRACKING, DispatchRules, Shipment
from crossdock.v1.webhook_pb2 import AuthScheme, WebhookSource
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from tests.services import carrier_requests, subscription_requests

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
    shipment_id: str
    subscription_id: str
    event_id: str
    carrier_ref: str

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


def new_shipment(**members: str) -> Shipment:
    shipment = Shipment(**members, hold=True)  # type: ignore[arg-type]
    shipment.consignment.dropoff.address.postal_address.region_code = "US"
    return shipment


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
        lambda a, _: [
            deliveries.UpdateDeliveryRequest(delivery=each)
            for each in (
                Delivery(id=a.delivery_id, parking_slot="7"),
                Delivery(id=a.delivery_id, position=Position(latitude="1", longitude="2")),
                Delivery(order_id=a.order_id, parking_slot="7"),
                Delivery(order_id=a.order_id, position=Position(latitude="1", longitude="2")),
            )
        ]
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
    "DeliveryService.GetDeliveryProof": Case(
        lambda a, _: [deliveries.GetDeliveryProofRequest(delivery_id=a.delivery_id, number=1)]
    ),
    "DeliveryService.ResolveDeliveryProof": Case(
        lambda a, _: [deliveries.ResolveDeliveryProofRequest(delivery_id=a.delivery_id, number=1)]
    ),
    "DeliveryService.StoreDeliveryProof": Case(
        lambda a, _: [
            deliveries.StoreDeliveryProofRequest(delivery_id=a.delivery_id, url="https://a.example", image=b"x")
        ]
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
    "ShipmentService.ResolveShipmentLink": Case(
        _nothing_named(shipments.ResolveShipmentLinkRequest(token="x" * 27, kind=SHIPMENT_LINK_KIND_TRACKING))
    ),
    "ShipmentService.CreateShipment": Case(
        lambda a, b: [
            shipments.CreateShipmentRequest(shipment=new_shipment(location_id=a.location_id)),
            shipments.CreateShipmentRequest(shipment=new_shipment(location_id=b.location_id, order_id=a.bare_order_id)),
        ]
    ),
    "ShipmentService.GetShipment": Case(lambda a, _: [shipments.GetShipmentRequest(shipment_id=a.shipment_id)]),
    "ShipmentService.GetShipmentByExternalId": Case(
        lambda *_: [shipments.GetShipmentByExternalIdRequest(external_id=REFERENCE.value)]
    ),
    "ShipmentService.ListShipments": Case(
        lambda a, _: [
            shipments.ListShipmentsRequest(),
            shipments.ListShipmentsRequest(location_ids=[a.location_id]),
            shipments.ListShipmentsRequest(external_ids=[REFERENCE.value]),
        ],
        hides=True,
    ),
    "ShipmentService.UpdateShipment": Case(
        lambda a, b: [
            shipments.UpdateShipmentRequest(shipment=Shipment(id=a.shipment_id, group_id="x")),
            shipments.UpdateShipmentRequest(shipment=Shipment(id=b.shipment_id, location_id=a.location_id)),
        ]
    ),
    "ShipmentService.CancelShipment": Case(lambda a, _: [shipments.CancelShipmentRequest(shipment_id=a.shipment_id)]),
    "ShipmentService.RetryShipment": Case(
        lambda a, _: [shipments.RetryShipmentRequest(shipment_id=a.shipment_id, asynchronous=True)]
    ),
    "ShipmentService.ReleaseShipment": Case(
        lambda a, _: [shipments.ReleaseShipmentRequest(shipment_id=a.shipment_id, asynchronous=True)]
    ),
    "ShipmentService.QuoteShipment": Case(
        lambda a, _: [shipments.QuoteShipmentRequest(shipment=Shipment(id=a.shipment_id))]
    ),
    "ShipmentService.ExplainShipment": Case(lambda a, _: [shipments.ExplainShipmentRequest(shipment_id=a.shipment_id)]),
    "ShipmentService.ListShipmentHistory": Case(
        lambda a, _: [shipments.ListShipmentHistoryRequest(shipment_id=a.shipment_id)]
    ),
    "ShipmentService.CreateReturn": Case(
        lambda a, _: [shipments.CreateReturnRequest(shipment_id=a.shipment_id, validate_only=True)]
    ),
    "ShipmentService.GetDispatchRules": Case(_nothing_named(shipments.GetDispatchRulesRequest()), hides=True),
    "ShipmentService.UpdateDispatchRules": Case(
        _nothing_named(shipments.UpdateDispatchRulesRequest(rules=DispatchRules(max_bookings=1))), hides=True
    ),
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
} | {
    **{name: Case(requests) for name, requests in carrier_requests.NAMING.items()},
    **{name: Case(requests, hides=True) for name, requests in carrier_requests.HIDING.items()},
    **{name: Case(requests) for name, requests in subscription_requests.NAMING.items()},
    **{name: Case(requests, hides=True) for name, requests in subscription_requests.HIDING.items()},
}
