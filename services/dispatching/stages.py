"""One transaction of a dispatch: what it holds, what it tells, and how it is stored; decides nothing.

The locks stand in the order of all transactions: names, deliveries, the shipment, and then the first write.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from crossdock.v1.actor_pb2 import ACTOR_KIND_HUB, Actor
from crossdock.v1.delivery_pb2 import DeliveryStatus, StatusReason
from crossdock.v1.reference_pb2 import ExternalReference
from crossdock.v1.report_pb2 import DeliveryReport
from crossdock.v1.shipment_pb2 import DispatchDecision, ShipmentHistoryEntry
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.ext.asyncio import AsyncConnection

from services import times
from services.deliveries.matching import Incoming
from services.deliveries.reports import Batch
from services.deliveries.rows import Stored as StoredDelivery
from services.dispatching import rows
from services.dispatching.rows import Booking, Key
from services.dispatching.steps import STATUSES, Phase
from services.hub import Hub
from services.shipments import history, journal
from services.shipments import rows as shipments
from services.shipments.rows import Change
from services.shipments.rows import Stored as StoredShipment
from services.webhooks.parking import Parking

HUB = Actor(kind=ACTOR_KIND_HUB)
"""Who acts in a dispatch when nobody else does."""
_MANY = 100


@dataclass
class Stage:
    """What one transaction holds. ``delivery`` and ``booking`` are None before there is one."""

    hub: Hub
    connection: AsyncConnection
    batch: Batch
    shipment: StoredShipment
    delivery: StoredDelivery | None
    booking: Booking | None
    steps: list[ShipmentHistoryEntry] = field(default_factory=list)

    @property
    def now(self) -> Timestamp:
        """The moment, by the clock of record."""
        return times.to_timestamp(self.hub.now())

    async def tell(self, *reports: DeliveryReport | Incoming) -> None:
        """Lets the delivery hear reports, once per transaction; those of the hub come after all that is known."""
        assert self.delivery is not None, "a stage without delivery has nobody to tell"
        now = self.hub.now()
        told = [
            each if isinstance(each, Incoming) else Incoming(self.delivery.tenant_id, each, now) for each in reports
        ]
        await self.batch.tell(self.delivery, *told)

    def in_time(self, report: DeliveryReport) -> Incoming:
        """A report of the carrier's that has its place by the carrier's own clock."""
        return Incoming(self.shipment.tenant_id, report, self.hub.now(), in_time=True)

    def report(
        self,
        status: "DeliveryStatus.ValueType" = DeliveryStatus.DELIVERY_STATUS_UNSPECIFIED,
        reason: StatusReason | None = None,
        actor: Actor = HUB,
    ) -> DeliveryReport:
        """What the hub says of the delivery now."""
        report = DeliveryReport(status=status, event_time=self.now, actor=actor)
        if reason is not None:
            report.reason.CopyFrom(reason)
        return report

    def enter(
        self,
        phase: Phase,
        status: "DeliveryStatus.ValueType" = DeliveryStatus.DELIVERY_STATUS_UNSPECIFIED,
        *,
        reason: StatusReason | None = None,
        note: str = "",
        actor: Actor | None = None,
    ) -> None:
        """Moves the shipment to a phase, and to a status or to that of the phase, and remembers it as a step."""
        shipment = self.shipment.shipment
        status = status or STATUSES.get(phase, shipment.status)
        if shipment.phase == phase and shipment.status == status:
            return
        if shipment.status != status:
            shipment.status_time.CopyFrom(self.now)
            shipment.substatus = ""
        shipment.ClearField("status_reason")
        if reason is not None:
            shipment.status_reason.CopyFrom(reason)
        shipment.phase, shipment.status = phase, status
        self.steps.append(history.step(shipment, self.now, actor=actor, note=note))

    async def decision(self, number: int) -> DispatchDecision:
        """The decision of the dispatch with this number; an empty one when there is none."""
        for each in await journal.decisions(self.connection, self.shipment.key, _MANY):
            if each.number == number:
                return each
        return DispatchDecision(number=number)

    async def last_decision(self) -> DispatchDecision | None:
        """The youngest decision about the shipment."""
        found = await journal.decisions(self.connection, self.shipment.key)
        return found[0] if found else None

    async def store(
        self, explanation: str, decision: DispatchDecision | None = None, actor: Actor | None = None
    ) -> None:
        """Stores the shipment, its steps and the decision; the booking is stored by who changes it."""
        change = Change(self.shipment, explanation, actor, self.steps, decision)
        await shipments.write(self.connection, [change], self.now)
        self.steps = []


@asynccontextmanager
async def stage(
    hub: Hub,
    shipment: Key,
    delivery: Key | None = None,
    references: Sequence[ExternalReference] = (),
    *,
    commit: bool = True,
) -> AsyncIterator[Stage]:
    """A transaction that holds a shipment and, when given, one of its deliveries with the names it is about to bear."""
    async with hub.transaction(commit=commit) as connection:
        yield await _hold(hub, connection, shipment, delivery, references)
    hub.events_appended()


async def _hold(
    hub: Hub, connection: AsyncConnection, shipment: Key, delivery: Key | None, references: Sequence[ExternalReference]
) -> Stage:
    batch = Batch(connection, hub, Parking(hub))
    held = await batch.hold(delivery, references) if delivery is not None else None
    stored = await batch.hold_shipment(shipment)
    assert stored is not None, "shipments are never removed"
    booking = await rows.find(connection, delivery) if delivery is not None else None
    return Stage(hub, connection, batch, stored, held, booking)
