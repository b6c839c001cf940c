"""Promise 37: what webhooks do not tell, because they are lost or never sent, is found by looking bookings up.

Two poll periods pass on the hub's own clock, so that no slow machine can be taken for a slow hub.
"""

import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from crossdock.simulator.v1 import simulator_pb2 as books
from crossdock.v1.delivery_pb2 import DeliveryStatus
from crossdock.v1.shipment_pb2 import Shipment
from pydantic import SecretStr

from gateway.dialects.registry import INBOUND
from services.server import Server
from tests.carriers.hubs import DIALECTS, Hub
from tests.carriers.test_shipments import Store
from tests.carriers.worlds import eventually, running_simulator
from tests.conftest import SYSTEM_TOKEN
from tests.gateway.webhook_services import running_gateway
from tests.services.worlds import Metadata, World

SHIPMENTS = int(os.environ.get("CROSSDOCK_PROOF_SEEDS", "30"))
POLL = timedelta(minutes=10)
ENDS = (
    ("DELIVERED", "UNSPECIFIED"),
    ("DELIVERED", "DROPOFF_EN_ROUTE"),
    ("DELIVERED", "DROPOFF_ARRIVED"),
    ("UNDELIVERABLE", "UNSPECIFIED"),
    ("RETURNED", "UNSPECIFIED"),
)
"""Scenario, and where the journey stops."""
LOST = (4, 5, 6)
"""One of so many webhooks of a booking is lost: about 20 % in all."""


@pytest.fixture
async def store(server: Server, channel: grpc.aio.Channel, system: Metadata) -> AsyncIterator[Store]:
    tenant = await World.make(channel, system)
    async with (
        running_gateway(server.address, INBOUND, system_token=SecretStr(SYSTEM_TOKEN)) as gateway,
        running_simulator(hub=gateway.url) as simulator,
    ):
        hub = Hub(tenant, simulator)
        await hub.connect(gateway.url)
        await hub.register(poll=POLL)
        yield Store(hub)


async def test_what_webhooks_do_not_tell_is_found_within_two_poll_periods(server: Server, store: Store) -> None:
    thrown, simulator = random.Random(37), store.hub.simulator
    shipments: list[Shipment] = []
    for number in range(SHIPMENTS):
        await store.assign(list(DIALECTS)[number % len(DIALECTS)])
        made = await store.ship(f"A-{number}")
        await simulator.misbehave_one(made.delivery_id, drop_every=thrown.choice(LOST))
        scenario, until = thrown.choice(ENDS)
        await simulator.set_out(made.delivery_id, scenario, until=until)
        shipments.append(made)
    told = [each for made in shipments for each in await _webhooks(store, made)]

    async def differing() -> list[str]:
        found = [(await store.get(made), await simulator.booking(made.delivery_id)) for made in shipments]
        return [
            f"{ours.external_id} {booking.carrier}: {DeliveryStatus.Name(ours.status)},"
            f" {DeliveryStatus.Name(booking.booking.report.status)}"
            for ours, booking in found
            if ours.status != booking.booking.report.status
        ]

    missed = await differing()
    server.hub.now = lambda: datetime.now(UTC) + 2 * POLL

    async def all_is_found() -> bool:
        return not await differing()

    await eventually(all_is_found)
    outcomes = Counter(each.outcome for each in told)
    lost = outcomes[books.WEBHOOK_OUTCOME_DROPPED] / outcomes.total()
    assert 0.1 < lost < 0.3
    assert len(missed) > SHIPMENTS / 10, "webhooks alone told nearly everything: this proof proves nothing"
    told_of = f"{lost:.0%} of webhooks lost, {len(missed)} of {SHIPMENTS} shipments behind"
    print(f"{told_of}, all found by look-ups")  # noqa: T201  the figure of the proof


async def _webhooks(store: Store, shipment: Shipment) -> list[books.SentWebhook]:
    """What was posted about a shipment, or lost, once nothing moves any more."""
    await store.hub.simulator.stands_still(shipment.delivery_id)
    return await store.hub.simulator.webhooks(shipment.delivery_id)
