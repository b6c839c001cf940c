"""Promise 24: a mutating call that is given up at any of its awaits has done all or nothing, and holds nothing."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from crossdock.v1 import (
    access_pb2,
    access_service_pb2,
    delivery_pb2,
    delivery_service_pb2,
    location_pb2,
    location_service_pb2,
    order_pb2,
    order_service_pb2,
    proof_pb2,
    reference_pb2,
    report_pb2,
    shipment_pb2,
    shipment_service_pb2,
    webhook_pb2,
    webhook_service_pb2,
)
from google.protobuf.descriptor_pb2 import MethodOptions

from runtime import typeid
from services import callers, permissions
from services.callers import Caller
from services.hub import Hub
from services.registry import SERVICERS
from services.shipments import rows
from services.subscriptions import repeating
from tests.services import carrier_requests, subscription_requests
from tests.services.contract import every_method
from tests.services.shipments.shops import book
from tests.services.test_deadlines import CancelledAt, until_none_is_checked_out

READ_ONLY = MethodOptions.NO_SIDE_EFFECTS


@dataclass
class Things:
    """What there is to change. Every request is new: ``number`` counts them."""

    hub: Hub
    servicers: dict[str, Any]
    location: str = ""
    source: str = ""
    number: int = 0

    async def call(self, method: str, request: Any) -> Any:
        service, name = method.split(".")
        return await getattr(self.servicers[service], name)(request, None)

    async def order(self) -> str:
        self.number += 1
        order = order_pb2.Order(
            location_id=self.location, service_type=order_pb2.SERVICE_TYPE_DELIVERY, private_ref=f"o{self.number}"
        )
        made = await self.call("OrderService.CreateOrder", order_service_pb2.CreateOrderRequest(order=order))
        return str(made.order.id)

    async def delivery(self) -> str:
        request = delivery_service_pb2.CreateDeliveryRequest(
            delivery=delivery_pb2.Delivery(order_id=await self.order())
        )
        return str((await self.call("DeliveryService.CreateDelivery", request)).delivery.id)

    def wanted(self) -> shipment_pb2.Shipment:
        """A shipment that nobody dispatches before it is released."""
        self.number += 1
        shipment = shipment_pb2.Shipment(external_id=f"s{self.number}", location_id=self.location, hold=True)
        shipment.consignment.dropoff.address.postal_address.region_code = "US"
        return shipment

    async def shipment(self) -> str:
        request = shipment_service_pb2.CreateShipmentRequest(shipment=self.wanted())
        return str((await self.call("ShipmentService.CreateShipment", request)).shipment.id)

    def events_of(self, delivery_id: str) -> delivery_service_pb2.ListDeliveryEventsRequest:
        return delivery_service_pb2.ListDeliveryEventsRequest(delivery_id=delivery_id)

    def reference(self) -> reference_pb2.ExternalReference:
        self.number += 1
        return reference_pb2.ExternalReference(scope="skipcart.order", value=f"{self.number}", exclusive=True)

    def message(self, **more: Any) -> webhook_service_pb2.IngestWebhookRequest:
        report = report_pb2.DeliveryReport(status=delivery_pb2.DELIVERY_STATUS_PICKED_UP, targets=[self.reference()])
        return webhook_service_pb2.IngestWebhookRequest(
            source_id=self.source, body=b"{}", dedupe_key=f"k{self.number}", report=report, **more
        )


def request_id(things: Things) -> str:
    return f"request-{things.number}"


async def create_delivery(things: Things) -> Any:
    delivery = delivery_pb2.Delivery(
        order_id=await things.order(),
        references=[things.reference()],
        status=delivery_pb2.DELIVERY_STATUS_PICKED_UP,
    )
    return delivery_service_pb2.CreateDeliveryRequest(delivery=delivery, request_id=request_id(things))


async def update_delivery(things: Things) -> Any:
    delivery = delivery_pb2.Delivery(
        id=await things.delivery(), references=[things.reference()], status=delivery_pb2.DELIVERY_STATUS_PICKED_UP
    )
    return delivery_service_pb2.UpdateDeliveryRequest(delivery=delivery, request_id=request_id(things))


async def cancel_delivery(things: Things) -> Any:
    return delivery_service_pb2.CancelDeliveryRequest(
        delivery_id=await things.delivery(), request_id=request_id(things)
    )


async def override(things: Things) -> Any:
    return delivery_service_pb2.OverrideDeliveryStatusRequest(
        delivery_id=await things.delivery(),
        status=delivery_pb2.DELIVERY_STATUS_RETURNED,
        actor="Jane",
        reason="saw it",
        request_id=request_id(things),
    )


async def store_proof(things: Things) -> Any:
    url = f"https://carrier.example/{things.number}"
    delivery = delivery_pb2.Delivery(order_id=await things.order(), proofs=[proof_pb2.Proof(url=url)])
    request = delivery_service_pb2.CreateDeliveryRequest(delivery=delivery)
    made = (await things.call("DeliveryService.CreateDelivery", request)).delivery
    image = b"GIF89a" + things.reference().value.encode()
    return delivery_service_pb2.StoreDeliveryProofRequest(delivery_id=made.id, url=url, image=image)


async def create_order(things: Things) -> Any:
    order = order_pb2.Order(location_id=things.location, references=[things.reference()])
    return order_service_pb2.CreateOrderRequest(order=order, request_id=request_id(things))


async def update_order(things: Things) -> Any:
    order = order_pb2.Order(id=await things.order(), references=[things.reference()])
    return order_service_pb2.UpdateOrderRequest(order=order, request_id=request_id(things))


async def create_location(things: Things) -> Any:
    location = location_pb2.Location(
        name="Store", external_id=things.reference().value, time_zone="America/Chicago", currency_code="USD"
    )
    return location_service_pb2.CreateLocationRequest(location=location, request_id=request_id(things))


async def update_location(things: Things) -> Any:
    location = location_pb2.Location(id=things.location, name=things.reference().value)
    return location_service_pb2.UpdateLocationRequest(location=location, request_id=request_id(things))


async def create_source(things: Things) -> Any:
    things.reference()
    source = webhook_pb2.WebhookSource(dialect="skipcart", auth_scheme=webhook_pb2.AUTH_SCHEME_PATH_SECRET)
    source.unknown_target_policy = webhook_pb2.UNKNOWN_TARGET_POLICY_CREATE
    return webhook_service_pb2.CreateWebhookSourceRequest(source=source, request_id=request_id(things))


async def update_source(things: Things) -> Any:
    source = webhook_pb2.WebhookSource(id=things.source, display_name=things.reference().value)
    return webhook_service_pb2.UpdateWebhookSourceRequest(source=source)


async def rotate(things: Things) -> Any:
    return webhook_service_pb2.RotateWebhookSourceSecretRequest(source_id=things.source)


async def ingest_one(things: Things) -> Any:
    return things.message()


async def ingest_many(things: Things) -> Any:
    return webhook_service_pb2.BatchIngestWebhooksRequest(webhooks=[things.message() for _ in range(3)])


async def replay(things: Things) -> Any:
    unread = things.message(malformed="unreadable")
    report = unread.report
    result = await things.call("WebhookService.IngestWebhook", unread)
    return webhook_service_pb2.ReplayWebhookRequest(webhook_id=result.webhook_id, report=report)


async def create_tenant(things: Things) -> Any:
    tenant = access_pb2.Tenant(external_id=things.reference().value)
    return access_service_pb2.CreateTenantRequest(tenant=tenant, request_id=request_id(things))


async def create_token(_: Things) -> Any:
    token = access_pb2.Token(level=access_pb2.ACCESS_LEVEL_ACCOUNT, scopes=[access_pb2.SCOPE_ORDERS_READ])
    return access_service_pb2.CreateTokenRequest(token=token)


async def revoke(things: Things) -> Any:
    made = await things.call("AccessService.CreateToken", await create_token(things))
    return access_service_pb2.RevokeTokenRequest(token_id=made.token.id)


async def create_shipment(things: Things) -> Any:
    shipment = things.wanted()
    return shipment_service_pb2.CreateShipmentRequest(shipment=shipment, request_id=request_id(things))


async def update_shipment(things: Things) -> Any:
    shipment = shipment_pb2.Shipment(
        id=await things.shipment(), external_id=f"{things.number} moved", signature="adult"
    )
    return shipment_service_pb2.UpdateShipmentRequest(shipment=shipment, request_id=request_id(things))


async def cancel_shipment(things: Things) -> Any:
    return shipment_service_pb2.CancelShipmentRequest(
        shipment_id=await things.shipment(), request_id=request_id(things)
    )


async def retry_shipment(things: Things) -> Any:
    shipment_id = await things.shipment()
    key = (await _tenant(things), typeid.decode("shp", shipment_id))
    async with things.hub.transaction() as connection:
        stored = (await rows.lock(connection, [key]))[key]
        stored.shipment.phase = shipment_pb2.SHIPMENT_PHASE_UNQUOTED
        await rows.write(connection, [rows.Change(stored, "nobody wants it")], stored.shipment.create_time)
    return shipment_service_pb2.RetryShipmentRequest(shipment_id=shipment_id, asynchronous=True)


async def release_shipment(things: Things) -> Any:
    return shipment_service_pb2.ReleaseShipmentRequest(
        shipment_id=await things.shipment(), asynchronous=True, request_id=request_id(things)
    )


async def create_return(things: Things) -> Any:
    shipment_id = await things.shipment()
    shipment = shipment_pb2.Shipment(id=shipment_id, location_id=things.location)
    await book(things.hub, await _tenant(things), shipment, delivery_pb2.DELIVERY_STATUS_DELIVERED)
    return shipment_service_pb2.CreateReturnRequest(shipment_id=shipment_id, asynchronous=True)


async def update_rules(things: Things) -> Any:
    things.number += 1
    rules = shipment_pb2.DispatchRules(max_bookings=things.number % 100)
    return shipment_service_pb2.UpdateDispatchRulesRequest(rules=rules, request_id=request_id(things))


REQUESTS: dict[str, Callable[[Things], Any]] = {
    "DeliveryService.CreateDelivery": create_delivery,
    "DeliveryService.UpdateDelivery": update_delivery,
    "DeliveryService.CancelDelivery": cancel_delivery,
    "DeliveryService.OverrideDeliveryStatus": override,
    "DeliveryService.StoreDeliveryProof": store_proof,
    "OrderService.CreateOrder": create_order,
    "OrderService.UpdateOrder": update_order,
    "LocationService.CreateLocation": create_location,
    "LocationService.UpdateLocation": update_location,
    "ShipmentService.CreateShipment": create_shipment,
    "ShipmentService.UpdateShipment": update_shipment,
    "ShipmentService.CancelShipment": cancel_shipment,
    "ShipmentService.RetryShipment": retry_shipment,
    "ShipmentService.ReleaseShipment": release_shipment,
    "ShipmentService.CreateReturn": create_return,
    "ShipmentService.UpdateDispatchRules": update_rules,
    "WebhookService.CreateWebhookSource": create_source,
    "WebhookService.UpdateWebhookSource": update_source,
    "WebhookService.RotateWebhookSourceSecret": rotate,
    "WebhookService.IngestWebhook": ingest_one,
    "WebhookService.BatchIngestWebhooks": ingest_many,
    "WebhookService.ReplayWebhook": replay,
    **carrier_requests.MUTATING,
    **subscription_requests.MUTATING,
    "AccessService.CreateTenant": create_tenant,
    "AccessService.CreateToken": create_token,
    "AccessService.RevokeToken": revoke,
}


def test_every_served_method_that_changes_something_is_tried() -> None:
    served = {each.name.rpartition(".")[2] for each in SERVICERS}
    mutating = {
        method.name
        for method in every_method()
        if method.name.split(".")[0] in served and method.descriptor.GetOptions().idempotency_level != READ_ONLY
    }

    assert mutating == set(REQUESTS)


HALF_STATES = {
    "a delivery whose events are not all there": """
        SELECT d.delivery_id::text, d.document, count(e.number), coalesce(max(e.number), 0)
        FROM deliveries d LEFT JOIN events e USING (tenant_id, delivery_id) GROUP BY d.tenant_id, d.delivery_id
    """,
    "an event without its delivery": """
        SELECT e.event_id::text FROM events e LEFT JOIN deliveries d USING (tenant_id, delivery_id)
        WHERE d.delivery_id IS NULL AND e.delivery_id IS NOT NULL
    """,
    "a shipment whose events or steps are not all there": """
        SELECT s.external_id FROM shipments s
        WHERE s.version <> (SELECT count(*) FROM events WHERE (tenant_id, shipment_id) = (s.tenant_id, s.shipment_id))
           OR s.steps <> (SELECT count(*) FROM shipment_history
                          WHERE (tenant_id, shipment_id) = (s.tenant_id, s.shipment_id))
    """,
    "a request id without its answer": "SELECT request_id FROM idempotency_keys WHERE response = ''",
    "a carrier without the answer that told of it": """
        SELECT c.carrier_ref FROM carriers c LEFT JOIN idempotency_keys k
          ON k.tenant_id = c.tenant_id AND k.request_id = c.carrier_ref
        WHERE c.sealed_authorization IS NOT NULL AND k.request_id IS NULL
    """,
    "a dedupe key without its message": """
        SELECT k.dedupe_key FROM webhook_keys k LEFT JOIN webhooks w USING (tenant_id, webhook_id)
        WHERE w.webhook_id IS NULL
    """,
    "a message without its dedupe key": """
        SELECT w.dedupe_key FROM webhooks w LEFT JOIN webhook_keys k USING (tenant_id, webhook_id)
        WHERE k.webhook_id IS NULL
    """,
    "a send of no subscription": """
        SELECT n.event_id::text FROM sends n LEFT JOIN subscriptions s USING (tenant_id, subscription_id)
        WHERE s.subscription_id IS NULL
    """,
    "a subject whose first event waits for nothing": """
        SELECT h.event_id::text FROM (
          SELECT DISTINCT ON (tenant_id, subscription_id, subject_id) event_id, due_time FROM sends
          WHERE NOT given_up ORDER BY tenant_id, subscription_id, subject_id, xid, event_id
        ) AS h WHERE h.due_time IS NULL
    """,
    "a lock that nobody lets go": "SELECT objid::text FROM pg_locks WHERE locktype = 'advisory'",
}


async def half_states(hub: Hub) -> list[str]:
    found = []
    async with hub.engine.connect() as connection:
        for what, query in HALF_STATES.items():
            rows = (await connection.execute(sa.text(query))).all()
            if what == "a delivery whose events are not all there":
                rows = [row for row in rows if _is_torn(*row[1:])]
            found += [f"{what}: {row[0]}" for row in rows]
    return found


def _is_torn(document: bytes, count: int, last: int) -> bool:
    delivery = delivery_pb2.Delivery.FromString(document)
    return not delivery.last_event_number == count == last


@pytest.fixture
async def things(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Things:
    monkeypatch.setattr(repeating, "TEST_SECONDS", 0.02)  # nobody sends here
    monkeypatch.setattr(repeating, "TEST_POLL_SECONDS", 0.01)
    servicers = {each.name.rpartition(".")[2]: each.make(hub) for each in SERVICERS}
    made = Things(hub, servicers)
    callers.set_current(Caller(None, permissions.SYSTEM))
    tenant = (await made.call("AccessService.CreateTenant", await create_tenant(made))).tenant
    callers.set_current(Caller(typeid.decode("ten", tenant.id), permissions.SYSTEM))
    made.location = (await made.call("LocationService.CreateLocation", await create_location(made))).location.id
    made.source = (await made.call("WebhookService.CreateWebhookSource", await create_source(made))).source.id
    return made


@pytest.mark.parametrize("method", REQUESTS)
async def test_a_call_that_is_cancelled_anywhere_has_done_all_or_nothing(things: Things, method: str) -> None:
    tenant = callers.Caller(await _tenant(things), permissions.SYSTEM)
    callers.set_current(tenant)
    wait = 0
    while True:
        wait += 1
        request = await REQUESTS[method](things)
        call = CancelledAt(things.call(method, request), wait)

        async def run(call: CancelledAt = call) -> Any:
            return await call

        with suppress(asyncio.CancelledError):
            await asyncio.create_task(run())
        await until_none_is_checked_out(things.hub.engine)
        assert await half_states(things.hub) == [], f"cancelled at wait {wait}"
        if not call.reached:
            break
    assert wait > 3, "it was never cancelled"


async def _tenant(things: Things) -> Any:
    async with things.hub.engine.connect() as connection:
        return await connection.scalar(sa.text("SELECT tenant_id FROM webhook_sources"))
