"""The tries to reach subscribers, as rows: what each came to, page by page and in figures; knows no rule about them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from crossdock.v1 import subscription_pb2 as pb
from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.subscription_pb2 import Attempt, SubscriptionStats
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import ids, times
from services.db.outbound_tables import attempts as table
from services.db.outbound_tables import sends
from services.db.statements import Statement
from services.paging import read_page
from services.subscriptions.rows import Key

STATS_SPAN = timedelta(hours=24)

_ADD = Statement("""
INSERT INTO attempts
  (tenant_id, attempt_id, subscription_id, event_id, delivery_id, outcome, given_up, start_time, latency_ms, document)
SELECT :tenant, n.attempt_id, :subscription, n.event_id, n.delivery_id, n.outcome, n.given_up, n.start_time,
  n.latency_ms, n.document
FROM unnest(
  CAST(:ids AS uuid[]), CAST(:events AS uuid[]), CAST(:deliveries AS uuid[]), CAST(:outcomes AS smallint[]),
  CAST(:given_up AS boolean[]), CAST(:starts AS timestamptz[]), CAST(:latencies AS integer[]),
  CAST(:documents AS bytea[])
) AS n (attempt_id, event_id, delivery_id, outcome, given_up, start_time, latency_ms, document)
""")
_STATS = Statement(
    """
SELECT count(*) FILTER (WHERE outcome = :succeeded), count(*) FILTER (WHERE outcome <> :succeeded),
  percentile_disc(0.5) WITHIN GROUP (ORDER BY latency_ms) FILTER (WHERE outcome <= :answered),
  percentile_disc(0.99) WITHIN GROUP (ORDER BY latency_ms) FILTER (WHERE outcome <= :answered),
  max(start_time) FILTER (WHERE outcome = :succeeded), max(start_time) FILTER (WHERE outcome <> :succeeded)
FROM attempts WHERE tenant_id = :tenant AND subscription_id = :subscription AND attempt_id >= :first
""",
    only_reads=True,
)
_WAITING = Statement(
    """
SELECT count(*) FILTER (WHERE NOT given_up AND tries > 0), count(*) FILTER (WHERE given_up),
  count(*) FILTER (WHERE NOT given_up AND tries = 0)
FROM sends WHERE tenant_id = :tenant AND subscription_id = :subscription
""",
    only_reads=True,
)


async def add(connection: AsyncConnection, key: Key, tried: Sequence[tuple[UUID, Attempt]], now: datetime) -> None:
    """Records tries of events, and gives them their ids."""
    if not tried:
        return
    milliseconds = int(now.timestamp() * 1000)
    identifiers = [typeid.new_uuid7(milliseconds) for _ in tried]
    for identifier, (_, attempt) in zip(identifiers, tried, strict=True):
        attempt.id = ids.write("attempt", identifier)
        attempt.subscription_id = ids.write("subscription", key[1])
    listed = [attempt for _, attempt in tried]
    values = {
        "tenant": key[0],
        "subscription": key[1],
        "ids": identifiers,
        "events": [event for event, _ in tried],
        "deliveries": [ids.read("delivery", each.delivery_id) if each.delivery_id else None for each in listed],
        "outcomes": [each.outcome for each in listed],
        "given_up": [each.given_up for each in listed],
        "starts": [times.to_datetime(each.start_time) for each in listed],
        "latencies": [each.latency.ToMilliseconds() for each in listed],
        "documents": [each.SerializeToString() for each in listed],
    }
    await _ADD.fetch(connection, values)


async def read_list(
    connection: AsyncConnection, key: Key, request: contract.ListAttemptsRequest
) -> contract.ListAttemptsResponse:
    """One page of tries, the youngest first."""
    query = sa.select(table.c.attempt_id, table.c.document).where(
        table.c.tenant_id == key[0], table.c.subscription_id == key[1]
    )
    if request.outcomes:
        query = query.where(table.c.outcome.in_(list(request.outcomes)))
    if request.event_id:
        query = query.where(table.c.event_id == ids.read("event", request.event_id))
    if request.delivery_id:
        query = query.where(table.c.delivery_id == ids.read("delivery", request.delivery_id))
    if request.given_up:
        query = query.where(table.c.given_up)
    if (after := times.given_datetime(request, "started_after")) is not None:
        query = query.where(table.c.start_time >= after)
    if (before := times.given_datetime(request, "started_before")) is not None:
        query = query.where(table.c.start_time < before)
    page = await read_page(connection, query, [table.c.attempt_id], request)
    return contract.ListAttemptsResponse(
        attempts=[Attempt.FromString(row.document) for row in page.rows],
        next_page_token=page.next_token,
        previous_page_token=page.previous_token,
    )


async def find_test(connection: AsyncConnection, key: Key, event_id: UUID) -> Attempt | None:
    """The try of a made-up event; None while there is none."""
    query = sa.select(table.c.document).where(
        table.c.tenant_id == key[0], table.c.subscription_id == key[1], table.c.event_id == event_id
    )
    document = await connection.scalar(query.limit(1))
    return None if document is None else Attempt.FromString(document)


async def oldest_untried(connection: AsyncConnection, key: Key) -> datetime | None:
    """When the oldest event was recorded that was taken from the log and never tried."""
    first = await connection.scalar(
        sa.select(sends.c.event_id)
        .where(sends.c.tenant_id == key[0], sends.c.subscription_id == key[1], sends.c.tries == 0)
        .order_by(sends.c.event_id)
        .limit(1)
    )
    return None if first is None else typeid.moment_of(first)


async def figures(connection: AsyncConnection, key: Key, now: datetime) -> SubscriptionStats:
    """How the subscription did in the last day, and what waits; without what the log still holds."""
    of_key = {"tenant": key[0], "subscription": key[1]}
    [row] = await _STATS.fetch(
        connection,
        of_key
        | {
            "succeeded": pb.ATTEMPT_OUTCOME_SUCCEEDED,
            # The outcomes up to this one are those with an answer.
            "answered": pb.ATTEMPT_OUTCOME_THROTTLED,
            "first": typeid.first_of(now - STATS_SPAN),
        },
    )
    succeeded, failed, median, p99, last_success, last_failure = row
    [(retrying, given_up, untried)] = await _WAITING.fetch(connection, of_key)
    stats = SubscriptionStats(
        subscription_id=ids.write("subscription", key[1]),
        backlog_count=untried,
        retrying_count=retrying,
        given_up_count=given_up,
        succeeded_count=succeeded,
        failed_count=failed,
    )
    for latency, told in ((median, stats.latency_median), (p99, stats.latency_p99)):
        if latency is not None:
            told.FromMilliseconds(latency)
    for moment, stamp in ((last_success, stats.last_success_time), (last_failure, stats.last_failure_time)):
        if moment is not None:
            times.set_timestamp(stamp, moment)
    return stats
