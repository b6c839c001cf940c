"""A shipment from its creation to its end: the hub's dispatch, the simulated carriers, and their webhooks together."""

import grpc
import pytest
from crossdock.v1 import location_pb2, location_service_pb2
from crossdock.v1 import shipment_service_pb2 as contract
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_BOOKING_UNKNOWN, DeliveryStatus
from crossdock.v1.shipment_pb2 import SHIPMENT_PHASE_BOOKED, Shipment
from crossdock.v1.shipment_service_pb2_grpc import ShipmentServiceStub

from tests.carriers.hubs import DIALECTS, Hub
from tests.carriers.worlds import consignment, eventually


class Store:
    """A location that all three carriers serve."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._stub = ShipmentServiceStub(hub.world.channel)
        self._metadata = hub.world.account

    async def assign(self, *carriers: str) -> None:
        location = location_pb2.Location(id=self.hub.world.location_id, carrier_refs=carriers)
        request = location_service_pb2.UpdateLocationRequest(location=location)
        await self.hub.world.locations.UpdateLocation(request, metadata=self._metadata)

    async def ship(self, external_id: str = "A-1001") -> Shipment:
        shipment = Shipment(external_id=external_id, location_id=self.hub.world.location_id)
        shipment.consignment.CopyFrom(consignment())
        request = contract.CreateShipmentRequest(shipment=shipment)
        return (await self._stub.CreateShipment(request, metadata=self._metadata)).shipment

    async def get(self, shipment: Shipment) -> Shipment:
        request = contract.GetShipmentRequest(shipment_id=shipment.id)
        return (await self._stub.GetShipment(request, metadata=self._metadata)).shipment

    async def cancel(self, shipment: Shipment) -> Shipment:
        request = contract.CancelShipmentRequest(shipment_id=shipment.id)
        return (await self._stub.CancelShipment(request, metadata=self._metadata)).shipment

    async def becomes(self, shipment: Shipment, status: str) -> Shipment:
        wanted = DeliveryStatus.Value(f"DELIVERY_STATUS_{status}")

        async def look() -> Shipment | None:
            found = await self.get(shipment)
            return found if found.status == wanted else None

        found: Shipment = await eventually(look)
        return found


@pytest.fixture
async def store(hub: Hub) -> Store:
    await hub.register()
    store = Store(hub)
    await store.assign(*DIALECTS)
    return store


@pytest.mark.parametrize("carrier", DIALECTS)
async def test_a_shipment_is_booked_driven_and_delivered(store: Store, carrier: str) -> None:
    await store.assign(carrier)

    shipment = await store.ship()
    ridden = await store.hub.simulator.run("A-1001")

    assert (ridden.carrier, ridden.booking.reference) == (carrier, shipment.delivery_id)
    ended = await store.becomes(shipment, "DELIVERED")
    assert ended.delivery_id == shipment.delivery_id


async def test_who_declines_is_followed_by_the_next(store: Store) -> None:
    first = (await store.ship("A-1")).carrier.ref
    await store.hub.simulator.misbehave(first, decline_code="no_capacity")

    second = (await store.ship("A-2")).carrier.ref

    assert second not in ("", first)
    assert [each.carrier for each in await store.hub.simulator.bookings()] == [second, first]


async def test_a_booking_whose_answer_is_lost_is_unknown_and_then_settled(store: Store) -> None:
    await store.assign("swift")
    await store.hub.simulator.misbehave("swift", fail_after_booking=True)

    shipment = await store.ship()

    assert shipment.status in (DELIVERY_STATUS_BOOKING_UNKNOWN, DeliveryStatus.DELIVERY_STATUS_DISPATCHED)
    settled = await store.becomes(shipment, "DISPATCHED")
    (booked,) = await store.hub.simulator.bookings()
    assert booked.booking.reference == settled.delivery_id


async def test_a_cancellation_ends_at_the_carrier_too_unless_the_goods_are_out(store: Store) -> None:
    early, late = await store.ship("A-1"), await store.ship("A-2")
    await store.hub.simulator.run("A-2", until="DROPOFF_EN_ROUTE")
    await store.becomes(late, "DROPOFF_EN_ROUTE")

    await store.cancel(early)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await store.cancel(late)

    await store.becomes(early, "CANCELLED")
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    called_off = (await store.hub.simulator.booking("A-1")).booking
    assert called_off.report.status == DeliveryStatus.DELIVERY_STATUS_CANCELLED


async def test_a_carrier_that_finds_no_driver_is_followed_by_another(store: Store) -> None:
    first = await store.ship()

    await store.hub.simulator.run(first.delivery_id, "NO_DRIVER")

    async def another() -> Shipment | None:
        found = await store.get(first)
        taken = found.phase == SHIPMENT_PHASE_BOOKED and found.delivery_id != first.delivery_id
        return found if taken else None

    second: Shipment = await eventually(another)
    assert second.carrier.ref != first.carrier.ref
    await store.hub.simulator.run(second.delivery_id)
    await store.becomes(first, "DELIVERED")
