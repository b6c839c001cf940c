"""Many lives of shipments at once: each has a store and three simulated carriers of its own, reached by a fault proxy.

Each has its own carriers because whether a carrier is called at all depends on how its last calls went: so a life's
faults are its own, and lives can be told apart in the simulator's ledger by the order number.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import grpc
from crossdock.simulator.v1 import simulator_pb2 as books
from crossdock.v1 import location_pb2, location_service_pb2
from crossdock.v1 import shipment_service_pb2 as contract
from crossdock.v1.carrier_directory_service_pb2 import CreateCarrierRequest, GetCarrierRequest
from crossdock.v1.carrier_directory_service_pb2_grpc import CarrierDirectoryServiceStub
from crossdock.v1.carrier_pb2 import BOOKING_STATE_LIVE, BOOKING_STATE_PENDING, Carrier
from crossdock.v1.delivery_pb2 import Delivery, DeliveryStatus
from crossdock.v1.delivery_service_pb2 import GetDeliveryRequest
from crossdock.v1.shipment_pb2 import Shipment, ShipmentPhase
from crossdock.v1.shipment_service_pb2_grpc import ShipmentServiceStub

from tests.carriers.worlds import World as Simulator
from tests.carriers.worlds import consignment, running_simulator
from tests.proofs.fault_proxy import FaultProxy, running_proxy
from tests.services.worlds import Metadata, World

CARRIERS = ("swift", "evergreen", "pronto")
SECONDS = 0.5
"""How long a carrier may take for an answer where many calls get none."""
LONG = 30.0
"""How long it may take where nobody breaks anything: a busy machine is no fault."""
LOST = frozenset(
    (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
)  # fmt: skip
"""What a caller of a hub that is killed sees; it asks again with the same request id."""
PATIENCE_SECONDS = 4
"""A caller's, for one call: a dispatch that takes longer goes on without him."""
_LIVE = (BOOKING_STATE_PENDING, BOOKING_STATE_LIVE)


@dataclass
class Lives:
    """A tenant whose carriers are a simulator behind a proxy; ``shipments`` are the ids, by life."""

    world: World
    simulator: Simulator
    proxy: FaultProxy
    shipments: dict[str, str] = field(default_factory=dict)
    poll: timedelta = timedelta(minutes=10)
    quote_seconds: float = LONG
    booking_seconds: float = LONG

    def __post_init__(self) -> None:
        self._directory = CarrierDirectoryServiceStub(self.world.channel)
        self._stub = ShipmentServiceStub(self.world.channel)

    @property
    def metadata(self) -> Metadata:
        """The deployment's own key, which may call as often as it likes."""
        return (*self.world.system, ("x-crossdock-tenant", self.world.tenant_id))

    async def settle(self, life: str, carriers: Sequence[str] = CARRIERS, **members: Any) -> None:
        """Opens a life's store, which bears its name, with these carriers."""
        for name in carriers:
            carrier = Carrier(ref=f"{name}-{life}", name=name, address=self.proxy.address, plaintext=True, **members)
            carrier.authorization = f"{self.simulator.carrier(name).metadata[0][1]}#{life}"
            carrier.booking_timeout.FromTimedelta(timedelta(seconds=self.booking_seconds))
            carrier.quote_timeout.FromTimedelta(timedelta(seconds=self.quote_seconds))
            carrier.poll_interval.FromTimedelta(self.poll)
            await self._directory.CreateCarrier(CreateCarrierRequest(carrier=carrier), metadata=self.metadata)
        location = location_pb2.Location(name=life, external_id=life, time_zone="UTC", currency_code="USD")
        location.carrier_refs.extend(f"{name}-{life}" for name in carriers)
        request = location_service_pb2.CreateLocationRequest(location=location)
        await self.world.locations.CreateLocation(request, metadata=self.metadata)

    async def settle_all(self, lives: Sequence[str], carriers: Sequence[str] = CARRIERS, **members: Any) -> None:
        """Likewise for many."""
        few = asyncio.Semaphore(8)

        async def one(life: str) -> None:
            async with few:
                await self.settle(life, carriers, **members)

        await asyncio.gather(*map(one, lives))

    async def create(self, life: str, external_id: str = "", *, asynchronous: bool = False) -> Shipment:
        """Sends a shipment from a life's store; as it stands once it is dispatched, or nobody takes it."""
        shipment = Shipment(external_id=external_id or life, location_external_id=life)
        shipment.consignment.CopyFrom(consignment())
        shipment.consignment.pickup.external_id = ""
        request = contract.CreateShipmentRequest(shipment=shipment, asynchronous=asynchronous)
        request.request_id = f"create {shipment.external_id}"
        found = contract.GetShipmentByExternalIdRequest(external_id=shipment.external_id)
        await self.answer(self._stub.CreateShipment, request)
        made: Shipment = (await self.persist(self._stub.GetShipmentByExternalId, found)).shipment
        self.shipments[shipment.external_id] = made.id
        return made

    async def get(self, life: str) -> Shipment:
        """As it stands."""
        request = contract.GetShipmentRequest(shipment_id=self.shipments[life])
        found: Shipment = (await self.persist(self._stub.GetShipment, request)).shipment
        return found

    async def carrier(self, ref: str) -> Carrier:
        """As the directory knows it."""
        request = GetCarrierRequest(carrier_ref=ref)
        found: Carrier = (await self.persist(self._directory.GetCarrier, request)).carrier
        return found

    async def delivery(self, life: str) -> Delivery:
        """The booking that it has now."""
        request = GetDeliveryRequest(delivery_id=(await self.get(life)).delivery_id)
        found: Delivery = (await self.persist(self.world.deliveries.GetDelivery, request)).delivery
        return found

    async def history(self, life: str) -> list[str]:
        """Its statuses, the oldest first."""
        request = contract.ListShipmentHistoryRequest(shipment_id=self.shipments[life])
        entries = (await self.persist(self._stub.ListShipmentHistory, request)).entries
        return [DeliveryStatus.Name(each.status).removeprefix("DELIVERY_STATUS_") for each in entries]

    async def cancel(self, life: str, request_id: str = "") -> grpc.StatusCode:
        """Calls it off; how that was answered."""
        request = contract.CancelShipmentRequest(shipment_id=self.shipments[life], request_id=request_id)
        return await self.answer(self._stub.CancelShipment, request)

    async def retry(self, life: str, request_id: str = "") -> grpc.StatusCode:
        """Has it dispatched again; how that was answered."""
        request = contract.RetryShipmentRequest(shipment_id=self.shipments[life], request_id=request_id)
        return await self.answer(self._stub.RetryShipment, request)

    async def answer(self, method: Any, request: Any) -> grpc.StatusCode:
        """The code of an answer that may be a refusal."""
        try:
            await self.persist(method, request)
        except grpc.aio.AioRpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    async def persist(self, method: Any, request: Any) -> Any:
        """An answer from a hub that is killed now and then, within some minutes."""
        async with asyncio.timeout(180):
            while True:
                try:
                    return await method(request, metadata=self.metadata, timeout=PATIENCE_SECONDS, wait_for_ready=True)
                except grpc.aio.AioRpcError as error:
                    if error.code() not in LOST:
                        raise
                    await asyncio.sleep(0.05)

    async def carry(self, life: str, dice: random.Random) -> None:
        """Lets whoever has it ride to the pickup, or give it up on the way."""
        live = [each for each in await self.ledger(life) if is_live(each)]
        for booking in live:
            scenario, until = dice.choice((("NO_DRIVER", "UNSPECIFIED"), ("UNSPECIFIED", "PICKED_UP")))
            try:
                await self.simulator.set_out(booking.booking.reference, scenario, until=until)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.FAILED_PRECONDITION:
                    raise  # else it has come further, or was called off, since we looked

    async def ledger(self, life: str) -> list[books.SimulatedBooking]:
        """What the carriers have of an order, the youngest first."""
        return [each for each in await self.simulator.named(life) if not each.void]

    async def lies(self, life: str) -> str:
        """In what the hub and the ledger differ; empty when they do not."""
        shipment, booked = await self.get(life), await self.ledger(life)
        live = {each.booking.reference: each.booking for each in booked if is_live(each)}
        phase = ShipmentPhase.Name(shipment.phase).removeprefix("SHIPMENT_PHASE_")
        if len(live) > 1:
            return f"{life}: {len(live)} live bookings, {phase}"
        wanted = {shipment.delivery_id} if phase == "BOOKED" else set()
        if set(live) != wanted:
            return f"{life}: {phase} with {wanted or 'none'}, and live is {set(live) or 'none'}"
        for booking in live.values():
            if booking.report.status != shipment.status:
                ours, theirs = (DeliveryStatus.Name(each) for each in (shipment.status, booking.report.status))
                return f"{life}: {ours}, and it is {theirs}"
        return "" if phase in ("BOOKED", "UNBOOKED", "UNQUOTED", "CLOSED") else f"{life}: still {phase}"

    async def all_lies(self) -> list[str]:
        """Of all lives."""
        return [told for life in self.shipments if (told := await self.lies(life))]


def is_live(booking: books.SimulatedBooking) -> bool:
    """Whether somebody carries it out."""
    return booking.booking.state in _LIVE and not booking.void


@asynccontextmanager
async def running_lives(channel: grpc.aio.Channel, system: Metadata, **members: Any) -> AsyncIterator[Lives]:
    """Nobody lives yet."""
    async with running_simulator() as simulator, running_proxy(simulator.channel) as proxy:
        yield Lives(await World.make(channel, system), simulator, proxy, **members)
