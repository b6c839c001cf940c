"""Where the stories of dispatches are played: a hub, a store, carriers, a clock that can be put forward."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import grpc
import sqlalchemy as sa
from crossdock.v1.access_pb2 import AccessLevel, Tenant
from crossdock.v1.delivery_pb2 import Delivery, DeliveryStatus
from crossdock.v1.location_pb2 import Location
from crossdock.v1.report_pb2 import DeliveryReport
from crossdock.v1.shipment_pb2 import (
    CandidateFate,
    DispatchDecision,
    DispatchRules,
    Shipment,
    ShipmentHistoryEntry,
    ShipmentPhase,
)

from runtime import typeid
from services import ids, times
from services.callers import Caller
from services.db import dispatch_tables, tables
from services.deliveries import rows as deliveries
from services.deliveries.matching import Incoming
from services.deliveries.reports import Batch
from services.dispatching import engine, rows, working
from services.dispatching.rows import Booking, Key
from services.hub import Hub
from services.locations import rows as locations
from services.shipments import journal, requests, rule_rows
from services.shipments import rows as shipments
from services.shipments.rows import Change, Stored
from services.webhooks.parking import Parking
from tests.services.dispatching.stand_ins import StandIn, Wires

SOON = timedelta(seconds=60)


@dataclass
class Theatre:
    """One tenant with one store; ``carriers`` serve it, the cheapest first."""

    hub: Hub
    tenant_id: UUID
    location_id: str
    carriers: dict[str, StandIn] = field(default_factory=dict)
    ahead: timedelta = timedelta()
    _servers: list[grpc.aio.Server] = field(default_factory=list)

    @classmethod
    async def open(cls, hub: Hub) -> "Theatre":
        theatre = cls(hub, typeid.new_uuid7(), ids.write("location", typeid.new_uuid7()))
        hub.now = theatre.now
        await theatre._settle_in()
        for price, ref in ((10, "sim-a"), (20, "sim-b"), (30, "sim-c")):
            stand_in = StandIn(ref, theatre.now, price)
            theatre.carriers[ref] = stand_in
            theatre._servers.append(await stand_in.start())
        hub.lines = Wires(list(theatre.carriers.values()))
        return theatre

    async def close(self) -> None:
        for task in self.hub.dispatches:
            task.cancel()
        await asyncio.gather(*(server.stop(0) for server in self._servers))
        async with self.hub.transaction() as connection:
            for table in (dispatch_tables.shipments, dispatch_tables.bookings):
                await connection.execute(sa.update(table).values(due_time=None))

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def later(self, **span: float) -> None:
        """Puts the clock forward."""
        self.ahead += timedelta(**span)

    def __getitem__(self, ref: str) -> StandIn:
        return self.carriers[f"sim-{ref}"]

    @property
    def live(self) -> list[str]:
        """All bookings that any carrier carries out."""
        return [reference for each in self.carriers.values() for reference in each.live]

    def live_of(self, order: str) -> list[str]:
        """The bookings of an order, by its number, that any carrier carries out."""
        return [each for carrier in self.carriers.values() for each in carrier.live if carrier.orders[each] == order]

    @property
    def caller(self) -> Caller:
        return Caller(self.tenant_id, AccessLevel.ACCESS_LEVEL_ACCOUNT)

    async def _settle_in(self) -> None:
        now = times.to_timestamp(self.now())
        tenant = Tenant(id=ids.write("tenant", self.tenant_id), external_id=str(self.tenant_id))
        location = Location(id=self.location_id, external_id="7709", currency_code="USD", time_zone="America/Chicago")
        location.carrier_refs.extend(("sim-a", "sim-b", "sim-c"))
        location.create_time.CopyFrom(now)
        async with self.hub.transaction() as connection:
            await connection.execute(
                sa.insert(tables.tenants).values(
                    tenant_id=self.tenant_id,
                    external_id=str(self.tenant_id),
                    document=tenant.SerializeToString(),
                    create_time=self.now(),
                )
            )
            await locations.insert(connection, self.tenant_id, location, 1)

    async def rule(self, **members: Any) -> None:
        """Gives the tenant rules."""
        async with self.hub.transaction() as connection:
            await rule_rows.replace(connection, self.tenant_id, DispatchRules(**members), self.now())

    async def store(self, **members: Any) -> Key:
        """A shipment as CreateShipment stores it: nobody has gone on with it."""
        identifier = typeid.new_uuid7()
        shipment = Shipment(id=ids.write("shipment", identifier), location_id=self.location_id, **members)
        shipment.consignment.dropoff.address.postal_address.region_code = "US"
        shipment.currency_code = "USD"
        now = self.now()
        requests.begin(shipment, now)
        times.set_timestamp(shipment.create_time, now)
        stored = Stored(self.tenant_id, identifier, shipment, requests.due_time(shipment, now), new=True)
        async with self.hub.transaction() as connection:
            await shipments.write(connection, [Change(stored, "It was asked for.")], times.to_timestamp(now))
        return stored.key

    async def dispatch(self, key: Key, deadline: timedelta = SOON) -> Shipment:
        return await engine.dispatch(self.hub, key, deadline)

    async def dispatched(self, **members: Any) -> tuple[Key, Shipment]:
        """A shipment that was stored and dispatched."""
        key = await self.store(**members)
        return key, await self.dispatch(key)

    async def work(self, seconds: float, step: float = 3) -> None:
        """Lets the workers do what becomes due while the clock runs ahead, in steps."""
        for _ in range(int(seconds / step)):
            self.later(seconds=step)
            while await working.work_once(self.hub):
                pass

    async def hear(self, reference: str) -> None:
        """Lets the hub hear what the carrier knows of a booking, as a webhook tells it."""
        booking = next(each.ledger[reference] for each in self.carriers.values() if reference in each.ledger)
        report = DeliveryReport()
        report.CopyFrom(booking.report)
        report.targets.extend(booking.references)
        told = Incoming(self.tenant_id, report, self.now(), webhook_id=ids.write("webhook", typeid.new_uuid7()))
        async with self.hub.transaction() as connection:
            batch = Batch(connection, self.hub, Parking(self.hub))
            await batch.load([told])
            await batch.apply([told])

    async def shipment(self, key: Key) -> Shipment:
        async with self.hub.engine.connect() as connection:
            return (await shipments.read(connection, [key]))[key].shipment

    async def phase(self, key: Key) -> str:
        return ShipmentPhase.Name((await self.shipment(key)).phase).removeprefix("SHIPMENT_PHASE_")

    async def status(self, key: Key) -> str:
        return word(await self.shipment(key))

    async def has_come_to(self, key: Key, status: str) -> bool:
        return await self.status(key) == status

    async def delivery(self, identifier: str) -> Delivery:
        key = (self.tenant_id, ids.read("delivery", identifier))
        async with self.hub.engine.connect() as connection:
            return (await deliveries.read(connection, [key]))[key].delivery

    async def bookings(self, key: Key) -> list[Booking]:
        async with self.hub.engine.connect() as connection:
            return await rows.of_shipment(connection, key)

    async def decisions(self, key: Key) -> list[DispatchDecision]:
        """The oldest first."""
        async with self.hub.engine.connect() as connection:
            return (await journal.decisions(connection, key, 100))[::-1]

    async def history(self, key: Key) -> list[ShipmentHistoryEntry]:
        """The oldest first."""
        table = dispatch_tables.shipment_history
        query = sa.select(table.c.document).where(table.c.tenant_id == key[0], table.c.shipment_id == key[1])
        async with self.hub.engine.connect() as connection:
            documents = await connection.scalars(query.order_by(table.c.number))
            return [ShipmentHistoryEntry.FromString(document) for document in documents]

    async def fates(self, key: Key) -> dict[str, str]:
        """What became of each carrier in the last dispatch."""
        decision = (await self.decisions(key))[-1]
        return {
            each.carrier_ref: CandidateFate.Name(each.fate).removeprefix("CANDIDATE_FATE_")
            for each in decision.candidates
        }


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Waits, for a minute at most, until something holds."""
    async with asyncio.timeout(60):
        while not await holds():  # noqa: ASYNC110  nobody tells: it is read from the database
            await asyncio.sleep(0.01)


def word(thing: Shipment | Delivery) -> str:
    """A status as it is spoken of."""
    return DeliveryStatus.Name(thing.status).removeprefix("DELIVERY_STATUS_")
