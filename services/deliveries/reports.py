"""Lets reports take effect: finds their deliveries, folds, stores; one transaction, set-based, locks before writes.

The rules are the lifecycle's; this module only brings reports and deliveries together and keeps the books.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.event_pb2 import DISPOSITION_UNMAPPED, Event
from crossdock.v1.reference_pb2 import ExternalReference
from crossdock.v1.report_pb2 import DeliveryReport
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import times
from services.db.statements import Writes
from services.deliveries import inputs, lifecycle, names, places, rows, starting
from services.deliveries.bookings import COUNTED, Bookings
from services.deliveries.commands import check_command
from services.deliveries.inputs import Input
from services.deliveries.matching import Incoming, Matches
from services.deliveries.names import Name
from services.deliveries.rows import EventRow, Key, Stored
from services.errors import Problem, invalid
from services.hub import Hub
from services.locations.naming import locate
from services.orders.reports import OrderReports
from services.proofs import rows as pictures
from services.proofs.pictures import Picture, take
from services.shipments import followers
from services.shipments.rows import Stored as StoredShipment

_EARLIEST = Timestamp(seconds=946_684_800)
"""The year 2000. A delivery that a webhook started was under way before the hub knew of it, who knows how long."""


MAX_REFERENCES = 50
"""How many names a delivery bears, at most."""
MAX_BYTES = 256 * 1024
"""How large a delivery may grow. Beyond it, what webhooks add in extensions and references is not kept."""


class Parking(Protocol):
    """Where reports wait for deliveries that are not known yet."""

    async def take(self, connection: AsyncConnection, names: Sequence[Name]) -> list[Incoming]:
        """Takes the reports that wait under names which a delivery has just learned."""

    async def settle(self, connection: AsyncConnection, incoming: Sequence[Incoming]) -> None:
        """Writes down what became of reports that were taken."""


class Batch:
    """The work of one transaction: first `load` or `hold`, then `apply`, `command`, `tell` or `begin`, once."""

    def __init__(self, connection: AsyncConnection, hub: Hub, parking: Parking) -> None:
        self._connection = connection
        self._hub = hub
        self._parking = parking
        self._matches = Matches()
        self._orders = OrderReports(connection, hub)
        self._bookings = Bookings()
        self._now = times.to_timestamp(hub.now())
        self._events: list[EventRow] = []
        self._claims: list[tuple[Name, Stored, bool]] = []
        self._pictures: dict[pictures.Key, Picture] = {}

    async def load(self, incoming: Sequence[Incoming]) -> None:
        """Locks what the reports name, and reads it. Takes their pictures out of them."""
        for each in incoming:
            for place in self._take_pictures(each.tenant_id, each.report.patch):
                each.report.issues.add(
                    pointer=f"/proofs/{place}", code="not_a_picture", message="the image is of no known format"
                )
        await locate(self._connection, incoming)
        await self._matches.load(self._connection, incoming)

    async def hold(self, key: Key, references: Sequence[ExternalReference]) -> Stored | None:
        """Locks one delivery, and the names that it is about to bear, and reads it; None when it does not exist."""
        learned = [Name.of(key[0], reference) for reference in references]
        await names.lock(self._connection, learned)
        self._matches.claims |= await names.resolve(self._connection, learned)
        self._matches.stored |= await rows.lock(self._connection, [key])
        await followers.hold(self._connection, self._matches.stored.values(), self._matches.shipments)
        return self._matches.stored.get(key)

    async def hold_all(self, keys: Iterable[Key]) -> Mapping[Key, Stored]:
        """Locks deliveries that are about to bear no new name, and reads them; unknown ones are left out."""
        self._matches.stored |= await rows.lock(self._connection, keys)
        await followers.hold(self._connection, self._matches.stored.values(), self._matches.shipments)
        return self._matches.stored

    async def hold_shipment(self, key: Key) -> StoredShipment | None:
        """Locks a shipment, after `hold` and before the first write; None when it does not exist.

        The batch lets it follow its deliveries. Who changes it as well changes this very object: before the batch
        stores its work, or after that with `services.shipments.rows.write`.
        """
        await followers.hold_keys(self._connection, {key}, self._matches.shipments)
        return self._matches.shipments.get(key)

    def require_free(self, references: Sequence[ExternalReference], key: Key) -> None:
        """Raises DUPLICATE_ID when a held name is exclusively another delivery's."""
        for reference in references:
            claims = self._matches.claims.get(Name.of(key[0], reference), [])
            if reference.exclusive and any(each.exclusive and each.delivery_id != key[1] for each in claims):
                raise Problem(
                    "DUPLICATE_ID",
                    f"another delivery is {reference.scope} {reference.value!r}",
                    {"resource": "delivery", "field": "delivery.references", "value": reference.value},
                )

    def keep_pictures(self, tenant_id: UUID, wanted: Delivery) -> None:
        """Takes the pictures out of what a caller asks for, to be stored with it. Raises INVALID_REQUEST."""
        for place in self._take_pictures(tenant_id, wanted):
            raise invalid(f"delivery.proofs[{place}].image", "is no PNG, JPEG, GIF, WebP or PDF", "proof.picture")

    def _take_pictures(self, tenant_id: UUID, patch: Delivery) -> list[int]:
        if not patch.proofs:
            return []
        taken, refused = take(patch.proofs)
        self._pictures |= {(tenant_id, each.sha256): each for each in taken}
        return refused

    def find(self, incoming: Incoming) -> Stored | None:
        """The delivery that a loaded report is about, without touching it."""
        return self._matches.find(incoming)

    async def apply(self, incoming: Sequence[Incoming], writes: Writes | None = None) -> None:
        """Lets loaded reports take effect, and parked ones that thereby find their delivery.

        Who gives ``writes`` runs them: what can wait for other writes is left in there.
        """
        groups: dict[Key, list[Incoming]] = {}
        unparked = await self._gather(incoming, groups)
        await self._finish(groups, unparked, writes)

    async def command(self, stored: Stored, report: DeliveryReport) -> None:
        """Lets a command take effect on a held delivery. Raises `CommandRefused` when it does not fit."""
        self.keep_pictures(stored.tenant_id, report.patch)
        report.reset = check_command(stored.delivery, report, self._now)
        if stored.delivery.ByteSize() + report.ByteSize() > 2 * MAX_BYTES:
            raise invalid("delivery", f"would be larger than {2 * MAX_BYTES // 1024} KiB", "max_bytes")
        command = Incoming(stored.tenant_id, report, self._hub.now(), stored=stored)
        groups: dict[Key, list[Incoming]] = {stored.key: [command]}
        unparked = await self._gather_parked(stored, report.patch.references, groups)
        await self._finish(groups, unparked, refuse=True)

    async def tell(self, stored: Stored, *told: Incoming) -> None:
        """Lets reports that no message carried take effect on a held delivery; what does not fit is history."""
        for each in told:
            self._take_pictures(stored.tenant_id, each.report.patch)
        groups: dict[Key, list[Incoming]] = {stored.key: list(told)}
        for each in told:
            each.stored = stored
        learned = [reference for each in told for reference in each.report.patch.references]
        unparked = await self._gather_parked(stored, learned, groups)
        await self._finish(groups, unparked)

    async def ping(self, told: Iterable[tuple[Stored, DeliveryReport]]) -> None:
        """Lets pings that callers sent take effect on held deliveries; see `requests.update`."""
        groups: dict[Key, list[Incoming]] = {}
        for stored, report in told:
            ping = Incoming(stored.tenant_id, report, self._hub.now(), stored=stored)
            groups.setdefault(stored.key, []).append(ping)
        await self._finish(groups, ())

    async def begin(self, stored: Stored, created: Event, first: DeliveryReport | None) -> None:
        """Stores a delivery that a caller asked for, with a first report on it and what was parked for it."""
        self._add(stored, created)
        groups: dict[Key, list[Incoming]] = {stored.key: []}
        if first is not None:
            groups[stored.key].append(Incoming(stored.tenant_id, first, self._hub.now(), stored=stored))
        unparked = await self._gather_parked(stored, stored.delivery.references, groups)
        await self._finish(groups, unparked)

    async def welcome(self, known: Sequence[Name]) -> bool:
        """Lets parked reports take effect that wait for an order, which now bears these names; they are held.

        Says whether there were any.
        """
        groups: dict[Key, list[Incoming]] = {}
        waiting = await self._parking.take(self._connection, known)
        if not waiting:
            return False
        await self.load(waiting)
        unparked = await self._gather(waiting, groups)
        await self._finish(groups, waiting + unparked)
        return True

    async def _gather(self, incoming: Sequence[Incoming], groups: dict[Key, list[Incoming]]) -> list[Incoming]:
        """Groups reports by delivery, starting those that policy allows; follows parked reports until none is left."""
        unparked: list[Incoming] = []
        waiting = list(incoming)
        while waiting:
            learned: list[Name] = []
            await self._find_orders(waiting)
            for each in waiting:
                stored = await self._delivery_of(each, groups)
                if each.report.HasField("order_patch"):
                    learned += self._take_order(each, stored)
                if stored is None:
                    if each.report.unmapped:
                        each.disposition, each.explanation = DISPOSITION_UNMAPPED, "its words have no mapping (yet)"
                    continue
                each.stored = stored
                groups.setdefault(stored.key, []).append(each)
                learned += self._learn(stored, [*each.report.targets, *each.report.patch.references])
            waiting = await self._parking.take(self._connection, learned) if learned else []
            if waiting:
                await self.load(waiting)
            unparked += waiting
        return unparked

    async def _gather_parked(
        self, stored: Stored, references: Sequence[ExternalReference], groups: dict[Key, list[Incoming]]
    ) -> list[Incoming]:
        learned = self._learn(stored, references)
        waiting = await self._parking.take(self._connection, learned) if learned else []
        if waiting:
            await self.load(waiting)
        return waiting + await self._gather(waiting, groups)

    async def _find_orders(self, incoming: Sequence[Incoming]) -> None:
        if about := [each for each in incoming if each.report.HasField("order_patch")]:
            for each in about:
                each.stored = self._matches.find(each)
            await self._orders.find(about)

    def _take_order(self, each: Incoming, stored: Stored | None) -> list[Name]:
        """Lets a report take effect on its order; returns the names that lead to the order only now."""
        each.stored = stored
        learned = self._orders.take(each)
        for name, order, location in learned:
            self._matches.orders.setdefault(name, []).insert(0, (order, location))
        return [name for name, _, _ in learned]

    async def _delivery_of(self, each: Incoming, groups: dict[Key, list[Incoming]]) -> Stored | None:
        """The delivery that a report is about, started if policy allows, or if it is the next one of its order."""
        report, last = each.report, self._matches.find(each)
        counted = report.booking in COUNTED
        if last is not None and not (counted and self._number(last, report) > last.delivery.attempt):
            return last
        if last is not None:
            stored, created = await starting.start_next(self._connection, each, last, self._now)
            groups.setdefault(last.key, [])
        elif each.may_create and report.targets and not report.HasField("order_patch"):
            stored, created = starting.start(each, self._matches.order_of(each), self._now)
        else:
            return None
        self._add(stored, created)
        if counted:
            self._number(stored, report)
        return stored

    def _number(self, stored: Stored, report: DeliveryReport) -> int:
        return self._bookings.number(stored.key, report, stored.delivery)

    def _add(self, stored: Stored, created: Event) -> None:
        self._matches.add(stored)
        self._events.append(EventRow(stored.tenant_id, stored.delivery_id, created, rows.CREATED_KEY))

    def _learn(self, stored: Stored, references: Sequence[ExternalReference]) -> list[Name]:
        """Lets a delivery bear names; returns those that are new."""
        if len(stored.delivery.references) >= MAX_REFERENCES:
            return []
        learned = self._matches.learn(stored, references)
        exclusive = {Name.of(stored.tenant_id, each): each.exclusive for each in references}
        known = {(each.scope, each.value) for each in stored.delivery.references}
        for reference in references:
            if Name.of(stored.tenant_id, reference) in learned and (reference.scope, reference.value) not in known:
                stored.delivery.references.append(reference)
        self._claims += [(name, stored, exclusive[name]) for name in learned]
        return learned

    async def _fold(self, groups: dict[Key, list[Incoming]]) -> None:
        """Lets each delivery's reports take effect in their order; late ones with all that was said before."""
        late: dict[Key, list[tuple[Input, Incoming]]] = {}
        for key, group in groups.items():
            stored = self._matches.stored[key]
            received = [(self._receive(each, stored), each) for each in group]
            if any(given.key < (stored.last_key or b"") for given, _ in received):
                late[key] = received
            elif received:
                outcome = lifecycle.apply(
                    stored.delivery,
                    [given for given, _ in received],
                    last_key=stored.last_key or b"",
                    now=self._now,
                )
                self._keep(stored, outcome, received)
        if late:
            history = await rows.history(self._connection, late)
            for key, received in late.items():
                self._refold(self._matches.stored[key], history[key], received)

    def _refold(self, stored: Stored, told: Sequence[Event], received: Sequence[tuple[Input, Incoming]]) -> None:
        # A delivery that this very batch started has no stored events yet.
        own = [row.event for row in self._events if row.delivery_id == stored.delivery_id]
        created, *rest = [*told, *own]
        past = [inputs.replay(event) for event in rest if event.HasField("report")]
        if stored.last_ping is not None:
            past.append(rows.parse_ping(stored.last_ping))
        first = lifecycle.initial(created)
        # Names are claimed as they are learned, whatever the order of the reports.
        del first.references[:]
        first.references.extend(stored.delivery.references)
        new = [given for given, _ in received]
        outcome = lifecycle.refold(past, new, initial=first, present=stored.delivery, now=self._now)
        self._keep(stored, outcome, received)

    def _receive(self, each: Incoming, stored: Stored) -> Input:
        if stored.delivery.ByteSize() > MAX_BYTES and each.report.HasField("patch"):
            each.report.patch.ClearField("extensions")
            each.report.patch.ClearField("references")
            each.report.issues.add(code="delivery_too_large", message="extensions and references are not kept any more")
        return inputs.receive(
            each.report,
            times.to_timestamp(each.receive_time),
            _EARLIEST if stored.delivery.source_id else stored.delivery.create_time,
            webhook_id=each.webhook_id,
            source_id=each.source_id,
            after=b"" if each.webhook_id or each.in_time else stored.last_key or b"",
        )

    def _keep(self, stored: Stored, outcome: lifecycle.Outcome, received: Sequence[tuple[Input, Incoming]]) -> None:
        """Takes over what the lifecycle made of a delivery, and tells each report what became of it."""
        stored.delivery = outcome.delivery
        stored.last_key = outcome.last_key
        if outcome.last_ping is not None:
            stored.last_ping = rows.write_ping(outcome.last_ping)
        causes = {id(given): each for given, each in received}
        for result in outcome.results:
            # A stored ping may get its event here too, by a report that came late.
            if (each := causes.get(id(result.input))) is not None:
                each.disposition = result.disposition
                each.explanation = result.explanation
            for event in result.events:
                key = result.input.key if event.HasField("report") else None
                self._events.append(EventRow(stored.tenant_id, stored.delivery_id, event, key))

    async def _finish(
        self,
        groups: dict[Key, list[Incoming]],
        unparked: Sequence[Incoming],
        writes: Writes | None = None,
        *,
        refuse: bool = False,
    ) -> None:
        collected = Writes() if writes is None else writes
        await self._orders.write()
        await pictures.insert(self._connection, self._pictures, self._hub.now())
        await self._fold(groups)
        touched = [self._matches.stored[key] for key in groups]
        await places.take(self._connection, touched, self._now, refuse=refuse)
        for row in self._events:
            row.event.id = typeid.encode("evt", typeid.new_uuid7())
        await rows.write(self._connection, collected, touched)
        names.claim(
            collected,
            [(name, stored.delivery_id, exclusive) for name, stored, exclusive in self._claims],
        )
        rows.append(collected, self._events)
        rows.sample_positions(collected, touched, self._hub.now())
        if writes is None or self._matches.shipments:
            await collected.run(self._connection)
        await followers.follow(self._connection, self._matches.shipments, touched, self._events, self._now)
        self._orders.tell()
        if unparked:
            await self._parking.settle(self._connection, unparked)
