"""Which delivery an order is asked about: the live one, or the last; reads set-based, for many callers at once."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from crossdock.v1.delivery_pb2 import Delivery
from sqlalchemy.ext.asyncio import AsyncConnection

from services import ids
from services.callers import Caller
from services.db.statements import Statement

Wanted = tuple[UUID, UUID, UUID | None]
"""A tenant, an order, and the one location within the caller's reach, if it is only one."""


def _statement(column: str) -> Statement:
    text = f"""
SELECT w.place, found.{column}
FROM unnest(CAST(:tenants AS uuid[]), CAST(:orders AS uuid[]), CAST(:locations AS uuid[])) WITH ORDINALITY
  AS w (tenant_id, order_id, location_id, place)
CROSS JOIN LATERAL (
  SELECT d.{column} FROM deliveries d
  WHERE d.tenant_id = w.tenant_id AND d.order_id = w.order_id
    AND (w.location_id IS NULL OR d.location_id = w.location_id)
  ORDER BY d.live DESC, d.delivery_id DESC LIMIT 1
) AS found
"""  # noqa: S608  the column is one of the two below
    return Statement(text, only_reads=True)


_READ, _FIND = _statement("document"), _statement("delivery_id")


def wanted(caller: Caller, order_id: str, location_id: str = "") -> Wanted:
    """What a caller asks for, who may say at which location it must be. Raises NOT_FOUND for what cannot be there."""
    at = ids.read("location", location_id) if location_id else caller.location_id
    caller.require_location(at, "delivery", f"of order {order_id}")
    return caller.tenant, ids.read("order", order_id), at


async def read(connection: AsyncConnection, wanted: Sequence[Wanted]) -> list[Delivery | None]:
    """The delivery of each order, in the order of asking; None where there is none within reach."""
    found = await _fetch(connection, _READ, wanted)
    return [None if document is None else Delivery.FromString(document) for document in found]


async def find(connection: AsyncConnection, wanted: Sequence[Wanted]) -> list[UUID | None]:
    """Likewise, but only which delivery it is."""
    return await _fetch(connection, _FIND, wanted)


async def _fetch(connection: AsyncConnection, statement: Statement, wanted: Sequence[Wanted]) -> list[Any]:
    tenants, orders, locations = zip(*wanted, strict=True)
    values = {"tenants": list(tenants), "orders": list(orders), "locations": list(locations)}
    found: list[Any] = [None] * len(wanted)
    for place, value in await statement.fetch(connection, values):
        found[place - 1] = value
    return found
