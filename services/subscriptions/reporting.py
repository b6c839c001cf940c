"""Records what senders did: what is done with, what is tried again and when, and what becomes of the subscription."""

import random
from datetime import datetime, timedelta
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
from services.subscriptions.leasing import DEFAULT_DURATION
from services.subscriptions.rows import Key, Stored
from services.subscriptions.sends import Send
from services.subscriptions.states import SERVED, SETTLED, Turn


async def report(hub: Hub, request: contract.ReportAttemptsRequest) -> contract.ReportAttemptsResponse:
    """What became of the leases, in the order of the request. Each subscription's part is a transaction of its own."""
    response = contract.ReportAttemptsResponse()
    duration = times.given_timedelta(request, "duration") or DEFAULT_DURATION
    told = False
    for each in request.reports:
        async with hub.transaction() as connection:
            result, changed, free = await _report(connection, hub, each, duration)
        # After the commit: whoever is woken by it finds the row unlocked.
        hub.board.stir(free)
        response.results.append(result)
        told |= changed
    if told:
        hub.events_appended()
    return response


async def _report(
    connection: AsyncConnection, hub: Hub, report: contract.LeaseReport, duration: timedelta
) -> tuple[contract.LeaseReportResult, bool, list[Key]]:
    now = hub.now()
    result = contract.LeaseReportResult(lease_id=report.lease_id)
    stored = await _held(connection, report)
    if stored is None:
        result.lost = True
        return result, False, []
    before = stored.events
    await _record(connection, stored, report, now)
    leased = stored.lease_id is not None and str(stored.lease_id) == report.lease_id
    result.lost = not leased
    if leased:
        result.stop = stored.subscription.state not in SERVED or stored.changes != stored.lease_changes
        values: dict[str, object] = {"lease_id": None, "lease_until": None}
        if not report.release:
            until = now + duration
            values = {"lease_until": until}
            times.set_timestamp(result.expire_time, until)
        if (slow := times.given_datetime(report, "slow_until")) is not None:
            values["slow_until"] = min(slow, now + states.LONGEST_RETRY_AFTER)
        await connection.execute(
            sa.update(table)
            .where(table.c.tenant_id == stored.tenant_id, table.c.subscription_id == stored.subscription_id)
            .values(**values)
        )
    return result, stored.events != before, [stored.key] if leased and report.release else []


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
