"""Hands subscriptions that have something to send to one sender each, for a while; knows no HTTP and no dialect."""

import time
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

import sqlalchemy as sa
from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.subscription_pb2 import OutboundEvent, SendCause
from sqlalchemy.ext.asyncio import AsyncConnection

from services import ids, times
from services.db.outbound_tables import subscriptions as table
from services.db.statements import Statement
from services.events import log
from services.events.log import Cursor, Entry
from services.hub import Hub
from services.subscriptions import rows, sends, telling
from services.subscriptions.board import BUSY_SECONDS
from services.subscriptions.management import opened
from services.subscriptions.rows import Key, Stored
from services.subscriptions.rules import wanted_by
from services.subscriptions.states import SERVED

DEFAULT_EVENTS = 100
DEFAULT_DURATION = timedelta(seconds=20)
MAX_EVENTS = 1_000
"""How many events all leases of one answer hold at most."""
MAX_WAITING = 10_000
"""How many events may wait for other tries before no more are taken from the log for a subscription."""
PAGE, PAGES = 500, 4
"""How much of the log is read at once, and how often in a row, when a filter wants little of it."""
POLL_SECONDS = 0.5
"""How soon tries are made that become due without an event."""

_DUE = Statement(
    """
SELECT DISTINCT tenant_id, subscription_id FROM sends
WHERE due_time <= :now AND NOT given_up LIMIT :limit
""",
    only_reads=True,
)
_TENANTS = Statement(
    "SELECT tenant_id, external_id FROM tenants WHERE tenant_id = ANY(CAST(:tenants AS uuid[]))", only_reads=True
)


class Taken(NamedTuple):
    """The next events of a subscription."""

    events: list[OutboundEvent]
    cursor: Cursor
    more: bool
    """Whether the log may hold more that was not looked at."""


async def lease(hub: Hub, request: contract.LeaseSubscriptionsRequest) -> contract.LeaseSubscriptionsResponse:
    """Work for a sender; waits for some if it was asked to."""
    wait = times.given_timedelta(request, "wait") or timedelta(0)
    end = time.monotonic() + min(wait, timedelta(seconds=30)).total_seconds()
    while True:
        response = await _lease(hub, request)
        left = end - time.monotonic()
        if response.leases or left <= 0:
            return response
        await hub.board.wait(min(left, POLL_SECONDS))


async def _lease(hub: Hub, request: contract.LeaseSubscriptionsRequest) -> contract.LeaseSubscriptionsResponse:
    stirred = hub.board.take(request.max_subscriptions)
    again = set(stirred)  # until it is committed, nothing is taken from the log
    try:
        async with hub.transaction() as connection:
            response, looked_at, more = await _lease_some(connection, hub, request, stirred)
        again = more
        # Somebody else has the others, or they are slowed down.
        hub.board.stir(set(stirred) - looked_at, seconds=BUSY_SECONDS)
    finally:
        hub.board.stir(again)
        hub.board.settle(stirred)
    return response


async def _lease_some(
    connection: AsyncConnection, hub: Hub, request: contract.LeaseSubscriptionsRequest, stirred: list[Key]
) -> tuple[contract.LeaseSubscriptionsResponse, set[Key], set[Key]]:
    """Leases, the subscriptions that were looked at, and those for which the log holds more."""
    now, response = hub.now(), contract.LeaseSubscriptionsResponse()
    looked_at, more = set[Key](), set[Key]()
    due = await _DUE.fetch(connection, {"now": now, "limit": request.max_subscriptions})
    keys = list(dict.fromkeys([*stirred, *((row[0], row[1]) for row in due)]))
    if not keys:
        return response, looked_at, more
    until = now + (times.given_timedelta(request, "duration") or DEFAULT_DURATION)
    room = MAX_EVENTS
    free = await _free(connection, keys, now, request.max_subscriptions)
    tenants = dict(await _TENANTS.fetch(connection, {"tenants": list({stored.tenant_id for stored in free})}))
    for stored in free:
        limit = min(request.max_events or DEFAULT_EVENTS, room)
        if limit <= 0:
            break
        taken = await take(connection, stored, limit, now)
        looked_at.add(stored.key)
        if taken.more:
            more.add(stored.key)
        if taken.events:
            room -= len(taken.events)
            lease_id = await _hold(connection, stored, until)
            added = response.leases.add(id=str(lease_id), cursor=taken.cursor.encode(), events=taken.events)
            added.subscription.CopyFrom(opened(stored, hub, tenants[stored.tenant_id]))
            times.set_timestamp(added.expire_time, until)
    return response, looked_at, more


async def _free(connection: AsyncConnection, keys: list[Key], now: datetime, limit: int) -> list[Stored]:
    """Those that nobody has and that are not slowed down, held until the transaction ends."""
    query = (
        rows.select_all()
        .where(
            sa.tuple_(table.c.tenant_id, table.c.subscription_id).in_(keys),
            sa.not_(table.c.passive),
            sa.or_(table.c.lease_until.is_(None), table.c.lease_until <= now),
            sa.or_(table.c.slow_until.is_(None), table.c.slow_until <= now),
        )
        .order_by(table.c.tenant_id, table.c.subscription_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [rows.stored(row) for row in await connection.execute(query)]


async def take(
    connection: AsyncConnection, stored: Stored, limit: int, now: datetime, held: Collection[UUID] = ()
) -> Taken:
    """What may be sent next, beside the ``held`` events that a sender has and told nothing of yet."""
    served = stored.subscription.state in SERVED
    due = await sends.due(connection, stored.key, now, limit, held)
    more = served
    if served and len(due) < limit:
        # Only now: as long as enough is taken the log need not be looked at.
        more = await _pull(connection, stored, limit, now)
        due = await sends.due(connection, stored.key, now, limit, held)
    if not served:
        due = [send for send in due if send.cause == SendCause.SEND_CAUSE_TEST]
    told = await telling.tell(connection, stored.tenant_id, due, now)
    gone = {send.cursor.event_id for send in due} - {Cursor.decode(each.cursor).event_id for each in told}
    await sends.done(connection, stored.key, gone)  # the log does not reach back that far any more
    return Taken(told, stored.cursor, more)


async def _pull(connection: AsyncConnection, stored: Stored, limit: int, now: datetime) -> bool:
    """Takes what comes next in the log, moves the cursor, and says whether there is more."""
    if await sends.count_waiting(connection, stored.key, MAX_WAITING) >= MAX_WAITING:
        return True
    end = await log.end(connection)
    wanted, cursor = wanted_by(stored.subscription), stored.cursor
    fitting: list[tuple[Cursor, UUID]] = []
    more = True
    for _ in range(PAGES):
        entries = await log.read(connection, cursor, PAGE, stored.tenant_id)
        fitting += [(entry.cursor, subject_of(entry)) for entry in entries if wanted(entry.parse())]
        more = len(entries) == PAGE
        cursor = entries[-1].cursor if more else max(end, log.cursor_of(entries, cursor))
        if not more or len(fitting) >= limit:
            break
    await sends.add(connection, stored.key, fitting, SendCause.SEND_CAUSE_LOG, now)
    if cursor > stored.cursor:
        await rows.move(connection, [(stored.key, cursor)])
        stored.cursor = cursor
    return more


def subject_of(entry: Entry) -> UUID:
    """What an event is about, whose events are told in order."""
    event = entry.parse()
    for noun in ("delivery", "shipment", "subscription"):
        if identifier := getattr(event, f"{noun}_id"):
            return ids.read(noun, identifier)
    return entry.cursor.event_id


async def _hold(connection: AsyncConnection, stored: Stored, until: datetime) -> UUID:
    lease_id = uuid4()
    await connection.execute(
        sa.update(table)
        .where(table.c.tenant_id == stored.tenant_id, table.c.subscription_id == stored.subscription_id)
        .values(lease_id=lease_id, lease_until=until, lease_changes=stored.changes)
    )
    return lease_id
