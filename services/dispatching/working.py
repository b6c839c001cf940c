"""The workers of a dispatch: take what is due, in any number of processes, and go on with it; decide nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services.dispatching import engine, lookups, polling, rows
from services.dispatching.rows import Key
from services.hub import Hub

log = structlog.get_logger()

POLL_SECONDS = 0.2
"""How soon a worker sees what is due."""
BATCH = 20
"""How many of one kind a process goes on with at a time."""

Claim = Callable[[AsyncConnection, str, datetime, timedelta, int], Awaitable[list[Key]]]
Work = Callable[[Hub, Key], Awaitable[None]]


async def keep_dispatching(hub: Hub) -> None:
    """Goes on, forever, with shipments that nobody goes on with: left over, released, to be tried again."""
    await _keep(hub, rows.claim_due_shipments, engine.run_claimed)


async def keep_looking_after(hub: Hub) -> None:
    """Looks after bookings that are due, forever."""
    await _keep(hub, rows.claim_due_bookings, lookups.look_after)


async def work_once(hub: Hub) -> int:
    """Does all that is due now, of both kinds; returns how much there was."""
    done = 0
    for claim, work in ((rows.claim_due_shipments, engine.run_claimed), (rows.claim_due_bookings, lookups.look_after)):
        due = await _claim(hub, claim, BATCH)
        await asyncio.gather(*(_go_on(hub, work, key) for key in due))
        done += len(due)
    return done


async def _keep(hub: Hub, claim: Claim, work: Work) -> None:
    """Takes what is due as soon as there is room for it: one that takes long holds nobody up."""
    under_way: set[asyncio.Task[None]] = set()
    try:
        while True:
            for key in await _claim(hub, claim, BATCH - len(under_way)) if len(under_way) < BATCH else ():
                task = asyncio.create_task(_go_on(hub, work, key))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            await asyncio.sleep(POLL_SECONDS)
    finally:
        for task in under_way:
            task.cancel()


async def _claim(hub: Hub, claim: Claim, limit: int) -> Sequence[Key]:
    async with hub.transaction() as connection:
        return await claim(connection, str(typeid.new_uuid7()), hub.now(), polling.LEASE, limit)


async def _go_on(hub: Hub, work: Work, key: Key) -> None:
    try:
        await work(hub, key)
    except Exception:  # the next one goes on where this one was interrupted, once its claim ends
        log.exception("dispatch was interrupted", key=str(key[1]))
