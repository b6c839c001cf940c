"""Simulated carriers post to the real front door, and deliveries end as the scenarios say."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from crossdock.v1.delivery_pb2 import DeliveryStatus
from crossdock.v1.event_pb2 import Disposition

from tests.carriers.hubs import DIALECTS, SECRETS, Hub

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


async def test_every_scenario_ends_a_delivery_of_every_carrier_as_told(hub: Hub) -> None:
    async def ride(carrier: str, scenario: str) -> str:
        booking = (await hub.simulator.carrier(carrier).book(f"dlv_{carrier}_{scenario}")).booking
        delivery_id = await hub.delivery_of(booking)
        await hub.simulator.run(booking.id, scenario)
        return await hub.status_of(delivery_id)

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

    assert await hub.status_of(delivery_id) == "DELIVERED"


async def test_a_path_without_its_secret_is_continued_by_the_carriers_setting(hub: Hub) -> None:
    path = f"/webhooks/skipcart/{hub.sources['swift']}"
    booking = (await hub.simulator.swift.book("dlv_1", webhook_path=path)).booking
    delivery_id = await hub.delivery_of(booking)

    await hub.simulator.run("dlv_1", until="PICKUP_ARRIVED")

    assert await hub.status_of(delivery_id) == "PICKUP_ARRIVED"


@pytest.mark.parametrize("wrong", [{"duplicate_every": 2}, {"reorder_every": 2}, {"lateness": 3.0}])
async def test_webhooks_that_come_twice_or_late_or_out_of_order_lead_to_the_same_end(hub: Hub, wrong: Any) -> None:
    await hub.simulator.misbehave("swift", **wrong)
    booking = (await hub.simulator.swift.book("dlv_1")).booking
    delivery_id = await hub.delivery_of(booking)

    await hub.simulator.run("dlv_1")

    assert await hub.status_of(delivery_id) == "DELIVERED"


async def test_times_of_the_far_future_are_not_believed(hub: Hub) -> None:
    await hub.simulator.misbehave("swift", clock_skew={"seconds": 365 * 24 * 3600})
    booking = (await hub.simulator.swift.book("dlv_1")).booking
    delivery_id = await hub.delivery_of(booking)

    await hub.simulator.run("dlv_1")

    ended = await hub.world.get(delivery_id)
    assert ended.status == DeliveryStatus.DELIVERY_STATUS_DELIVERED
    assert ended.status_time.ToDatetime() < datetime.now() + timedelta(days=2)  # noqa: DTZ005  days are enough
