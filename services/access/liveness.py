"""Ends streams whose token does not live any more; unary calls are refused at the door."""

import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TypeVar

import sqlalchemy as sa

from services.callers import Caller
from services.db.tables import tokens
from services.errors import Problem
from services.hub import Hub

T = TypeVar("T")

CHECK_SECONDS = 10.0
"""How often a stream's token is looked at: each heartbeat gives occasion to."""


async def while_live(hub: Hub, caller: Caller, stream: AsyncIterator[T]) -> AsyncIterator[T]:
    """Passes a stream on as long as the caller's token lives; raises TOKEN_ENDED within two heartbeats after."""
    checked = time.monotonic()
    async with aclosing(stream) as told:  # type: ignore[type-var]
        async for each in told:
            if time.monotonic() - checked >= CHECK_SECONDS:
                await _require_live(hub, caller)
                checked = time.monotonic()
            yield each


async def _require_live(hub: Hub, caller: Caller) -> None:
    if caller.token_id is None:
        return
    query = sa.select(sa.literal(1)).where(
        tokens.c.tenant_id == caller.tenant,
        tokens.c.token_id == caller.token_id,
        tokens.c.revoke_time.is_(None),
        sa.or_(tokens.c.expire_time.is_(None), tokens.c.expire_time > hub.now()),
    )
    async with hub.engine.connect() as connection:
        if await connection.scalar(query) is None:
            raise Problem("TOKEN_ENDED", "the token was revoked or has ended")
