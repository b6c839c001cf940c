"""Which delivery an order is asked about: the live one, or the last; reads set-based, for many callers at once."""

from collections.abc import Sequence
from uuid import UUID

from crossdock.v1.delivery_pb2 import Delivery
from sqlalchemy.ext.asyncio import AsyncConnection

from services.db.statements import Statement

Wanted = tuple[UUID, UUID, UUID | None]
"""A tenant, an order, and the one location within the caller's reach, if it is only one."""

_READ = Statement(
    """
SELECT w.place, found.document
FROM unnest(CAST(:tenants AS uuid[]), CAST(:orders AS uuid[]), CAST(:locations AS uuid[])) WITH ORDINALITY
  AS w (tenant_id, order_id, location_id, place)
CROSS JOIN LATERAL (
  SELECT d.document FROM deliveries d
  WHERE d.tenant_id = w.tenant_id AND d.order_id = w.order_id
    AND (w.location_id IS NULL OR d.location_id = w.location_id)
  ORDER BY d.live DESC, d.delivery_id DESC LIMIT 1
) AS found
""",
    only_reads=True,
)


async def read(connection: AsyncConnection, wanted: Sequence[Wanted]) -> list[Delivery | None]:
    """The delivery of each order, in the order of asking; None where there is none within reach."""
    tenants, orders, locations = zip(*wanted, strict=True)
    rows = await _READ.fetch(
        connection, {"tenants": list(tenants), "orders": list(orders), "locations": list(locations)}
    )
    found: list[Delivery | None] = [None] * len(wanted)
    for place, document in rows:
        found[place - 1] = Delivery.FromString(document)
    return found
