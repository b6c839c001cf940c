"""Which delivery a report is about; takes the locks that make the answer hold, and starts deliveries on request."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from crossdock.v1.event_pb2 import Disposition
from crossdock.v1.reference_pb2 import ExternalReference
from crossdock.v1.report_pb2 import DeliveryReport
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services.db.statements import Statement
from services.deliveries import names, rows, statuses
from services.deliveries.names import Claim, Name
from services.deliveries.rows import Key, Stored
from services.shipments import followers


@dataclass
class Incoming:
    """A report on its way to its delivery, and, once processed, what became of it."""

    tenant_id: UUID
    report: DeliveryReport
    receive_time: datetime
    webhook_id: str = ""
    source_id: str = ""
    in_time: bool = False
    """It has its place by its sender's time though no message carried it; else it comes after all that is known."""
    may_create: bool = False
    """Start a delivery when none is known by the report's names."""
    location_id: UUID | None = None
    """The location of a delivery that is started."""
    parked: object | None = None
    """The stored message behind it when it waited for its delivery; only for who parked it."""
    stored: Stored | None = None
    order_id: UUID | None = None
    """The order that it was about, when it was about an order."""
    disposition: "Disposition.ValueType" = Disposition.DISPOSITION_UNMATCHED
    explanation: str = "nothing here is known by the names that it uses"

    @property
    def names(self) -> list[Name]:
        """What the report calls its delivery, the most trusted name first."""
        return [Name.of(self.tenant_id, target) for target in self.report.targets]

    @property
    def all_names(self) -> list[Name]:
        """The names above and those that the report adds."""
        return self.names + [Name.of(self.tenant_id, each) for each in self.report.patch.references]


class Matches:
    """The deliveries that a batch of reports is about, locked, and the names by which they are known."""

    def __init__(self) -> None:
        self.claims: dict[Name, list[Claim]] = {}
        self.orders: dict[Name, list[tuple[UUID, UUID]]] = {}
        self.stored: dict[Key, Stored] = {}
        self.shipments: followers.Held = {}
        self._by_order: dict[tuple[UUID, UUID], Key] = {}

    async def load(self, connection: AsyncConnection, incoming: Sequence[Incoming]) -> None:
        """Reads and locks all that the reports may be about: names before deliveries, both before any write."""
        wanted = {name for each in incoming for name in each.all_names} - self.claims.keys()
        found = await names.resolve(connection, wanted)
        unknown = wanted - found.keys()
        # What is said of an order may make it known, so its names are held even where a delivery bears them.
        if held := unknown | {name for each in incoming if each.report.HasField("order_patch") for name in each.names}:
            await names.lock(connection, held)
        if unknown:
            found |= await names.resolve(connection, unknown)
            self.orders |= await names.resolve_orders(connection, unknown - found.keys())
        self.claims |= found
        keys = {(name.tenant_id, claim.delivery_id) for name, claims in found.items() for claim in claims}
        known = {(name.tenant_id, order) for name, orders in self.orders.items() for order, _ in orders}
        live = await live_of_orders(connection, known)
        self.stored |= await rows.lock(connection, (keys | set(live.values())) - self.stored.keys())
        self._by_order |= live
        await followers.hold(connection, self.stored.values(), self.shipments)

    def find(self, incoming: Incoming) -> Stored | None:
        """The delivery that a report is about, by its most trusted name that leads to one.

        A source that is bound to a location speaks of that location's orders alone: another store may use the
        same numbers for its own.
        """
        targets = incoming.report.targets
        own = {target.scope: target.value for target in targets if target.exclusive}
        for target, name in zip(targets, incoming.names, strict=True):
            candidates = [self.stored[name.tenant_id, claim.delivery_id] for claim in self.claims.get(name, [])]
            if target.exclusive and candidates:
                return candidates[0]
            fitting = [each for each in candidates if self._fits(each, incoming, own)]
            if fitting and incoming.report.booking:
                return fitting[0]
            live = [each for each in fitting if not statuses.is_closed(each.delivery.status)]
            if live or fitting:
                return (live or fitting)[0]
            for order, _ in self._orders_of(incoming, name):
                if (key := self._by_order.get((name.tenant_id, order))) is None:
                    continue
                booked = self.stored[key]
                carriers = ("", incoming.report.patch.carrier_ref)
                # What is said of an order concerns whoever carries it.
                may_be_meant = incoming.report.HasField("order_patch") or booked.delivery.carrier_ref in carriers
                if may_be_meant and not _is_known_otherwise(booked, own):
                    return booked
        return None

    def order_of(self, incoming: Incoming) -> tuple[UUID, UUID] | None:
        """The order, with its location, that a new delivery would stand on; None when that has a live delivery."""
        for name in incoming.names:
            for order, location in self._orders_of(incoming, name):
                if (name.tenant_id, order) not in self._by_order:
                    return order, location
        return None

    def _orders_of(self, incoming: Incoming, name: Name) -> list[tuple[UUID, UUID]]:
        here = incoming.location_id
        return [each for each in self.orders.get(name, []) if here is None or each[1] == here]

    @staticmethod
    def _fits(stored: Stored, incoming: Incoming, own: Mapping[str, str]) -> bool:
        at = stored.delivery.location_id
        elsewhere = bool(at) and incoming.location_id is not None and typeid.decode("loc", at) != incoming.location_id
        if incoming.report.booking and not elsewhere:
            # Two stores of one account may give their orders the same numbers.
            stores = {each.consignment.pickup.external_id for each in (stored.delivery, incoming.report.patch)} - {""}
            elsewhere = len(stores) > 1
        return not elsewhere and not _is_known_otherwise(stored, own)

    def add(self, stored: Stored) -> None:
        """Takes in a delivery that was just started."""
        self.stored[stored.key] = stored
        if stored.delivery.order_id:
            self._by_order[stored.tenant_id, typeid.decode("ord", stored.delivery.order_id)] = stored.key

    def learn(self, stored: Stored, references: Iterable[ExternalReference]) -> list[Name]:
        """Remembers what a delivery is called; returns the names that are new to it."""
        learned = []
        for reference in references:
            name = Name.of(stored.tenant_id, reference)
            claims = self.claims.setdefault(name, [])
            if any(claim.delivery_id == stored.delivery_id for claim in claims):
                continue
            if reference.exclusive and any(claim.exclusive for claim in claims):
                continue
            claims.insert(0, Claim(stored.delivery_id, reference.exclusive))
            learned.append(name)
        return learned


def _is_known_otherwise(stored: Stored, own: Mapping[str, str]) -> bool:
    """True when the delivery bears another exclusive name of a kind that the report uses: another booking.

    ``own`` has the report's exclusive names by their scopes.
    """
    return any(
        reference.exclusive and own.get(reference.scope, reference.value) != reference.value
        for reference in stored.delivery.references
    )


_LIVE = Statement("""
SELECT tenant_id, order_id, delivery_id FROM deliveries
WHERE live AND tenant_id = ANY(CAST(:tenants AS uuid[])) AND order_id = ANY(CAST(:orders AS uuid[]))
""")


async def live_of_orders(
    connection: AsyncConnection, orders: Iterable[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Key]:
    """The live deliveries of some orders, each given with its tenant."""
    wanted = set(orders)
    if not wanted:
        return {}
    found = await _LIVE.fetch(
        connection,
        {"tenants": list({tenant for tenant, _ in wanted}), "orders": [order for _, order in wanted]},
    )
    return {(tenant, order): (tenant, delivery) for tenant, order, delivery in found}
