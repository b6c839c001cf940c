"""Simulated carriers post to the real front door, and deliveries end as the scenarios say."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import grpc
import pytest
from crossdock.v1 import delivery_pb2, webhook_pb2, webhook_service_pb2
from crossdock.v1.carrier_pb2 import Booking
from crossdock.v1.event_pb2 import Disposition
from pydantic import SecretStr

from gateway.dialects.registry import INBOUND
from tests.carriers.worlds import World as Simulator
from tests.carriers.worlds import running_simulator
from tests.conftest import SYSTEM_TOKEN
from tests.gateway.webhook_services import running_gateway
from tests.services.worlds import World

if TYPE_CHECKING:
    from services.server import Server as Services

SECRETS: dict[str, tuple["webhook_pb2.AuthScheme.ValueType", str]] = {
    "skipcart": (webhook_pb2.AUTH_SCHEME_PATH_SECRET, "a-secret-in-the-path-of-the-url"),
    "evermile": (webhook_pb2.AUTH_SCHEME_STANDARD_WEBHOOKS, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    "ordatic": (webhook_pb2.AUTH_SCHEME_STATIC_AUTHORIZATION, "the value that was agreed on"),
}
DIALECTS = {"swift": "skipcart", "evergreen": "evermile", "pronto": "ordatic"}
ENDS = {
    # scenario: the end with Skipcart, Evermile, Ordatic
    "DELIVERED": ("DELIVERED", "DELIVERED", "DELIVERED"),
    "LEFT_AT_DOOR": ("DELIVERED", "DELIVERED", "DELIVERED"),
    "NEW_DRIVER": ("DELIVERED", "DELIVERED", "DELIVERED"),
    "UNDELIVERABLE": ("UNDELIVERABLE", "UNDELIVERABLE", "UNDELIVERABLE"),
    # Ordatic has no words for a return: a look-up tells.
    "RETURNED": ("RETURNED", "RETURNED", "UNDELIVERABLE"),
    # Ordatic calls every end of a booking an error.
    "NO_DRIVER": ("CANCELLED", "CANCELLED", "FAILED"),
    "CANCELLED_BY_CARRIER": ("CANCELLED", "CANCELLED", "FAILED"),
}


UNREAD = frozenset(
    (
        Disposition.DISPOSITION_MALFORMED,
        Disposition.DISPOSITION_UNMAPPED,
        Disposition.DISPOSITION_UNMATCHED,
    )
)


class Hub:
    """Real services behind a real gateway, with a source for each simulated carrier."""

    def __init__(self, world: World, simulator: Simulator) -> None:
        self.world = world
        self.simulator = simulator
        self.sources: dict[str, str] = {}

    async def connect(self, gateway_url: str) -> None:
        for carrier, dialect in DIALECTS.items():
            scheme, secret = SECRETS[dialect]
            source = webhook_pb2.WebhookSource(dialect=dialect, auth_scheme=scheme, default_currency_code="USD")
            request = webhook_service_pb2.CreateWebhookSourceRequest(source=source, secret=secret)
            made = (await self.world.webhooks.CreateWebhookSource(request, metadata=self.world.account)).source
            self.sources[carrier] = made.id
            in_path = f"/{secret}" if scheme == webhook_pb2.AUTH_SCHEME_PATH_SECRET else ""
            await self.simulator.configure(carrier, f"{gateway_url}{made.path}{in_path}", secret)

    async def delivery_of(self, booking: Booking) -> str:
        """The delivery as a dispatch would have it after the carrier's yes."""
        made = await self.world.delivery(carrier="Simulated", references=booking.references)
        return made.id

    async def stored(self, carrier: str) -> list[webhook_pb2.Webhook]:
        request = webhook_service_pb2.ListWebhooksRequest(source_id=self.sources[carrier], page_size=1000)
        return list((await self.world.webhooks.ListWebhooks(request, metadata=self.world.account)).webhooks)


@pytest.fixture
async def hub(server: "Services", channel: grpc.aio.Channel, system: Any) -> AsyncIterator[Hub]:
    world = await World.make(channel, system)
    async with (
        running_gateway(server.address, INBOUND, system_token=SecretStr(SYSTEM_TOKEN)) as gateway,
        running_simulator(hub=gateway.url) as simulator,
    ):
        hub = Hub(world, simulator)
        await hub.connect(gateway.url)
        yield hub


async def test_every_scenario_ends_a_delivery_of_every_carrier_as_told(hub: Hub) -> None:
    async def ride(carrier: str, scenario: str) -> str:
        booking = (await hub.simulator.carrier(carrier).book(f"dlv_{carrier}_{scenario}")).booking
        delivery_id = await hub.delivery_of(booking)
        await hub.simulator.run(booking.id, scenario)
        return status_of(await hub.world.get(delivery_id))

    rides = [(carrier, scenario) for carrier in DIALECTS for scenario in ENDS]
    ends = await asyncio.gather(*(ride(*each) for each in rides))

    wanted = {
        (carrier, scenario): end for scenario in ENDS for carrier, end in zip(DIALECTS, ENDS[scenario], strict=True)
    }
    assert dict(zip(rides, ends, strict=True)) == wanted
    for carrier in DIALECTS:
        kept = await hub.stored(carrier)
        posted = sum([len(await hub.simulator.webhooks(f"dlv_{carrier}_{scenario}")) for scenario in ENDS])
        assert len(kept) == posted
        assert [each.explanation for each in kept if each.disposition in UNREAD] == []


async def test_the_path_that_a_booking_names_is_where_its_webhooks_go(hub: Hub) -> None:
    (setting,) = [each for each in await hub.simulator.carriers() if each.name == "evergreen"]
    path = urlsplit(setting.endpoint.url).path
    await hub.simulator.configure("evergreen", "http://127.0.0.1:9/nowhere", SECRETS["evermile"][1])
    booking = (await hub.simulator.evergreen.book("dlv_1", webhook_path=path)).booking
    delivery_id = await hub.delivery_of(booking)

    await hub.simulator.run("dlv_1")

    assert status_of(await hub.world.get(delivery_id)) == "DELIVERED"


async def test_a_path_without_its_secret_is_continued_by_the_carriers_setting(hub: Hub) -> None:
    path = f"/webhooks/skipcart/{hub.sources['swift']}"
    booking = (await hub.simulator.swift.book("dlv_1", webhook_path=path)).booking
    delivery_id = await hub.delivery_of(booking)

    await hub.simulator.run("dlv_1", until="PICKUP_ARRIVED")

    assert status_of(await hub.world.get(delivery_id)) == "PICKUP_ARRIVED"


@pytest.mark.parametrize("wrong", [{"duplicate_every": 2}, {"reorder_every": 2}, {"lateness": 3.0}])
async def test_webhooks_that_come_twice_or_late_or_out_of_order_lead_to_the_same_end(hub: Hub, wrong: Any) -> None:
    await hub.simulator.misbehave("swift", **wrong)
    booking = (await hub.simulator.swift.book("dlv_1")).booking
    delivery_id = await hub.delivery_of(booking)

    await hub.simulator.run("dlv_1")

    assert status_of(await hub.world.get(delivery_id)) == "DELIVERED"


async def test_times_of_the_far_future_are_not_believed(hub: Hub) -> None:
    await hub.simulator.misbehave("swift", clock_skew={"seconds": 365 * 24 * 3600})
    booking = (await hub.simulator.swift.book("dlv_1")).booking
    delivery_id = await hub.delivery_of(booking)

    await hub.simulator.run("dlv_1")

    ended = await hub.world.get(delivery_id)
    assert status_of(ended) == "DELIVERED"
    assert ended.status_time.ToDatetime() < datetime.now() + timedelta(days=2)  # noqa: DTZ005  days are enough


def status_of(delivery: delivery_pb2.Delivery) -> str:
    return delivery_pb2.DeliveryStatus.Name(delivery.status).removeprefix("DELIVERY_STATUS_")
