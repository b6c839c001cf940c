"""Records what senders did: what is done with, what is tried again and when, and what becomes of the subscription.

A sender that goes on gets its next events with the answer, in the same transaction: so it need not wait between a lease
and the next, and an answer that is lost has handed out nothing, since what is held is what the sender says it holds.
"""

import random
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from crossdock.v1 import subscription_pb2 as pb
from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.subscription_pb2 import Attempt, SendCause
from sqlalchemy.ext.asyncio import AsyncConnection

from services import ids, times
from services.db.outbound_tables import subscriptions as table
from services.hub import Hub
from services.subscriptions import attempts, journal, rows, sends, states
from services.subscriptions.leasing import DEFAULT_DURATION, MAX_EVENTS, take
from services.subscriptions.rows import Key, Stored
from services.subscriptions.sends import Send
from services.subscriptions.states import SERVED, SETTLED, Turn


async def report(hub: Hub, request: contract.ReportAttemptsRequest) -> contract.ReportAttemptsResponse:
    """What became of the leases, in the order of the request. Each subscription's part is a transaction of its own."""
    response = contract.ReportAttemptsResponse()
    duration = times.given_timedelta(request, "duration") or DEFAULT_DURATION
    told, room = False, MAX_EVENTS
    for each in request.reports:
        async with hub.transaction() as connection:
            done = await _report(connection, hub, each, duration, room)
        # After the commit: whoever is woken by it finds the row unlocked.
        if done.more:
            hub.board.stir(done.free)
        else:
            hub.board.hasten(done.free)
        response.results.append(done.result)
        room -= len(done.result.events)
        told |= done.told
    if told:
        hub.events_appended()
    return response


class _Done(NamedTuple):
    result: contract.LeaseReportResult
    told: bool = False
    """Whether the log got an event."""
    free: tuple[Key, ...] = ()
    """The subscription, when its lease was given back."""
    more: bool = True
    """Whether there may be more to send for it than the board knows of."""


async def _report(
    connection: AsyncConnection, hub: Hub, report: contract.LeaseReport, duration: timedelta, room: int
) -> _Done:
    now = hub.now()
    result = contract.LeaseReportResult(lease_id=report.lease_id)
    stored = await _held(connection, report)
    if stored is None:
        result.lost = True
        return _Done(result)
    before = stored.events
    await _record(connection, stored, report, now)
    result.lost = stored.lease_id is None or str(stored.lease_id) != report.lease_id
    if result.lost:
        return _Done(result, stored.events != before)
    result.stop = stored.subscription.state not in SERVED or stored.changes != stored.lease_changes
    slow = times.given_datetime(report, "slow_until")
    more, limit = True, min(report.max_events, room)
    if limit > 0 and slow is None and not result.stop:
        held = [ids.read("event", each) for each in report.held_event_ids]
        taken = await take(connection, stored, limit, now, held)
        result.events.extend(taken.events)
        more = taken.more
    values: dict[str, object] = {"lease_id": None, "lease_until": None}
    kept = not report.release or bool(result.events)
    if kept:
        until = now + duration
        values = {"lease_until": until}
        times.set_timestamp(result.expire_time, until)
    if slow is not None:
        values["slow_until"] = min(slow, now + states.LONGEST_RETRY_AFTER)
    await connection.execute(
        sa.update(table)
        .where(table.c.tenant_id == stored.tenant_id, table.c.subscription_id == stored.subscription_id)
        .values(**values)
    )
    return _Done(result, stored.events != before, () if kept else (stored.key,), more)


async def _held(connection: AsyncConnection, report: contract.LeaseReport) -> Stored | None:
    """The subscription that a report is about, whoever has it now, held until the transaction ends."""
    query = rows.select_all().with_for_update()
    if report.attempts:
        named = ids.read("subscription", report.attempts[0].subscription_id)
        query = query.where(table.c.subscription_id == named)
    else:
        try:
            query = query.where(table.c.lease_id == UUID(report.lease_id))
        except ValueError:
            return None
    row = (await connection.execute(query)).first()
    return None if row is None else rows.stored(row)


async def _record(connection: AsyncConnection, stored: Stored, report: contract.LeaseReport, now: datetime) -> None:
    named = {ids.read("event", each.event_id or each.message_id): each for each in report.attempts}
    waiting = await sends.open_ones(connection, stored.key, named)
    recorded: list[tuple[UUID, Attempt]] = []
    failed: list[tuple[UUID, int, datetime | None]] = []
    done: list[UUID] = []
    subjects = set()
    state, changes = stored.subscription.state, 0
    for event_id, attempt in named.items():
        send = waiting.get(event_id)
        if send is None or attempt.number != send.tries + 1:
            continue  # it was reported before
        attempt.cause = send.cause
        due_time, over = _next(send, attempt, now)
        attempt.given_up = over and attempt.outcome not in SETTLED and send.cause != SendCause.SEND_CAUSE_TEST
        if attempt.outcome in SETTLED or send.cause == SendCause.SEND_CAUSE_TEST:
            done.append(event_id)
        else:
            failed.append((event_id, attempt.number, due_time))
            if due_time is not None:
                times.set_timestamp(attempt.retry_time, due_time)
        if over:
            subjects.add(send.subject_id)
        if attempt.outcome != pb.ATTEMPT_OUTCOME_NOT_APPLICABLE:
            recorded.append((event_id, attempt))
        if send.cause != SendCause.SEND_CAUSE_TEST:
            changes += await _follow(connection, stored, attempt, now)
        else:
            attempt.event_id = ""
    await sends.done(connection, stored.key, done)
    await sends.tried(connection, stored.key, failed)
    await sends.go_on(connection, stored.key, subjects, now)
    await attempts.add(connection, stored.key, recorded, now)
    if changes or stored.subscription.state != state:
        if stored.lease_changes == stored.changes:
            stored.lease_changes = stored.changes + 1  # what we change ourselves is no reason to stop
        await rows.update(connection, stored)


def _next(send: Send, attempt: Attempt, now: datetime) -> tuple[datetime | None, bool]:
    """When a failed try is repeated; and whether the event holds up those after it no longer."""
    if attempt.outcome in SETTLED or send.cause == SendCause.SEND_CAUSE_TEST:
        return None, True
    asked = times.given_timedelta(attempt, "retry_after")
    delay = states.delay_after(attempt.number, asked, random.random())  # noqa: S311  spreads load, guards nothing
    if delay is None and attempt.outcome == pb.ATTEMPT_OUTCOME_GONE:
        delay = timedelta(0)  # nothing is given up because an endpoint is gone: it waits for somebody to resume
    return (None, True) if delay is None else (now + delay, False)


async def _follow(connection: AsyncConnection, stored: Stored, attempt: Attempt, now: datetime) -> bool:
    """Lets the subscription follow the outcome; true when it must be stored."""
    before = stored.subscription.SerializeToString()
    turn = states.follow(stored.subscription, attempt.outcome, now)
    if turn is Turn.PAUSED:
        await journal.tell(connection, stored, f"paused: {stored.subscription.pause_reason}", now)
    elif turn is Turn.WARNED:
        pause_time = times.to_datetime(stored.subscription.pause_time)
        told = f"every try failed for {states.NOTICE.days} day; it will be paused at {pause_time:%Y-%m-%d %H:%M} UTC"
        await journal.tell(connection, stored, told, now)
    return before != stored.subscription.SerializeToString()
