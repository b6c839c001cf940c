"""Events that are taken from the log for a subscription and not yet told, as rows; knows no rule about tries.

Events of one subject (a delivery, a shipment) wait for each other: only the first has a time at which it is due, and
the next gets one when it is done with. What was given up stays, and holds nobody up.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from crossdock.v1.subscription_pb2 import SendCause
from sqlalchemy.ext.asyncio import AsyncConnection

from services.db.statements import Statement
from services.events.log import Cursor
from services.subscriptions.rows import Key


class Send(NamedTuple):
    """An event on its way to a subscription."""

    cursor: Cursor
    """Its place in the log, which names it."""
    subject_id: UUID
    tries: int
    cause: "SendCause.ValueType"


_ADD = Statement("""
WITH new AS (
  SELECT n.*, row_number() OVER (PARTITION BY subject_id ORDER BY xid, event_id) AS place
  FROM unnest(CAST(:events AS uuid[]), CAST(CAST(:xids AS text[]) AS xid8[]), CAST(:subjects AS uuid[]))
    AS n (event_id, xid, subject_id)
), busy AS (
  SELECT DISTINCT subject_id FROM sends
  WHERE tenant_id = :tenant AND subscription_id = :subscription AND NOT given_up
    AND subject_id = ANY(CAST(:subjects AS uuid[]))
)
INSERT INTO sends (tenant_id, subscription_id, event_id, xid, subject_id, tries, cause, given_up, due_time)
SELECT :tenant, :subscription, new.event_id, new.xid, new.subject_id, 0, :cause, false,
  CASE WHEN new.place = 1 AND busy.subject_id IS NULL THEN CAST(:now AS timestamptz) END
FROM new LEFT JOIN busy USING (subject_id)
ON CONFLICT (tenant_id, subscription_id, event_id) DO UPDATE
SET tries = 0, cause = excluded.cause, given_up = false, due_time = NULL
""")
_DUE = Statement("""
WITH due AS (
  SELECT DISTINCT subject_id FROM (
    SELECT subject_id FROM sends
    WHERE tenant_id = :tenant AND subscription_id = :subscription AND NOT given_up AND due_time <= :now
      AND subject_id NOT IN (
        SELECT subject_id FROM sends WHERE tenant_id = :tenant AND subscription_id = :subscription
          AND event_id = ANY(CAST(:held AS uuid[]))
      )
    ORDER BY due_time LIMIT :limit
  ) AS first
)
SELECT CAST(CAST(s.xid AS text) AS bigint), s.event_id, s.subject_id, s.tries, s.cause
FROM sends s JOIN due USING (subject_id)
WHERE s.tenant_id = :tenant AND s.subscription_id = :subscription AND NOT s.given_up
ORDER BY s.xid, s.event_id LIMIT :limit
""")
_TRIED = Statement("""
UPDATE sends s SET tries = n.tries, due_time = n.due_time, given_up = n.due_time IS NULL, cause = :retry
FROM unnest(CAST(:events AS uuid[]), CAST(:tries AS integer[]), CAST(:due AS timestamptz[]))
  AS n (event_id, tries, due_time)
WHERE s.tenant_id = :tenant AND s.subscription_id = :subscription AND s.event_id = n.event_id
""")
_DONE = Statement("""
DELETE FROM sends WHERE tenant_id = :tenant AND subscription_id = :subscription
  AND event_id = ANY(CAST(:events AS uuid[]))
""")
_NEXT = Statement("""
UPDATE sends s SET due_time = :now FROM (
  SELECT DISTINCT ON (subject_id) subject_id, event_id FROM sends
  WHERE tenant_id = :tenant AND subscription_id = :subscription AND NOT given_up
    AND subject_id = ANY(CAST(:subjects AS uuid[]))
  ORDER BY subject_id, xid, event_id
) AS head
WHERE s.tenant_id = :tenant AND s.subscription_id = :subscription AND s.event_id = head.event_id
  AND s.due_time IS NULL
""")
_HASTEN = Statement("""
UPDATE sends SET due_time = :now
WHERE tenant_id = :tenant AND subscription_id = :subscription AND NOT given_up AND due_time > :now
""")
_SUBJECTS_OF_FAILED = Statement("""
UPDATE sends SET given_up = false, tries = 0, due_time = NULL, cause = :cause
WHERE tenant_id = :tenant AND subscription_id = :subscription AND given_up
  AND event_id >= :first AND event_id < :last
RETURNING subject_id
""")
_COUNT_FAILED = Statement(
    """
SELECT count(*) FROM sends WHERE tenant_id = :tenant AND subscription_id = :subscription AND given_up
  AND event_id >= :first AND event_id < :last
""",
    only_reads=True,
)
_OPEN = Statement(
    """
SELECT event_id, tries, subject_id, cause FROM sends
WHERE tenant_id = :tenant AND subscription_id = :subscription AND event_id = ANY(CAST(:events AS uuid[]))
""",
    only_reads=True,
)
_COUNT = Statement(
    """
SELECT count(*) FROM (
  SELECT 1 FROM sends WHERE tenant_id = :tenant AND subscription_id = :subscription AND NOT given_up LIMIT :limit
) AS waiting
""",
    only_reads=True,
)


async def add(
    connection: AsyncConnection,
    key: Key,
    events: Sequence[tuple[Cursor, UUID]],
    cause: "SendCause.ValueType",
    now: datetime,
) -> None:
    """Takes events with their subjects; one that waits already begins its tries anew."""
    if not events:
        return
    values = _of(key) | {
        "events": [cursor.event_id for cursor, _ in events],
        "xids": [str(cursor.xid) for cursor, _ in events],
        "subjects": [subject for _, subject in events],
        "cause": cause,
        "now": now,
    }
    await _ADD.fetch(connection, values)
    await go_on(connection, key, {subject for _, subject in events}, now)


async def due(
    connection: AsyncConnection, key: Key, now: datetime, limit: int, held: Collection[UUID] = ()
) -> list[Send]:
    """What may be tried now, in the order of the log: the events of subjects whose first is due.

    Nothing of subjects of which one of the ``held`` events still waits.
    """
    rows = await _DUE.fetch(connection, _of(key) | {"now": now, "limit": limit, "held": list(held)})
    return [
        Send(Cursor(xid, event_id), subject, tries, SendCause.ValueType(cause))
        for xid, event_id, subject, tries, cause in rows
    ]


async def open_ones(connection: AsyncConnection, key: Key, events: Collection[UUID]) -> dict[UUID, Send]:
    """Those of the events that still wait; their places in the log are not told."""
    rows = await _OPEN.fetch(connection, _of(key) | {"events": list(events)})
    return {
        event_id: Send(Cursor(0, event_id), subject, tries, SendCause.ValueType(cause))
        for event_id, tries, subject, cause in rows
    }


async def tried(connection: AsyncConnection, key: Key, outcomes: Sequence[tuple[UUID, int, datetime | None]]) -> None:
    """Notes failed tries: event, tries so far, and when it is due again; None gives it up."""
    if not outcomes:
        return
    values = _of(key) | {
        "events": [event for event, _, _ in outcomes],
        "tries": [tries for _, tries, _ in outcomes],
        "due": [due_time for _, _, due_time in outcomes],
        "retry": SendCause.SEND_CAUSE_RETRY,
    }
    await _TRIED.fetch(connection, values)


async def done(connection: AsyncConnection, key: Key, events: Collection[UUID]) -> None:
    """Removes what was told."""
    if events:
        await _DONE.fetch(connection, _of(key) | {"events": list(events)})


async def go_on(connection: AsyncConnection, key: Key, subjects: Collection[UUID], now: datetime) -> None:
    """Makes the first of each of the subjects due, if it only waited for another one."""
    if subjects:
        await _NEXT.fetch(connection, _of(key) | {"subjects": list(subjects), "now": now})


async def hasten(connection: AsyncConnection, key: Key, now: datetime) -> None:
    """Makes due at once what waits for another try."""
    await _HASTEN.fetch(connection, _of(key) | {"now": now})


async def revive(connection: AsyncConnection, key: Key, first: UUID, last: UUID, now: datetime) -> int:
    """Takes up again what was given up, from one event id to before another. Returns how many."""
    values = _of(key) | {"first": first, "last": last, "cause": SendCause.SEND_CAUSE_REDRIVE}
    subjects = [subject for (subject,) in await _SUBJECTS_OF_FAILED.fetch(connection, values)]
    await go_on(connection, key, set(subjects), now)
    return len(subjects)


async def count_given_up(connection: AsyncConnection, key: Key, first: UUID, last: UUID) -> int:
    """How many `revive` would take up."""
    [(count,)] = await _COUNT_FAILED.fetch(connection, _of(key) | {"first": first, "last": last})
    return int(count)


async def count_waiting(connection: AsyncConnection, key: Key, limit: int) -> int:
    """How many are not told and not given up, counted up to a limit."""
    [(count,)] = await _COUNT.fetch(connection, _of(key) | {"limit": limit})
    return int(count)


def _of(key: Key) -> dict[str, object]:
    return {"tenant": key[0], "subscription": key[1]}
