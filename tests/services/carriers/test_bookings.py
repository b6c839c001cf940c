"""What callers see of bookings with carriers on real sockets, through the wire: changes, refusals, silence, removal."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from crossdock.v1 import carrier_directory_service_pb2 as directory
from crossdock.v1 import delivery_service_pb2 as deliveries
from crossdock.v1 import location_service_pb2 as locations
from crossdock.v1 import shipment_service_pb2 as pb
from crossdock.v1.carrier_directory_service_pb2_grpc import CarrierDirectoryServiceStub
from crossdock.v1.carrier_pb2 import CARRIER_CAPABILITY_CANCEL, CARRIER_CAPABILITY_WEBHOOKS
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_CANCELLED, DELIVERY_STATUS_DELIVERED, DELIVERY_STATUS_DISPATCHED
from crossdock.v1.error_reason_pb2 import ErrorReason
from crossdock.v1.shipment_pb2 import (
    CANDIDATE_FATE_QUOTE_FAILED,
    SHIPMENT_PHASE_BOOKED,
    SHIPMENT_PHASE_CLOSED,
    SHIPMENT_PHASE_UNQUOTED,
    Shipment,
)
from crossdock.v1.shipment_service_pb2_grpc import ShipmentServiceStub
from google.protobuf.field_mask_pb2 import FieldMask

from services import ids
from services.carriers import rows
from services.db.dispatch_tables import bookings
from services.dispatching.steps import BookingState
from services.hub import Hub
from services.server import Server
from tests.services.accounts import refusal_of
from tests.services.carriers.speakers import Speaker
from tests.services.worlds import World

Make = Callable[..., Awaitable[Speaker]]


class Counter:
    """The calls of these tests, on a world with one carrier."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.shipments = ShipmentServiceStub(world.channel)
        self.carriers = CarrierDirectoryServiceStub(world.channel)

    async def assign(self, speaker: Speaker) -> None:
        request = directory.CreateCarrierRequest(carrier=speaker.carrier)
        await self.carriers.CreateCarrier(request, metadata=self.world.account)
        change = locations.UpdateLocationRequest()
        change.location.id = self.world.location_id
        change.location.carrier_refs.append(speaker.carrier.ref)
        await self.world.locations.UpdateLocation(change, metadata=self.world.account)

    def wanted(self) -> Shipment:
        shipment = Shipment(location_id=self.world.location_id)
        address = shipment.consignment.dropoff.address
        address.postal_address.region_code = "US"
        address.position.latitude, address.position.longitude = 41.9, -87.6
        return shipment

    async def ship(self) -> Shipment:
        request = pb.CreateShipmentRequest(shipment=self.wanted())
        created: Shipment = (await self.shipments.CreateShipment(request, metadata=self.world.account)).shipment
        return created

    async def get(self, shipment_id: str) -> Shipment:
        request = pb.GetShipmentRequest(shipment_id=shipment_id)
        found: Shipment = (await self.shipments.GetShipment(request, metadata=self.world.account)).shipment
        return found

    async def instruct(self, shipment_id: str, words: str, **members: Any) -> pb.UpdateShipmentResponse:
        request = pb.UpdateShipmentRequest(shipment=Shipment(id=shipment_id), **members)
        request.shipment.consignment.dropoff.instructions = words
        request.update_mask.CopyFrom(FieldMask(paths=["consignment.dropoff.instructions"]))
        return await self.shipments.UpdateShipment(request, metadata=self.world.account)

    async def cancel_delivery(self, delivery_id: str, **members: Any) -> deliveries.CancelDeliveryResponse:
        request = deliveries.CancelDeliveryRequest(delivery_id=delivery_id, **members)
        return await self.world.deliveries.CancelDelivery(request, metadata=self.world.account)

    async def remove(self, ref: str = "sim-a") -> None:
        request = directory.DeleteCarrierRequest(carrier_ref=ref)
        await self.carriers.DeleteCarrier(request, metadata=self.world.account)


@pytest.fixture
def counter(world: World) -> Counter:
    return Counter(world)


async def refused(call: Awaitable[Any]) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return refusal_of(error.value).reason


async def test_a_change_that_its_carrier_is_not_told_of_is_for_people_to_look_at(
    counter: Counter, carrier: Make
) -> None:
    speaker = await carrier()
    speaker.carrier.capabilities.append(CARRIER_CAPABILITY_WEBHOOKS)
    await counter.assign(speaker)
    made = await counter.ship()

    answer = await counter.instruct(made.id, "Ring twice", request_id="once")
    again = await counter.instruct(made.id, "Ring twice", request_id="once")
    await counter.instruct(made.id, "Ring thrice")

    assert [each.code for each in answer.warnings] == ["carrier_not_told"]
    assert again == answer
    [told] = (await counter.get(made.id)).attention
    assert told.reason == "dispatch_carrier_not_told"
    assert told.message == "SIM-A cannot change bookings and carries it as it was booked"
    listed = await counter.shipments.ListShipments(
        pb.ListShipmentsRequest(needs_attention=True), metadata=counter.world.account
    )
    assert [each.id for each in listed.shipments] == [made.id]


async def test_carriers_that_are_all_down_are_no_reason_to_give_up(counter: Counter, carrier: Make) -> None:
    speaker = await carrier()
    speaker.does("Quote", "unavailable", "unavailable")
    await counter.assign(speaker)

    dry = await counter.shipments.QuoteShipment(
        pb.QuoteShipmentRequest(shipment=counter.wanted()), metadata=counter.world.account
    )
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await counter.ship()

    [candidate] = dry.decision.candidates
    assert (candidate.fate, candidate.transient) == (CANDIDATE_FATE_QUOTE_FAILED, True)
    assert dry.decision.failure == ErrorReason.ERROR_REASON_PLACE_ORDER_FAILED
    told = refusal_of(error.value)
    assert (told.reason, error.value.code()) == ("PLACE_ORDER_FAILED", grpc.StatusCode.ABORTED)
    waiting = await counter.get(told.metadata["shipment_id"])
    assert waiting.phase == SHIPMENT_PHASE_UNQUOTED
    assert waiting.decision.summary == dry.decision.summary
    retried = await counter.shipments.RetryShipment(
        pb.RetryShipmentRequest(shipment_id=waiting.id), metadata=counter.world.account
    )
    assert retried.shipment.phase == SHIPMENT_PHASE_BOOKED


async def test_a_delivery_that_is_called_off_takes_its_shipment_along_if_the_carrier_agrees(
    counter: Counter, carrier: Make
) -> None:
    speaker = await carrier()
    speaker.does("CancelBooking", "keep")
    await counter.assign(speaker)
    made = await counter.ship()

    assert await refused(counter.cancel_delivery(made.delivery_id, request_id="r")) == "ORDER_CANCELLATION_FAILED"
    kept = await counter.get(made.id)
    assert (kept.phase, kept.status) == (SHIPMENT_PHASE_BOOKED, DELIVERY_STATUS_DISPATCHED)
    assert await refused(counter.cancel_delivery(made.delivery_id, etag="7")) == "ETAG_MISMATCH"

    answer = await counter.cancel_delivery(made.delivery_id, request_id="r")
    assert await counter.cancel_delivery(made.delivery_id, request_id="r") == answer
    gone = await counter.get(made.id)
    assert answer.delivery.status == gone.status == DELIVERY_STATUS_CANCELLED
    assert gone.phase == SHIPMENT_PHASE_CLOSED
    assert not speaker.live
    assert await refused(counter.cancel_delivery(made.delivery_id)) == "DELIVERY_ALREADY_CANCELLED"


async def test_a_return_is_called_off_alone(counter: Counter, carrier: Make, hub: Hub) -> None:
    speaker = await carrier()
    await counter.assign(speaker)
    made = await counter.ship()
    speaker.move(made.delivery_id, "DELIVERED")
    await counter.world.deliveries.OverrideDeliveryStatus(
        deliveries.OverrideDeliveryStatusRequest(
            delivery_id=made.delivery_id, status=DELIVERY_STATUS_DELIVERED, actor="Jane", reason="saw it"
        ),
        metadata=counter.world.account,
    )
    request = pb.CreateReturnRequest(shipment_id=made.id)
    way_back = (await counter.shipments.CreateReturn(request, metadata=counter.world.account)).delivery
    assert speaker.live == [way_back.id]

    answer = await counter.cancel_delivery(way_back.id)

    assert answer.delivery.status == DELIVERY_STATUS_CANCELLED
    assert not speaker.live
    after = await counter.get(made.id)
    assert (after.phase, after.status) == (SHIPMENT_PHASE_CLOSED, DELIVERY_STATUS_DELIVERED)
    assert after.return_request.status == DELIVERY_STATUS_CANCELLED


async def test_a_carrier_that_never_calls_off_is_not_asked_to(counter: Counter, carrier: Make) -> None:
    speaker = await carrier()
    speaker.carrier.capabilities.append(CARRIER_CAPABILITY_WEBHOOKS)
    await counter.assign(speaker)
    made = await counter.ship()

    assert await refused(counter.cancel_delivery(made.delivery_id)) == "CANCELLATION_NOT_ALLOWED"
    assert CARRIER_CAPABILITY_CANCEL not in speaker.carrier.capabilities
    assert speaker.live == [made.delivery_id]


async def test_a_carrier_cannot_be_removed_while_a_booking_with_it_is_written_down(
    counter: Counter, carrier: Make, server: Server
) -> None:
    speaker = await carrier()
    await counter.assign(speaker)
    made = await counter.ship()
    tenant, delivery = ids.read("tenant", counter.world.tenant_id), ids.read("delivery", made.delivery_id)
    mine = sa.update(bookings).where(bookings.c.tenant_id == tenant, bookings.c.delivery_id == delivery)
    async with server.hub.transaction() as connection:
        await connection.execute(mine.values(state=BookingState.ENDED, occupies=False))

    async with server.hub.transaction() as connection:  # as a dispatch does that is about to book it
        await rows.keep(connection, tenant, "sim-a")
        removal = asyncio.create_task(counter.remove())
        await waits(server, removal)
        await connection.execute(mine.values(state=BookingState.SENDING, occupies=True))

    assert await refused(removal) == "CARRIER_IN_USE"


async def waits(server: Server, call: "asyncio.Task[None]") -> None:
    """Until a call waits for a lock of ours, or is over."""
    query = sa.text(
        "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database OR l.database IS NULL "
        "WHERE NOT l.granted AND d.datname = current_database()"
    )
    async with asyncio.timeout(60):
        while not call.done():
            async with server.hub.engine.connect() as connection:
                if await connection.scalar(query):
                    return
            await asyncio.sleep(0.01)


async def test_a_carrier_that_is_removed_between_its_offer_and_its_booking_is_passed_over(
    counter: Counter, carrier: Make
) -> None:
    first, second = await carrier("sim-a"), await carrier("sim-b")
    first.price, second.price = 10, 20
    second.carrier.quote_timeout.seconds = 30
    await counter.assign(second)
    await counter.assign(first)
    change = locations.UpdateLocationRequest(update_mask=FieldMask(paths=["carrier_refs"]))
    change.location.id = counter.world.location_id
    change.location.carrier_refs.extend(["sim-a", "sim-b"])
    await counter.world.locations.UpdateLocation(change, metadata=counter.world.account)
    rules = pb.UpdateDispatchRulesRequest()
    rules.rules.quote_deadline.seconds = 30
    await counter.shipments.UpdateDispatchRules(rules, metadata=counter.world.account)
    second.does("Quote", "wait")
    request = pb.CreateShipmentRequest(shipment=counter.wanted(), asynchronous=True)
    shipment = (await counter.shipments.CreateShipment(request, metadata=counter.world.account)).shipment
    async with asyncio.timeout(60):
        await second.waiting.wait()
    await counter.remove("sim-a")
    second.gate.set()

    async with asyncio.timeout(60):
        while (made := await counter.get(shipment.id)).phase != SHIPMENT_PHASE_BOOKED:  # noqa: ASYNC110  it is read
            await asyncio.sleep(0.01)
    assert made.carrier.ref == "sim-b"
    assert not first.ledger
    assert second.live == [made.delivery_id]
