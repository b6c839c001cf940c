"""Finds locations by what the stores' own systems call them, for messages of a whole account."""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from services.db.statements import Statement
from services.deliveries.matching import Incoming

_FIND = Statement(
    """
SELECT tenant_id, external_id, location_id
FROM locations JOIN unnest(CAST(:tenants AS uuid[]), CAST(:values AS text[])) AS wanted (tenant_id, external_id)
  USING (tenant_id, external_id)
""",
    only_reads=True,
)


async def locate(connection: AsyncConnection, incoming: Iterable[Incoming]) -> None:
    """Gives reports that name an order alone the location of the store that they tell, where the source has none."""
    asked = [
        (each, store)
        for each in incoming
        if each.report.booking and each.location_id is None and (store := _store(each))
    ]
    if not asked:
        return
    wanted = sorted({(each.tenant_id, store) for each, store in asked})
    columns = {"tenants": [tenant for tenant, _ in wanted], "values": [value for _, value in wanted]}
    found = {(tenant, value): location for tenant, value, location in await _FIND.fetch(connection, columns)}
    for each, store in asked:
        each.location_id = found.get((each.tenant_id, store))


def _store(each: Incoming) -> str:
    return each.report.patch.consignment.pickup.external_id
