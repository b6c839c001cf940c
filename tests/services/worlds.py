"""A tenant with what it needs, made through the wire, and the calls that tests make on it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from crossdock.v1 import (
    access_pb2,
    access_service_pb2,
    access_service_pb2_grpc,
    delivery_pb2,
    delivery_service_pb2,
    delivery_service_pb2_grpc,
    event_service_pb2_grpc,
    location_pb2,
    location_service_pb2,
    location_service_pb2_grpc,
    order_pb2,
    order_service_pb2,
    order_service_pb2_grpc,
    report_pb2,
    webhook_pb2,
    webhook_service_pb2,
    webhook_service_pb2_grpc,
)

from services import times

Metadata = tuple[tuple[str, str], ...]
EVERYTHING = [scope for scope in access_pb2.Scope.values() if scope]
NOON = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
"""When the stories of these tests begin."""


@dataclass
class World:
    """One tenant on a server: ``account`` and ``local`` are the metadata of its tokens."""

    channel: grpc.aio.Channel
    system: Metadata
    tenant_id: str = ""
    location_id: str = ""
    account: Metadata = ()
    local: Metadata = ()
    sources: dict[str, webhook_pb2.WebhookSource] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.access = access_service_pb2_grpc.AccessServiceStub(self.channel)
        self.deliveries = delivery_service_pb2_grpc.DeliveryServiceStub(self.channel)
        self.events = event_service_pb2_grpc.EventServiceStub(self.channel)
        self.locations = location_service_pb2_grpc.LocationServiceStub(self.channel)
        self.orders = order_service_pb2_grpc.OrderServiceStub(self.channel)
        self.webhooks = webhook_service_pb2_grpc.WebhookServiceStub(self.channel)

    @classmethod
    async def make(cls, channel: grpc.aio.Channel, system: Metadata, name: str = "acme") -> "World":
        """A tenant with a location, an account token, a location token, and two skipcart sources."""
        world = cls(channel, system)
        tenant = access_pb2.Tenant(external_id=name, display_name=name)
        created = await world.access.CreateTenant(
            access_service_pb2.CreateTenantRequest(tenant=tenant), metadata=system
        )
        world.tenant_id = created.tenant.id
        world.account = await world.token(access_pb2.ACCESS_LEVEL_ACCOUNT)
        world.location_id = await world.location("Store", external_id="7709")
        world.local = await world.token(access_pb2.ACCESS_LEVEL_LOCATION, location_id=world.location_id)
        for policy in ("PARK", "CREATE"):
            world.sources[policy] = await world.source(f"UNKNOWN_TARGET_POLICY_{policy}")
        return world

    async def token(
        self,
        level: access_pb2.AccessLevel.ValueType,
        scopes: "Sequence[access_pb2.Scope.ValueType]" = EVERYTHING,
        **members: Any,
    ) -> Metadata:
        """The metadata of a new token."""
        if level == access_pb2.ACCESS_LEVEL_LOCATION:
            scopes = [scope for scope in scopes if access_pb2.Scope.Name(scope) in _LOCATION_SCOPES]
        token = access_pb2.Token(level=level, scopes=scopes, display_name="test", **members)
        made = await self.access.CreateToken(
            access_service_pb2.CreateTokenRequest(token=token),
            metadata=(*self.system, ("x-crossdock-tenant", self.tenant_id)),
        )
        return (("authorization", f"Bearer {made.value}"),)

    async def location(self, name: str, external_id: str = "") -> str:
        """The id of a new location."""
        location = location_pb2.Location(name=name, external_id=external_id)
        location.time_zone, location.currency_code = "America/Chicago", "USD"
        request = location_service_pb2.CreateLocationRequest(location=location)
        return (await self.locations.CreateLocation(request, metadata=self.account)).location.id

    async def source(self, policy: str, location_id: str = "") -> webhook_pb2.WebhookSource:
        """A new source with a path secret."""
        source = webhook_pb2.WebhookSource(
            location_id=location_id,
            dialect="skipcart",
            auth_scheme=webhook_pb2.AUTH_SCHEME_PATH_SECRET,
            unknown_target_policy=webhook_pb2.UnknownTargetPolicy.Value(policy),
        )
        made = await self.webhooks.CreateWebhookSource(
            webhook_service_pb2.CreateWebhookSourceRequest(source=source), metadata=self.account
        )
        return made.source

    async def order(self, **members: Any) -> order_pb2.Order:
        """A new order that is to be delivered."""
        members.setdefault("service_type", order_pb2.SERVICE_TYPE_DELIVERY)
        order = order_pb2.Order(location_id=self.location_id, **members)
        made = await self.orders.CreateOrder(order_service_pb2.CreateOrderRequest(order=order), metadata=self.account)
        return made.order

    async def delivery(self, request_id: str = "", **members: Any) -> delivery_pb2.Delivery:
        """A new delivery."""
        request = delivery_service_pb2.CreateDeliveryRequest(
            delivery=delivery_pb2.Delivery(**members), request_id=request_id
        )
        return (await self.deliveries.CreateDelivery(request, metadata=self.account)).delivery

    async def get(self, delivery_id: str) -> delivery_pb2.Delivery:
        """A delivery as it is now."""
        request = delivery_service_pb2.GetDeliveryRequest(delivery_id=delivery_id)
        return (await self.deliveries.GetDelivery(request, metadata=self.account)).delivery

    async def ingest(
        self, *messages: webhook_service_pb2.IngestWebhookRequest
    ) -> Sequence[webhook_service_pb2.IngestWebhookResponse]:
        """What became of messages that the gateway sends in one batch."""
        request = webhook_service_pb2.BatchIngestWebhooksRequest(webhooks=messages)
        return (await self.webhooks.BatchIngestWebhooks(request, metadata=self.system)).results

    def message(
        self, order: str, word: str, minute: int = 0, *, policy: str = "CREATE", driver: str = "", partner: str = ""
    ) -> webhook_service_pb2.IngestWebhookRequest:
        """A carrier's message on its order, in the words of `WORDS`, at a minute of the story."""
        moment = times.to_timestamp(NOON + timedelta(minutes=minute))
        report = report_pb2.DeliveryReport(status=WORDS[word], status_raw=word, event_time=moment)
        report.targets.add(scope="skipcart.order", value=order, exclusive=True)
        if partner:
            report.targets.add(scope="order", value=partner)
        report.patch.carrier, report.patch.carrier_ref = "Skipcart", "skipcart"
        if driver:
            report.patch.courier.external_id = driver
        return webhook_service_pb2.IngestWebhookRequest(
            source_id=self.sources[policy].id,
            body=f'{{"event_status": "{word}"}}'.encode(),
            dedupe_key=f"{order}|{word}|{minute}|{driver}",
            report=report,
            mapping_version="test/1",
        )


_LOCATION_SCOPES = frozenset(
    f"SCOPE_{noun}"
    for noun in ("DELIVERIES_READ", "DELIVERIES_WRITE", "ORDERS_READ", "ORDERS_WRITE", "EVENTS_READ", "LOCATIONS_READ")
)
WORDS = {
    "confirmed": delivery_pb2.DELIVERY_STATUS_DRIVER_ASSIGNED,
    "enroute_to_pickup": delivery_pb2.DELIVERY_STATUS_PICKUP_EN_ROUTE,
    "geofence_at_pickup": delivery_pb2.DELIVERY_STATUS_PICKUP_APPROACHING,
    "arrived_at_store": delivery_pb2.DELIVERY_STATUS_PICKUP_ARRIVED,
    "out_for_delivery": delivery_pb2.DELIVERY_STATUS_DROPOFF_EN_ROUTE,
    "delivered": delivery_pb2.DELIVERY_STATUS_DELIVERED,
    "cancelled": delivery_pb2.DELIVERY_STATUS_CANCELLED,
    "return_started": delivery_pb2.DELIVERY_STATUS_RETURNING,
    "returned": delivery_pb2.DELIVERY_STATUS_RETURNED,
}
