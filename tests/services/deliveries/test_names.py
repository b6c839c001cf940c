"""Names that many deliveries share: the youngest are looked at, and whoever bears one alone is always found."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services.db.tables import deliveries, delivery_references
from services.deliveries import names
from services.deliveries.names import MOST_BEARERS, Claim, Name
from services.hub import Hub

TENANT = typeid.new_uuid7()
SHARED = Name(TENANT, "order", "everybody's")


async def bear(connection: AsyncConnection, count: int, *, exclusive: bool = False) -> list[UUID]:
    """Deliveries that bear the shared name, in the order of their age."""
    ids = [typeid.new_uuid7() for _ in range(count)]
    now = sa.func.now()
    common = {
        "tenant_id": TENANT,
        "carrier_ref": "",
        "status": 1,
        "document": b"",
        "create_time": now,
        "update_time": now,
    }
    for each in ids:
        await connection.execute(
            deliveries.insert().values(delivery_id=each, live=True, needs_attention=False, **common)
        )
    claims = [
        {"tenant_id": TENANT, "scope": SHARED.scope, "value": SHARED.value, "delivery_id": each, "exclusive": exclusive}
        for each in ids
    ]
    await connection.execute(delivery_references.insert(), claims)
    return ids


async def test_of_the_many_that_share_a_name_the_youngest_are_looked_at(hub: Hub) -> None:
    other = Name(TENANT, "order", "nobody's")
    async with hub.transaction() as connection:
        (alone,) = await bear(connection, 1, exclusive=True)
        ids = await bear(connection, MOST_BEARERS + 10)
        found = await names.resolve(connection, [SHARED, other])
    youngest = list(reversed(ids))[:MOST_BEARERS]
    assert found == {SHARED: [*(Claim(each, exclusive=False) for each in youngest), Claim(alone, exclusive=True)]}
