"""How carriers are remembered: what a closed delivery says of its carrier, and what comes of many."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import grpc
import pytest
import sqlalchemy as sa
from crossdock.v1 import carrier_directory_service_pb2 as directory
from crossdock.v1 import delivery_service_pb2 as deliveries
from crossdock.v1 import location_service_pb2 as locations
from crossdock.v1 import shipment_service_pb2 as shipments
from crossdock.v1.actor_pb2 import ACTOR_KIND_CALLER, ACTOR_KIND_CARRIER
from crossdock.v1.carrier_directory_service_pb2_grpc import CarrierDirectoryServiceStub
from crossdock.v1.carrier_pb2 import Carrier, CarrierRecord
from crossdock.v1.delivery_pb2 import Delivery, DeliveryStatus
from crossdock.v1.shipment_pb2 import SHIPMENT_PHASE_BOOKED, Shipment
from crossdock.v1.shipment_service_pb2_grpc import ShipmentServiceStub
from crossdock.v1.window_pb2 import WindowKind
from google.type.money_pb2 import Money

from runtime import typeid
from services import ids, times
from services.carriers import outcomes, records, rows
from services.carriers.outcomes import Outcome, outcome_of
from services.carriers.records import Records
from services.db.tables import tenants
from services.deliveries.rows import Stored
from services.hub import Hub
from services.server import Server
from tests.services.accounts import refusal_of
from tests.services.carriers.speakers import Speaker
from tests.services.worlds import World

Make = Callable[..., Awaitable[Speaker]]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def delivery(
    word: str, *, promised: int | None = 60, arrived: int | None = None, by_carrier: bool = True, price: int = 10
) -> Delivery:
    """A delivery of a mile or so, its promise and its arrival in minutes after noon."""
    made = Delivery(status=DeliveryStatus.Value(f"DELIVERY_STATUS_{word}"), carrier_ref="sim-a")
    made.status_reason.actor.kind = ACTOR_KIND_CARRIER if by_carrier else ACTOR_KIND_CALLER
    made.fee.CopyFrom(Money(currency_code="USD", units=price))
    made.consignment.pickup.address.position.latitude = 41.0
    made.consignment.dropoff.address.position.latitude = 41.0 + 2 / 111.195
    times.set_timestamp(made.status_time, NOON)
    if promised is not None:
        window = made.consignment.dropoff.windows.add(kind=WindowKind.WINDOW_KIND_COMMITTED)
        times.set_timestamp(window.end_time, NOON + timedelta(minutes=promised))
    if arrived is not None:
        reached = made.milestones.add(status=DeliveryStatus.DELIVERY_STATUS_DELIVERED)
        times.set_timestamp(reached.time, NOON + timedelta(minutes=arrived))
    return made


@pytest.mark.parametrize(
    ("told", "on_time", "called_off"),
    [
        (delivery("DELIVERED", arrived=60), True, False),
        (delivery("DELIVERED", arrived=61), False, False),
        (delivery("DELIVERED", arrived=61, promised=None), None, False),
        (delivery("RETURNED"), False, False),
        (delivery("CANCELLED"), False, True),
        (delivery("CANCELLED", by_carrier=False), None, False),
    ],
)
def test_a_closed_delivery_says_how_its_carrier_kept_its_word(
    told: Delivery, on_time: bool | None, called_off: bool
) -> None:
    assert outcome_of(told) == Outcome(on_time, called_off, 1000, "USD", 2000)


@pytest.mark.parametrize("word", ["CREATED", "DISPATCHED", "PICKED_UP", "FAILED", "RETURNING"])
def test_one_that_is_not_over_or_never_was_one_says_nothing(word: str) -> None:
    assert outcome_of(delivery(word)) is None


def test_the_firmest_promise_counts() -> None:
    told = delivery("DELIVERED", arrived=45)
    estimated = told.consignment.dropoff.windows.add(kind=WindowKind.WINDOW_KIND_ESTIMATED)
    times.set_timestamp(estimated.end_time, NOON + timedelta(minutes=30))
    requested = told.consignment.dropoff.windows.add(kind=WindowKind.WINDOW_KIND_REQUESTED)
    times.set_timestamp(requested.end_time, NOON)

    first = outcome_of(told)
    del told.consignment.dropoff.windows[0]
    second = outcome_of(told)

    assert first is not None
    assert second is not None
    assert (first.on_time, second.on_time) == (True, False)


async def tenant(hub: Hub) -> UUID:
    """A tenant with a carrier, below the wire."""
    tenant_id = typeid.new_uuid7()
    carrier = Carrier(ref="sim-a", name="A", address="127.0.0.1:9", etag="1")
    times.set_timestamp(carrier.create_time, NOON)
    async with hub.transaction() as connection:
        row = {"tenant_id": tenant_id, "external_id": str(tenant_id), "document": b"", "create_time": NOON}
        await connection.execute(sa.insert(tenants).values(row))
        await rows.insert(connection, rows.Stored(tenant_id, carrier))
    return tenant_id


async def remembered(hub: Hub, tenant_id: UUID, *told: Delivery, now: datetime = NOON) -> CarrierRecord:
    """The record of sim-a after these deliveries."""
    async with hub.transaction() as connection:
        await outcomes.remember(connection, [Stored(tenant_id, typeid.new_uuid7(), each) for each in told])
        return (await records.read(connection, tenant_id, now)).get("sim-a", CarrierRecord())


async def test_a_record_is_what_many_deliveries_say(hub: Hub) -> None:
    tenant_id = await tenant(hub)

    record = await remembered(
        hub,
        tenant_id,
        delivery("DELIVERED", arrived=10, price=6),
        delivery("DELIVERED", arrived=50, price=10),
        delivery("DELIVERED", arrived=90, price=11),
        delivery("DELIVERED", arrived=90, promised=None, price=30),
        delivery("CANCELLED", price=20),
        delivery("PICKED_UP"),
    )

    assert record.closed_count == 5
    assert record.on_time_share == 0.5
    assert record.cancel_share == 0.2
    assert record.cost_per_kilometer == Money(currency_code="USD", units=5, nanos=500_000_000)
    assert not record.HasField("quote_share")


async def test_a_delivery_counts_once_and_thirty_days_are_remembered(hub: Hub) -> None:
    tenant_id = await tenant(hub)
    again = Stored(tenant_id, typeid.new_uuid7(), delivery("DELIVERED", arrived=10))
    async with hub.transaction() as connection:
        await outcomes.remember(connection, [again])
        again.delivery.CopyFrom(delivery("RETURNED"))
        await outcomes.remember(connection, [again])

    assert (await remembered(hub, tenant_id)).on_time_share == 0.0
    assert (await remembered(hub, tenant_id)).closed_count == 1
    assert await remembered(hub, tenant_id, now=NOON + timedelta(days=31)) == CarrierRecord()


async def test_prices_in_two_currencies_have_no_median(hub: Hub) -> None:
    tenant_id, in_yen = await tenant(hub), delivery("DELIVERED", arrived=1)
    in_yen.fee.CopyFrom(Money(currency_code="JPY", units=500))

    record = await remembered(hub, tenant_id, in_yen, delivery("DELIVERED", arrived=1))

    assert not record.HasField("cost_per_kilometer")


async def test_quotes_are_counted_in_any_number_of_processes(hub: Hub) -> None:
    tenant_id = await tenant(hub)
    for given in (True, True, True, False):
        process = Records()
        process.count_quote(tenant_id, "sim-a", NOON.date(), given=given)
        process.count_quote(tenant_id, "removed since", NOON.date(), given=given)
        async with hub.transaction() as connection:
            await process.write(connection)
            await process.write(connection)

    assert (await remembered(hub, tenant_id)).quote_share == 0.75


async def test_records_are_read_again_after_some_seconds(hub: Hub) -> None:
    tenant_id, seconds = await tenant(hub), 0.0
    process = Records(lambda: seconds)

    async def count() -> int:
        async with hub.engine.connect() as connection:
            known = await process.of_tenant(connection, tenant_id, NOON)
        return known["sim-a"].closed_count if "sim-a" in known else 0

    counts = [await count()]
    await remembered(hub, tenant_id, delivery("DELIVERED"))
    counts.append(await count())
    seconds += records.REMEMBERED_SECONDS + 1
    counts.append(await count())

    assert counts == [0, 0, 1]


async def test_a_carrier_with_a_live_booking_stays_and_its_end_is_remembered(
    world: World, carrier: Make, server: Server
) -> None:
    speaker = await carrier()
    carriers = CarrierDirectoryServiceStub(world.channel)
    made = await carriers.CreateCarrier(directory.CreateCarrierRequest(carrier=speaker.carrier), metadata=world.account)
    request = locations.UpdateLocationRequest()
    request.location.id = world.location_id
    request.location.carrier_refs.append("sim-a")
    await world.locations.UpdateLocation(request, metadata=world.account)
    shipped = await ship(world)
    assert shipped.phase == SHIPMENT_PHASE_BOOKED

    removal = directory.DeleteCarrierRequest(carrier_ref="sim-a")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await carriers.DeleteCarrier(removal, metadata=world.account)
    told = refusal_of(refused.value)
    assert (told.reason, told.metadata) == (
        "CARRIER_IN_USE",
        {"carrier_ref": "sim-a", "delivery_id": shipped.delivery_id},
    )

    await world.deliveries.OverrideDeliveryStatus(
        deliveries.OverrideDeliveryStatusRequest(
            delivery_id=shipped.delivery_id,
            status=DeliveryStatus.DELIVERY_STATUS_DELIVERED,
            actor="Jane",
            reason="saw it",
        ),
        metadata=world.account,
    )
    async with server.hub.engine.connect() as connection:
        record = (await records.read(connection, ids.read("tenant", world.tenant_id), datetime.now(UTC)))["sim-a"]
    assert record.closed_count == 1
    await carriers.DeleteCarrier(removal, metadata=world.account)
    assert made.carrier.ref == "sim-a"


async def ship(world: World) -> Shipment:
    """A shipment that was dispatched."""
    shipment = Shipment(location_id=world.location_id)
    address = shipment.consignment.dropoff.address
    address.postal_address.region_code = "US"
    address.position.latitude, address.position.longitude = 41.9, -87.6
    request = shipments.CreateShipmentRequest(shipment=shipment)
    answer: Any = await ShipmentServiceStub(world.channel).CreateShipment(request, metadata=world.account)
    created: Shipment = answer.shipment
    return created
