"""Tokens as rows: their values are stored as hashes; knows no rule about who may have which."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from crossdock.v1 import access_service_pb2 as contract
from crossdock.v1.access_pb2 import Token
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import ids, times, tokens
from services.callers import Caller
from services.db.tables import tokens as table
from services.errors import not_found
from services.paging import read_page


async def create(
    connection: AsyncConnection, tenant_id: UUID, wanted: Token, location_id: UUID | None, now: datetime
) -> contract.CreateTokenResponse:
    """Stores a new token; the answer is the only place where its value ever stands."""
    value = tokens.new_value()
    token_id = typeid.new_uuid7()
    token = Token(
        id=ids.write("token", token_id),
        display_name=wanted.display_name,
        level=wanted.level,
        location_id=wanted.location_id,
        scopes=sorted(set(wanted.scopes)),
        calls_per_minute=wanted.calls_per_minute,
        prefix=value[: tokens.SHOWN_LENGTH],
        create_time=times.to_timestamp(now),
    )
    if wanted.HasField("expire_time"):
        token.expire_time.CopyFrom(wanted.expire_time)
    await connection.execute(
        sa.insert(table).values(
            token_hash=tokens.digest(value),
            tenant_id=tenant_id,
            token_id=token_id,
            level=token.level,
            location_id=location_id,
            scopes=list(token.scopes),
            document=token.SerializeToString(),
            create_time=now,
            expire_time=times.to_datetime(token.expire_time) if token.HasField("expire_time") else None,
        )
    )
    return contract.CreateTokenResponse(token=token, value=value)


async def find(connection: AsyncConnection, tenant_id: UUID, identifier: str, *, lock: bool = False) -> Token:
    """The token with this id, held until the transaction ends on request. Raises NOT_FOUND."""
    query = sa.select(table.c.document).where(
        table.c.tenant_id == tenant_id, table.c.token_id == ids.read("token", identifier)
    )
    if lock:
        query = query.with_for_update()
    document = (await connection.execute(query)).scalar_one_or_none()
    if document is None:
        raise not_found("token", identifier)
    return Token.FromString(document)


async def read_list(
    connection: AsyncConnection, caller: Caller, request: contract.ListTokensRequest, now: datetime
) -> contract.ListTokensResponse:
    """One page of the tenant's tokens."""
    query = sa.select(table.c.token_id, table.c.document).where(table.c.tenant_id == caller.tenant)
    if not request.show_ended:
        query = query.where(
            table.c.revoke_time.is_(None),
            sa.or_(table.c.expire_time.is_(None), table.c.expire_time > now),
        )
    page = await read_page(connection, query, [table.c.token_id], request)
    return contract.ListTokensResponse(
        tokens=[Token.FromString(row.document) for row in page.rows],
        next_page_token=page.next_token,
        previous_page_token=page.previous_token,
    )


async def revoke(connection: AsyncConnection, tenant_id: UUID, identifier: str, now: datetime) -> Token:
    """The token after its end; the first end counts. Raises NOT_FOUND."""
    token = await find(connection, tenant_id, identifier, lock=True)
    if not token.HasField("revoke_time"):
        times.set_timestamp(token.revoke_time, now)
        await connection.execute(
            sa.update(table)
            .where(table.c.tenant_id == tenant_id, table.c.token_id == ids.read("token", identifier))
            .values(revoke_time=now, document=token.SerializeToString())
        )
    return token
