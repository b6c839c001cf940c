"""The rules by which a tenant's carriers are chosen, as a row; knows nothing of what they say."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from crossdock.v1.shipment_pb2 import DispatchRules
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services import times
from services.db.dispatch_tables import dispatch_rules as table
from services.errors import etag_mismatch
from services.etags import etag_of, require_etag


async def read(connection: AsyncConnection, tenant_id: UUID) -> DispatchRules:
    """The rules of a tenant; empty ones, with the etag "0", when it never gave any."""
    document = await connection.scalar(sa.select(table.c.document).where(table.c.tenant_id == tenant_id))
    return DispatchRules(etag=etag_of(0)) if document is None else DispatchRules.FromString(document)


async def replace(connection: AsyncConnection, tenant_id: UUID, rules: DispatchRules, now: datetime) -> None:
    """Stores rules in place of those that their etag names, or of any when it is empty; gives them their new etag.

    Raises ETAG_MISMATCH. Whoever does this at the same time waits for the end of the transaction.
    """
    given, identifier = rules.etag, "of the tenant"
    first = insert(table).values(tenant_id=tenant_id, version=0, document=DispatchRules(etag="0").SerializeToString())
    await connection.execute(first.on_conflict_do_nothing())
    mine = table.c.tenant_id == tenant_id
    version = await connection.scalar(sa.select(table.c.version).where(mine).with_for_update())
    if version is None:
        raise etag_mismatch("dispatch rules", identifier)
    require_etag(given, version, "dispatch rules", identifier)
    rules.etag = etag_of(version + 1)
    times.set_timestamp(rules.update_time, now)
    await connection.execute(
        sa.update(table).where(mine).values(version=version + 1, document=rules.SerializeToString())
    )
