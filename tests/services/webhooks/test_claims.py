"""Promise 6, one step below the wire: of all who claim a message's key at once, one wins."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import sqlalchemy as sa
from crossdock.v1.webhook_pb2 import Webhook
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import times
from services.db.tables import webhook_keys
from services.hub import Hub
from services.webhooks import rows
from services.webhooks.rows import StoredWebhook

COPIES = 8
KEYS = 125
TENANT, SOURCE = typeid.new_uuid7(), typeid.new_uuid7()
Claim = Callable[[AsyncConnection, Sequence[StoredWebhook]], Awaitable[int]]


def messages(hub: Hub) -> list[StoredWebhook]:
    """One copy of each."""
    webhook = Webhook()
    times.set_timestamp(webhook.receive_time, hub.now())
    return [StoredWebhook(TENANT, typeid.new_uuid7(), SOURCE, f"key {n}", webhook, None) for n in range(KEYS)]


async def winners(hub: Hub, claim: Claim) -> int:
    """How many copies of all take themselves for the first one."""

    async def one() -> int:
        async with hub.transaction() as connection:
            return await claim(connection, messages(hub))

    return sum(await asyncio.gather(*(one() for _ in range(COPIES))))


async def test_of_eight_copies_at_once_one_is_the_first(hub: Hub) -> None:
    async def claim(connection: AsyncConnection, copies: Sequence[StoredWebhook]) -> int:
        return len(copies) - len(await rows.claim_keys(connection, copies))

    assert await winners(hub, claim) == KEYS


async def test_who_looks_before_it_inserts_is_caught(hub: Hub) -> None:
    """The sabotage: every copy looks before any has inserted, which is what a race is."""
    all_have_looked = asyncio.Barrier(COPIES)

    async def look_then_insert(connection: AsyncConnection, copies: Sequence[StoredWebhook]) -> int:
        known = set(await connection.scalars(sa.select(webhook_keys.c.dedupe_key)))
        await all_have_looked.wait()
        new = [each for each in copies if each.dedupe_key not in known]
        await rows.claim_keys(connection, new)  # inserts; what it says is not listened to
        return len(new)

    assert await winners(hub, look_then_insert) == KEYS * COPIES
