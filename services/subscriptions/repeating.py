"""Sends again what somebody asks for: one event, a part of the log, what was given up; and made-up ones to try."""

import asyncio
import time
from datetime import timedelta
from uuid import UUID

from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.subscription_pb2 import Attempt, SendCause
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import ids, times
from services.callers import Caller
from services.db.statements import Statement
from services.errors import Problem, invalid, not_found
from services.events import log
from services.events.log import Cursor, Entry
from services.hub import Hub
from services.subscriptions import attempts, rows, sends
from services.subscriptions.leasing import subject_of
from services.subscriptions.management import begin
from services.subscriptions.rows import Stored
from services.subscriptions.rules import wanted_by

MAX_COUNT = 100_000
BATCH = 1_000
TEST_SECONDS = 20.0
TEST_POLL_SECONDS = 0.1
_LAST = UUID(int=2**128 - 1)

_ENTRY = Statement(
    """
SELECT CAST(CAST(xid AS text) AS bigint), event_id, tenant_id, document FROM events
WHERE tenant_id = :tenant AND event_id = :event
""",
    only_reads=True,
)


async def redeliver(
    connection: AsyncConnection, hub: Hub, caller: Caller, request: contract.RedeliverEventRequest
) -> contract.RedeliverEventResponse:
    """One event, whatever became of it before."""
    stored = await _active(connection, caller, request.subscription_id)
    event_id = ids.read("event", request.event_id)
    found = await _ENTRY.fetch(connection, {"tenant": caller.tenant, "event": event_id})
    if not found:
        raise not_found("event", request.event_id)
    xid, identifier, tenant_id, document = found[0]
    entry = Entry(Cursor(xid, identifier), tenant_id, document)
    cause = SendCause.SEND_CAUSE_REDELIVERY
    await sends.add(connection, stored.key, [(entry.cursor, subject_of(entry))], cause, hub.now())
    return contract.RedeliverEventResponse(message_id=request.event_id)


async def replay(
    connection: AsyncConnection, hub: Hub, caller: Caller, request: contract.ReplaySubscriptionRequest
) -> contract.ReplaySubscriptionResponse:
    """What the filter wants from a place in the log to where the subscription stands, or only how much that is."""
    if not request.cursor and not request.HasField("start_time"):
        raise invalid("cursor", "one of cursor and start_time is required", "replay.start")
    stored = await _active(connection, caller, request.subscription_id)
    _require_kept(hub, request)
    cursor = await begin(connection, caller, request)
    before = times.given_datetime(request, "end_time")
    last = typeid.first_of(before) if before is not None else _LAST
    wanted, count = wanted_by(stored.subscription), 0
    while cursor < stored.cursor and count < MAX_COUNT:
        entries = await log.read(connection, cursor, BATCH, caller.tenant)
        fitting = [
            (entry.cursor, subject_of(entry))
            for entry in entries
            if entry.cursor <= stored.cursor and entry.cursor.event_id < last and wanted(entry.parse())
        ][: MAX_COUNT - count]
        count += len(fitting)
        if not request.validate_only:
            await sends.add(connection, stored.key, fitting, SendCause.SEND_CAUSE_REPLAY, hub.now())
        if len(entries) < BATCH:
            break
        cursor = entries[-1].cursor
    return contract.ReplaySubscriptionResponse(event_count=count)


async def redrive(
    connection: AsyncConnection, hub: Hub, caller: Caller, request: contract.RedriveFailuresRequest
) -> contract.RedriveFailuresResponse:
    """All that was given up, or only how much that is."""
    stored = await _active(connection, caller, request.subscription_id)
    after, before = times.given_datetime(request, "start_time"), times.given_datetime(request, "end_time")
    first = typeid.first_of(after) if after is not None else UUID(int=0)
    last = typeid.first_of(before) if before is not None else _LAST
    if request.validate_only:
        count = await sends.count_given_up(connection, stored.key, first, last)
    else:
        count = await sends.revive(connection, stored.key, first, last, hub.now())
    return contract.RedriveFailuresResponse(event_count=count)


async def test(hub: Hub, caller: Caller, identifier: str) -> Attempt | None:
    """Sends a made-up event and waits for the try; None when it is not over in time."""
    event_id = typeid.new_uuid7()
    async with hub.transaction() as connection:
        stored = await _active(connection, caller, identifier)
        # Ahead of everything: no transaction has a number as small.
        place = (Cursor(0, event_id), event_id)
        await sends.add(connection, stored.key, [place], SendCause.SEND_CAUSE_TEST, hub.now())
    hub.board.stir([stored.key])
    end = time.monotonic() + TEST_SECONDS
    while time.monotonic() < end:
        await asyncio.sleep(TEST_POLL_SECONDS)
        async with hub.engine.connect() as connection:
            attempt = await attempts.find_test(connection, stored.key, event_id)
        if attempt is not None:
            return attempt
    async with hub.transaction() as connection:
        await sends.done(connection, stored.key, [event_id])
    return None


async def _active(connection: AsyncConnection, caller: Caller, identifier: str) -> Stored:
    """The subscription, held, unless it is one that nothing is posted for."""
    stored = await rows.find(connection, caller.tenant, identifier, hold=True)
    if stored.subscription.passive:
        raise invalid("subscription_id", "nothing is posted for a passive subscription", "subscription.passive")
    return stored


def _require_kept(hub: Hub, request: contract.ReplaySubscriptionRequest) -> None:
    days = hub.settings.retention_events_days
    moment = times.given_datetime(request, "start_time")
    if days is None or moment is None:
        return
    oldest = hub.now() - timedelta(days=days)
    if moment < oldest:
        raise Problem(
            "CURSOR_TOO_OLD",
            "the log no longer reaches back that far",
            {"field": "start_time", "oldest_time": oldest.isoformat()},
        )
