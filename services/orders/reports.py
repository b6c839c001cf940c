"""Lets what messages say of orders take effect: finds each order, or creates it where the source may; stores.

The rules are `fulfilment`'s. Everything is set-based, in the transaction of the deliveries' reports, and nothing is
asked of the database by a batch without a message that is about an order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from crossdock.v1 import event_pb2
from crossdock.v1.order_pb2 import FulfilmentStatus, Order
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import times
from services.db.statements import Statement
from services.deliveries import names
from services.deliveries.matching import Incoming
from services.deliveries.names import Name
from services.deliveries.rows import Stored
from services.etags import etag_of
from services.hub import Hub
from services.orders import fulfilment

Key = tuple[UUID, UUID]
"""Tenant and order."""

ORDER_CANCELLED = "order_cancelled"
"""The attention on a delivery, booked through the hub, whose order was called off elsewhere."""

_EFFECTIVE = (
    event_pb2.DISPOSITION_OVERLAY_ONLY,
    event_pb2.DISPOSITION_MILESTONE_ONLY,
    event_pb2.DISPOSITION_APPLIED,
)
"""What a message did, the most important last. All else is that it did nothing."""

_LOCK = Statement("""
SELECT o.tenant_id, o.order_id, o.location_id, o.document
FROM orders o JOIN unnest(CAST(:tenants AS uuid[]), CAST(:ids AS uuid[])) AS wanted (tenant_id, order_id)
  USING (tenant_id, order_id)
ORDER BY o.order_id
FOR UPDATE OF o
""")
_INSERT = Statement("""
INSERT INTO orders (tenant_id, order_id, location_id, private_ref, status, document, version, create_time)
SELECT tenant_id, order_id, location_id, NULL, status, document, version, create_time
FROM unnest(CAST(:tenant_id AS uuid[]), CAST(:order_id AS uuid[]), CAST(:location_id AS uuid[]),
            CAST(:status AS smallint[]), CAST(:document AS bytea[]), CAST(:version AS bigint[]),
            CAST(:create_time AS timestamptz[]))
  AS n (tenant_id, order_id, location_id, status, document, version, create_time)
""")
_UPDATE = Statement("""
UPDATE orders o SET status = n.status, document = n.document, version = n.version
FROM unnest(CAST(:tenant_id AS uuid[]), CAST(:order_id AS uuid[]), CAST(:status AS smallint[]),
            CAST(:document AS bytea[]), CAST(:version AS bigint[]))
  AS n (tenant_id, order_id, status, document, version)
WHERE o.tenant_id = n.tenant_id AND o.order_id = n.order_id
""")
_NAME = Statement("""
INSERT INTO order_references (tenant_id, scope, value, order_id)
SELECT * FROM unnest(CAST(:tenants AS uuid[]), CAST(:scopes AS text[]), CAST(:values AS text[]),
                     CAST(:orders AS uuid[]))
ON CONFLICT DO NOTHING
""")


@dataclass
class _Held:
    """An order that is held until the transaction ends."""

    key: Key
    order: Order
    location_id: UUID
    new: bool = False
    changed: bool = False


class OrderReports:
    """What one batch says of orders: `find`, then `take` each message, `write` before deliveries, `tell` at the end."""

    def __init__(self, connection: AsyncConnection, hub: Hub) -> None:
        self._connection = connection
        self._hub = hub
        self._held: dict[Key, _Held] = {}
        self._by_name: dict[Name, list[Key]] = {}
        self._learned: list[tuple[Name, Key]] = []
        self._findings: list[tuple[Incoming, fulfilment.Finding]] = []

    async def find(self, incoming: Sequence[Incoming]) -> None:
        """Finds and holds the orders of messages whose names are locked, and whose deliveries are found."""
        wanted = {name for each in incoming for name in each.names} - self._by_name.keys()
        found = await names.resolve_orders(self._connection, wanted)
        for name in wanted:
            self._by_name[name] = [(name.tenant_id, order) for order, _ in found.get(name, [])]
        keys = {key for name in wanted for key in self._by_name[name]} | {*filter(None, map(_booked, incoming))}
        if missing := sorted(keys - self._held.keys()):
            columns = {"tenants": [key[0] for key in missing], "ids": [key[1] for key in missing]}
            for tenant, order, location, document in await _LOCK.fetch(self._connection, columns):
                self._held[tenant, order] = _Held((tenant, order), Order.FromString(document), location)

    def take(self, each: Incoming) -> list[tuple[Name, UUID, UUID]]:
        """Lets one message take effect; returns the names that lead to its order only now, with order and location.

        A message that finds no order, and may not create one, is left as it is.
        """
        held = self._order_of(each)
        if held is None:
            if not each.may_create or each.location_id is None:
                return []
            held = self._create(each, each.location_id)
        each.order_id = held.key[1]
        report = each.report
        said = report.event_time if report.HasField("event_time") else times.to_timestamp(each.receive_time)
        before = held.order.SerializeToString(deterministic=True)
        finding = fulfilment.tell(held.order, report.order_patch, said)
        held.changed |= held.order.SerializeToString(deterministic=True) != before
        self._findings.append((each, finding))
        if report.order_patch.status == FulfilmentStatus.FULFILMENT_STATUS_AWAITING_SHIPMENT:
            _tell_ready(each, said)
        if each.stored is not None and _is_booked_by_us(each.stored) and report.status:
            # Only a command reaches its carrier: to say that it is cancelled would make it so nowhere.
            report.ClearField("status")
            report.attention.add(reason=ORDER_CANCELLED, message="The order was called off; its carrier was not told.")
        if held.new and each.stored is not None and not each.stored.delivery.order_id:
            # It was under way before anybody told of the order.
            report.patch.order_id, report.patch.location_id = held.order.id, held.order.location_id
        return self._learn(each, held)

    def _order_of(self, each: Incoming) -> _Held | None:
        """The order of its delivery, or the one that bears the most trusted name, at the source's location if any."""
        if (key := _booked(each)) is not None:
            return self._held[key]
        for name in each.names:
            for key in self._by_name[name]:
                held = self._held[key]
                if each.location_id in (None, held.location_id):
                    return held
        return None

    def _create(self, each: Incoming, location: UUID) -> _Held:
        identifier = typeid.new_uuid7()
        order = Order(
            id=typeid.encode("ord", identifier),
            location_id=typeid.encode("loc", location),
            status=FulfilmentStatus.FULFILMENT_STATUS_NEW,
            etag=etag_of(1),
            created_by=each.source_id,
        )
        times.set_timestamp(order.create_time, self._hub.now())
        held = _Held((each.tenant_id, identifier), order, location, new=True)
        self._held[held.key] = held
        return held

    def _learn(self, each: Incoming, held: _Held) -> list[tuple[Name, UUID, UUID]]:
        learned = []
        for reference in each.report.order_patch.references:
            name = Name.of(each.tenant_id, reference)
            known = self._by_name.setdefault(name, [])
            if held.key not in known:
                known.insert(0, held.key)
                self._learned.append((name, held.key))
                learned.append((name, held.key[1], held.location_id))
        return learned

    async def write(self) -> None:
        """Stores the orders that changed, the new ones before any delivery that stands on them."""
        now = times.to_timestamp(self._hub.now())
        changed = [each for each in self._held.values() if each.changed]
        for each in changed:
            each.order.update_time.CopyFrom(now)
            if not each.new:
                each.order.etag = etag_of(int(each.order.etag) + 1)
        if new := [each for each in changed if each.new]:
            columns = _columns(new)
            columns["location_id"] = [each.location_id for each in new]
            columns["create_time"] = [times.to_datetime(each.order.create_time) for each in new]
            await _INSERT.fetch(self._connection, columns)
        if old := [each for each in changed if not each.new]:
            await _UPDATE.fetch(self._connection, _columns(old))
        if self._learned:
            columns = {
                "tenants": [name.tenant_id for name, _ in self._learned],
                "scopes": [name.scope for name, _ in self._learned],
                "values": [name.value for name, _ in self._learned],
                "orders": [key[1] for _, key in self._learned],
            }
            await _NAME.fetch(self._connection, columns)

    def tell(self) -> None:
        """Tells each message what became of it: of the more that it did, to its order or to its delivery."""
        for each, finding in self._findings:
            if each.stored is None:
                each.disposition, each.explanation = finding
                continue
            if _weight(finding.disposition) > _weight(each.disposition):
                each.disposition = finding.disposition
            each.explanation = f"{each.explanation} {finding.explanation}"


def _booked(each: Incoming) -> Key | None:
    """The order of the message's delivery."""
    if each.stored is None or not each.stored.delivery.order_id:
        return None
    return each.tenant_id, typeid.decode("ord", each.stored.delivery.order_id)


def _is_booked_by_us(stored: Stored) -> bool:
    return bool(stored.delivery.carrier_ref) and not stored.delivery.source_id


def _tell_ready(each: Incoming, since: Timestamp) -> None:
    """What is ready for its courier is so for its delivery, too."""
    if not each.report.patch.HasField("ready_for_pickup_time"):
        each.report.patch.ready_for_pickup_time.CopyFrom(since)


def _weight(disposition: event_pb2.Disposition.ValueType) -> int:
    return _EFFECTIVE.index(disposition) + 1 if disposition in _EFFECTIVE else 0


def _columns(held: Sequence[_Held]) -> dict[str, list[object]]:
    return {
        "tenant_id": [each.key[0] for each in held],
        "order_id": [each.key[1] for each in held],
        "status": [each.order.status for each in held],
        "version": [int(each.order.etag) for each in held],
        "document": [each.order.SerializeToString() for each in held],
    }
