"""Pings that callers send, many in one transaction: where drivers are, and when they will arrive; set-based.

A ping names no status, no reference and nothing that was agreed on, so no rule can refuse it: one whose delivery its
caller cannot see is left out, and the others of its batch take effect all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.report_pb2 import DeliveryReport
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from runtime.coalescer import Coalescer
from services import ids
from services.callers import Caller
from services.deliveries import of_orders, reports
from services.deliveries.of_orders import Wanted
from services.deliveries.rows import Key, Stored
from services.errors import not_found
from services.hub import Hub
from services.webhooks.parking import Parking


@dataclass(frozen=True, slots=True)
class _Ping:
    """A ping on its way to a delivery, which its key names or else its order."""

    caller: Caller
    report: DeliveryReport
    key: Key | None
    order: Wanted | None


class Pings:
    """The way of pings to their commit. One per process, closed with its hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._coalescer: Coalescer[_Ping, Delivery | None] = Coalescer(self._take)
        hub.coalescers.append(self._coalescer)

    async def tell(self, caller: Caller, named: Delivery, report: DeliveryReport) -> Delivery:
        """The delivery after the ping, and after those that came with it, once they are committed.

        It is named by its id, or else by its order. Raises NOT_FOUND.
        """
        key = (caller.tenant, ids.read("delivery", named.id)) if named.id else None
        order = None if named.id else of_orders.wanted(caller, named.order_id, named.location_id)
        delivery = await self._coalescer.submit(_Ping(caller, report, key, order))
        if delivery is None:
            raise not_found("delivery", named.id or f"of order {named.order_id}")
        return delivery

    async def _take(self, pings: Sequence[_Ping]) -> list[Delivery | None]:
        async with self._hub.transaction() as connection:
            keys = await _keys(connection, pings)
            batch = reports.Batch(connection, self._hub, Parking(self._hub))
            held = await batch.hold_all(filter(None, keys))
            found = [_seen(ping.caller, held.get(key) if key else None) for ping, key in zip(pings, keys, strict=True)]
            await batch.ping((stored, ping.report) for ping, stored in zip(pings, found, strict=True) if stored)
        self._hub.events_appended()
        return [stored.delivery if stored else None for stored in found]


async def _keys(connection: AsyncConnection, pings: Sequence[_Ping]) -> list[Key | None]:
    """Which deliveries the pings are about; an order's is the one that it has at this moment."""
    orders = list({each.order for each in pings if each.order})
    of_order = dict(zip(orders, await of_orders.find(connection, orders), strict=True)) if orders else {}
    keys: list[Key | None] = []
    for each in pings:
        found = of_order[each.order] if each.order else None
        keys.append((each.caller.tenant, found) if found else each.key)
    return keys


def _seen(caller: Caller, stored: Stored | None) -> Stored | None:
    if stored is None or caller.location_id is None:
        return stored
    location = stored.delivery.location_id
    return stored if location and typeid.decode("loc", location) == caller.location_id else None
