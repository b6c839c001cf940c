"""Passive subscriptions, whose events are read and acknowledged instead of posted; and what the log holds for any."""

import time
from datetime import timedelta

from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.subscription_pb2 import OutboundEvent, SendCause
from sqlalchemy.ext.asyncio import AsyncConnection

from services import times
from services.callers import Caller
from services.errors import Problem
from services.events import log
from services.events.log import Cursor
from services.hub import Hub
from services.subscriptions import rows, telling
from services.subscriptions.rows import Stored
from services.subscriptions.rules import wanted_by

DEFAULT_EVENTS = 100
SCAN = 5_000
"""How many events one call looks at, at most."""
POLL_SECONDS = 1.0
MAX_BACKLOG = 100_000
BATCH = 1_000


async def pull(hub: Hub, caller: Caller, request: contract.PullEventsRequest) -> contract.PullEventsResponse:
    """The events that are not acknowledged; waits for some if it was asked to."""
    wait = times.given_timedelta(request, "wait") or timedelta(0)
    end = time.monotonic() + min(wait, timedelta(seconds=30)).total_seconds()
    while True:
        async with hub.engine.connect() as connection:
            response = await _pull(connection, caller, request)
        left = end - time.monotonic()
        if response.events or left <= 0:
            return response
        await hub.board.wait(min(left, POLL_SECONDS))


async def _pull(
    connection: AsyncConnection, caller: Caller, request: contract.PullEventsRequest
) -> contract.PullEventsResponse:
    stored = await _passive(connection, caller, request.subscription_id)
    wanted, limit = wanted_by(stored.subscription), request.max_events or DEFAULT_EVENTS
    response, cursor, looked = contract.PullEventsResponse(), stored.cursor, 0
    while len(response.events) < limit and looked < SCAN:
        entries = await log.read(connection, cursor, BATCH, caller.tenant)
        looked += len(entries)
        for entry in entries:
            cursor = entry.cursor
            if wanted(event := entry.parse()):
                response.events.append(
                    OutboundEvent(
                        event=event,
                        cursor=cursor.encode(),
                        attempt_number=1,
                        cause=SendCause.SEND_CAUSE_LOG,
                        message_id=event.id,
                    )
                )
                if len(response.events) == limit:
                    break
        if len(entries) < BATCH:
            break
    await telling.join(connection, caller.tenant, response.events)
    response.next_cursor = cursor.encode()
    return response


async def acknowledge(
    connection: AsyncConnection, caller: Caller, request: contract.AcknowledgeEventsRequest
) -> Stored:
    """Moves the cursor of a passive subscription forward, never back."""
    stored = await _passive(connection, caller, request.subscription_id, hold=True)
    cursor = min(Cursor.decode(request.cursor), await log.end(connection))
    await rows.move(connection, [(stored.key, cursor)])
    stored.cursor = max(stored.cursor, cursor)
    return stored


async def count_untaken(connection: AsyncConnection, stored: Stored) -> tuple[int, OutboundEvent | None]:
    """How many events past the cursor the subscription wants, counted up to a limit, and the first of them."""
    wanted, cursor = wanted_by(stored.subscription), stored.cursor
    count, first, looked = 0, None, 0
    while looked < MAX_BACKLOG:
        entries = await log.read(connection, cursor, BATCH, stored.tenant_id)
        looked += len(entries)
        for entry in entries:
            if wanted(event := entry.parse()):
                count += 1
                first = first or OutboundEvent(event=event)
        if len(entries) < BATCH:
            break
        cursor = entries[-1].cursor
    return count, first


async def _passive(connection: AsyncConnection, caller: Caller, identifier: str, *, hold: bool = False) -> Stored:
    stored = await rows.find(connection, caller.tenant, identifier, hold=hold)
    if not stored.subscription.passive:
        raise Problem(
            "SUBSCRIPTION_NOT_PASSIVE",
            "events of this subscription are posted, not pulled",
            {"subscription_id": identifier},
        )
    return stored
