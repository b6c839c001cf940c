"""schemathesis reads the document and asks the real hub: nothing breaks, and every answer is as the document says."""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
import requests
import schemathesis
from crossdock.v1 import (
    access_pb2,
    access_service_pb2,
    carrier_directory_service_pb2,
    carrier_pb2,
    delivery_service_pb2,
    shipment_pb2,
    shipment_service_pb2,
    subscription_pb2,
    subscription_service_pb2,
    webhook_pb2,
    webhook_service_pb2,
)
from crossdock.v1.carrier_directory_service_pb2_grpc import CarrierDirectoryServiceStub
from crossdock.v1.shipment_service_pb2_grpc import ShipmentServiceStub
from crossdock.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as rules
from hypothesis.errors import Unsatisfiable
from pydantic import SecretStr
from schemathesis import GenerationMode, checks
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup

from gateway.dialects.registry import INBOUND, OUTBOUND, REST
from gateway.openapi.document import document
from services.config import Settings
from services.server import Server
from services.subscriptions import repeating
from tests.conftest import SYSTEM_TOKEN
from tests.gateway.webhook_services import running_gateway
from tests.services.worlds import Metadata, World

ROUNDS = {GenerationMode.POSITIVE: 5, GenerationMode.NEGATIVE: 3}
"""How many requests of each kind an operation gets, beside the documented one."""
CHECKED = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
ENDLESS = {"EventService_WatchEvents", "DeliveryService_WatchDelivery"}
"""Streams that stay open; the tests of the transcoder read them."""
OF_A_CARRIER = {"ShipmentService_CreateReturn", "deliverysolutions_create", "deliverysolutions_retry"}
"""What cannot succeed without a carrier that answers; the tests of dispatching and of the dialect have one."""
PUBLIC = "https://track.example"
OF_THE_SYSTEM = {"AccessService_CreateTenant", "AccessService_ListTenants"}
RANDOM_STATE = frozenset(
    ("id", "etag", "requestId", "pageToken", "cursor", "orderId", "shipmentId", "outboundDeliveryId", "sourceId")
) | {"locationIds", "deliveryId", "returnLocationId", "If-Match", "private_ref", "privateRef"}
"""What names things or states that do not exist, and so is refused before anything else is looked at."""


@dataclass(repr=False)
class Hub:
    """A running hub with one thing of each kind, and what it has answered."""

    url: str
    world: World
    things: dict[str, str]
    session: requests.Session
    answered: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    failures: list[str] = field(default_factory=list)

    def ask(self, case: Any) -> None:
        """Send one request and check the answer."""
        name = case.operation.definition.raw["operationId"]
        sent = self._credentials(name)
        answer = case.call(self.url, session=self.session, headers=sent, timeout=60)
        self.answered[name][answer.status_code] += 1
        try:
            case.validate_response(answer, checks=CHECKED)
        except FailureGroup as group:
            told = "; ".join(f"{each.title}: {each.message}" for each in group.exceptions)
            body = answer.content[:300].decode("utf-8", "replace")
            self.failures.append(f"{name}: {told}\n{case.as_curl_command()[:600]}\n{answer.status_code} {body}")

    def _credentials(self, name: str) -> dict[str, str]:
        if name in OF_THE_SYSTEM:
            return {"Authorization": f"Bearer {SYSTEM_TOKEN}"}
        token = dict(self.world.account)["authorization"]
        local = dict(self.world.local)["authorization"].removeprefix("Bearer ")
        key = token.removeprefix("Bearer ")
        return {"Authorization": token, "X-Access-Token": local, "x-api-key": key, "tenantid": "acme"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A server that does not log its thousands of calls."""
    return settings.model_copy(update={"log_calls": False, "carriers_allow": "127.0.0.0/8", "public_url": PUBLIC})


@pytest.fixture
async def world(channel: grpc.aio.Channel, system: Metadata) -> World:
    return await World.make(channel, system)


async def test_whatever_is_asked_nothing_breaks_and_answers_are_as_documented(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeating, "TEST_SECONDS", 0.2)  # nobody sends here
    token = SecretStr(SYSTEM_TOKEN)
    found = await things(world)
    async with running_gateway(server.address, INBOUND, system_token=token, log_requests=False) as gateway:
        with requests.Session() as session:
            hub = Hub(gateway.url, world, found, session)
            names = await asyncio.to_thread(lambda: [ask_about(each, hub) for each in operations()])

    assert hub.failures == []
    assert len(names) > 50
    # An operation that only ever refuses proves little.
    refusing = {name for name in names if not any(status < 300 for status in hub.answered[name])}
    assert refusing <= OF_A_CARRIER, refusing


async def things(world: World) -> dict[str, str]:
    """One of each kind, by the names that they have in paths; an operation's own stand behind its name."""
    order, another, third = [(await world.order()).id for _ in range(3)]
    delivery = await world.delivery(carrier="UPS", order_id=order, references=[{"scope": "partner", "value": "A-1"}])
    [ingested] = await world.ingest(world.message("1", "confirmed", policy="PARK"))
    wanted = access_pb2.Token(level=access_pb2.ACCESS_LEVEL_ACCOUNT, scopes=[access_pb2.SCOPE_ORDERS_READ])
    asked = access_service_pb2.CreateTokenRequest(token=wanted)
    token = (await world.access.CreateToken(asked, metadata=world.account)).token
    proven = await world.delivery(
        carrier="UPS", location_id=world.location_id, proofs=[{"image": b"GIF89a, of a signature"}]
    )
    for ref in ("ups", "gone"):
        carrier = carrier_pb2.Carrier(ref=ref, name=ref, address="127.0.0.1:9", plaintext=True)
        registering = carrier_directory_service_pb2.CreateCarrierRequest(carrier=carrier)
        await CarrierDirectoryServiceStub(world.channel).CreateCarrier(registering, metadata=world.account)
    listed = await world.deliveries.ListDeliveryEvents(
        delivery_service_pb2.ListDeliveryEventsRequest(delivery_id=delivery.id), metadata=world.account
    )
    event_id = listed.events[0].id
    found = {
        "deliveryId": delivery.id,
        "orderId": order,
        "order_id": another,
        "hubrise_createDelivery order_id": third,
        "locationId": world.location_id,
        "location_id": world.location_id,
        "sourceId": world.sources["PARK"].id,
        "webhookId": ingested.webhook_id,
        "tenantId": world.tenant_id,
        "tokenId": token.id,
        "eventId": event_id,
        "DeliveryService_GetDeliveryProof deliveryId": proven.id,
        "number": "1",
        "cursor": "A" * 32,
        "carrierRef": "ups",
        "CarrierDirectoryService_DeleteCarrier carrierRef": "gone",
        **await shipments(world),
        **await subscriptions(world),
        "file": "start.js",
        "reference.scope": "partner",
        "reference.value": "A-1",
    }
    for dialect in INBOUND:
        for operation, scheme in (
            ("receive", webhook_pb2.AUTH_SCHEME_STATIC_AUTHORIZATION),
            ("receiveBySecret", webhook_pb2.AUTH_SCHEME_PATH_SECRET),
        ):
            # What every request brings along as its token is what the sender has agreed upon.
            secret = dict(world.account)["authorization"] if operation == "receive" else ""
            source = webhook_pb2.WebhookSource(dialect=dialect, auth_scheme=scheme)
            request = webhook_service_pb2.CreateWebhookSourceRequest(source=source, secret=secret)
            made = (await world.webhooks.CreateWebhookSource(request, metadata=world.account)).source
            found[f"{dialect}_{operation} sourceId"] = made.id
            found[f"{dialect}_{operation} secret"] = made.secrets[0].value
    return found


async def shipments(world: World) -> dict[str, str]:
    """Shipments that wait, and one that nobody took."""
    stub = ShipmentServiceStub(world.channel)

    async def new(external_id: str, *, hold: bool = True) -> str:
        wanted = shipment_pb2.Shipment(external_id=external_id, location_id=world.location_id, hold=hold)
        wanted.consignment.dropoff.address.postal_address.region_code = "US"
        request = shipment_service_pb2.CreateShipmentRequest(shipment=wanted, asynchronous=True)
        return (await stub.CreateShipment(request, metadata=world.account)).shipment.id

    waiting = await new("waits")
    shown = shipment_service_pb2.GetShipmentRequest(shipment_id=waiting)
    links = (await stub.GetShipment(shown, metadata=world.account)).shipment.links
    return {
        "shipmentId": waiting,
        "token": links.tracking_url.removeprefix(f"{PUBLIC}/t/"),
        "tracking_label token": links.label_url.removeprefix(f"{PUBLIC}/labels/").removesuffix(".pdf"),
        "externalId": "waits",
        "shipment_external_id": "waits",
        "ShipmentService_CancelShipment shipmentId": await new("to cancel"),
        "ShipmentService_RetryShipment shipmentId": await new("to retry", hold=False),
        "deliverysolutions_cancel shipment_external_id": await named(new, "ds to cancel"),
        "deliverysolutions_edit shipment_external_id": await named(new, "ds to edit"),
    }


async def named(new: Any, external_id: str) -> str:
    await new(external_id)
    return external_id


async def subscriptions(world: World) -> dict[str, str]:
    """One that is posted to, one to be removed, and one that is pulled."""
    stub = SubscriptionServiceStub(world.channel)

    async def new(**members: Any) -> str:
        request = subscription_service_pb2.CreateSubscriptionRequest(
            subscription=subscription_pb2.Subscription(**members)
        )
        return (await stub.CreateSubscription(request, metadata=world.account)).subscription.id

    url = "https://subscriber.example/hook"
    passive = await new(passive=True)
    return {
        "subscriptionId": await new(url=url),
        "SubscriptionService_DeleteSubscription subscriptionId": await new(url=url),
        "SubscriptionService_PullEvents subscriptionId": passive,
        "SubscriptionService_AcknowledgeEvents subscriptionId": passive,
    }


def operations() -> Iterator[Any]:
    """All of the document's, where no object of the contract may have a member that is not documented."""
    told = document(INBOUND, REST, OUTBOUND)
    schemas = [schema for name, schema in told["components"]["schemas"].items() if "." not in name]
    for item in (each for path, each in told["paths"].items() if path.startswith("/v1/")):
        bodies = [operation["requestBody"] for operation in item.values() if "requestBody" in operation]
        schemas += [body["content"]["application/json"]["schema"] for body in bodies]
    for schema in schemas:
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    # The credentials are ours: requests without proper ones would only ever be refused.
    config = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})
    found: Any = schemathesis.openapi.from_dict(told, config=config).get_all_operations()
    for operation in (each.ok() for each in found):
        if operation.definition.raw["operationId"] not in ENDLESS:
            yield operation


def ask_about(operation: Any, hub: Hub) -> str:
    """Asks the documented request, and then others, right and wrong."""
    raw = operation.definition.raw
    content = raw.get("requestBody", {}).get("content", {}).get("application/json", {})
    given_body = {"body": content["example"], "media_type": "application/json"} if "example" in content else {}
    hub.ask(fitting(operation.Case(path_parameters={}, query={}, **given_body), hub))
    for mode, rounds in ROUNDS.items():
        cases = operation.as_strategy(generation_mode=mode)
        if mode is GenerationMode.POSITIVE:
            cases = cases.map(lambda case: fitting(case, hub))
        plan: Any = rules(
            max_examples=rounds,
            phases=[Phase.generate],
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        # Where nothing is asked for, nothing can be asked wrongly.
        with contextlib.suppress(Unsatisfiable):
            with_cases: Any = given(cases)
            plan(with_cases(hub.ask))()
    return str(raw["operationId"])


def fitting(case: Any, hub: Hub) -> Any:
    """The request about things that exist, else all of them would only ever be NOT_FOUND."""
    name = case.operation.definition.raw["operationId"]
    for parameter in case.operation.path_parameters:
        case.path_parameters[parameter.name] = hub.things.get(
            f"{name} {parameter.name}", hub.things.get(parameter.name, "")
        )
    for parameter in case.operation.query:
        if parameter.name in hub.things and parameter.name not in RANDOM_STATE:
            case.query[parameter.name] = hub.things[parameter.name]
    if case.path.startswith("/webhooks/"):
        return case
    for part in (case.query, case.headers, case.body):
        if isinstance(part, dict):
            for member in [member for member in part if member in RANDOM_STATE]:
                del part[member]
            if "eventId" in part:
                part["eventId"] = hub.things["eventId"]
            if name == "SubscriptionService_AcknowledgeEvents" and part is case.body:
                part["cursor"] = hub.things["cursor"]
            if "locationId" in part:
                part["locationId"] = hub.world.location_id
    return case
