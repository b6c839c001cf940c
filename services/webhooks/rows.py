"""Inbound messages as rows: set-based writes and reads of webhooks, their dedupe keys and the parked ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from crossdock.v1.report_pb2 import DeliveryReport
from crossdock.v1.webhook_pb2 import Webhook
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import times
from services.db.statements import Statement, Writes
from services.deliveries.names import Name

_CLAIM_KEYS = Statement("""
INSERT INTO webhook_keys (tenant_id, source_id, dedupe_key, webhook_id, receive_time)
SELECT * FROM unnest(CAST(:tenant_id AS uuid[]), CAST(:source_id AS uuid[]), CAST(:dedupe_key AS text[]),
                     CAST(:webhook_id AS uuid[]), CAST(:receive_time AS timestamptz[]))
ON CONFLICT DO NOTHING
RETURNING webhook_id
""")
_KEY_OWNERS = Statement("""
SELECT tenant_id, source_id, dedupe_key, webhook_id
FROM webhook_keys
JOIN unnest(CAST(:tenant_id AS uuid[]), CAST(:source_id AS uuid[]), CAST(:dedupe_key AS text[]))
  AS wanted (tenant_id, source_id, dedupe_key) USING (tenant_id, source_id, dedupe_key)
""")
_INSERT = Statement("""
INSERT INTO webhooks (tenant_id, webhook_id, receive_time, source_id, delivery_id, disposition, mapping_version,
                      dedupe_key, document, body, report)
SELECT * FROM unnest(
  CAST(:tenant_id AS uuid[]), CAST(:webhook_id AS uuid[]), CAST(:receive_time AS timestamptz[]),
  CAST(:source_id AS uuid[]), CAST(:delivery_id AS uuid[]), CAST(:disposition AS smallint[]),
  CAST(:mapping_version AS text[]), CAST(:dedupe_key AS text[]), CAST(:document AS bytea[]), CAST(:body AS bytea[]),
  CAST(:report AS bytea[]))
""")
_UPDATE = Statement("""
UPDATE webhooks w
SET delivery_id = n.delivery_id, disposition = n.disposition, mapping_version = n.mapping_version,
    document = n.document, report = n.report
FROM unnest(
  CAST(:tenant_id AS uuid[]), CAST(:webhook_id AS uuid[]), CAST(:delivery_id AS uuid[]),
  CAST(:disposition AS smallint[]), CAST(:mapping_version AS text[]), CAST(:document AS bytea[]),
  CAST(:report AS bytea[]))
  AS n (tenant_id, webhook_id, delivery_id, disposition, mapping_version, document, report)
WHERE w.tenant_id = n.tenant_id AND w.webhook_id = n.webhook_id
""")
_SELECT = """
SELECT w.tenant_id, w.webhook_id, w.dedupe_key, w.document, w.report
FROM webhooks w
JOIN unnest(CAST(:tenant_id AS uuid[]), CAST(:webhook_id AS uuid[])) AS wanted (tenant_id, webhook_id)
  USING (tenant_id, webhook_id)
ORDER BY w.webhook_id
"""
_READ = Statement(_SELECT)
_LOCK = Statement(_SELECT + "FOR UPDATE OF w")
_PARK = Statement("""
INSERT INTO parked_webhooks (tenant_id, webhook_id, scope, value, receive_time, expire_time)
SELECT * FROM unnest(CAST(:tenant_id AS uuid[]), CAST(:webhook_id AS uuid[]), CAST(:scope AS text[]),
                     CAST(:value AS text[]), CAST(:receive_time AS timestamptz[]), CAST(:expire_time AS timestamptz[]))
ON CONFLICT DO NOTHING
""")
_UNPARK = Statement("""
WITH named AS (
  SELECT DISTINCT tenant_id, webhook_id FROM parked_webhooks
  JOIN unnest(CAST(:tenants AS uuid[]), CAST(:scopes AS text[]), CAST(:values AS text[]))
    AS wanted (tenant_id, scope, value) USING (tenant_id, scope, value)
), taken AS (
  DELETE FROM parked_webhooks p USING named n
  WHERE p.tenant_id = n.tenant_id AND p.webhook_id = n.webhook_id
  RETURNING p.tenant_id, p.webhook_id
)
SELECT DISTINCT tenant_id, webhook_id FROM taken
""")
_WAITING = Statement(
    """
SELECT DISTINCT tenant_id, webhook_id FROM parked_webhooks
JOIN unnest(CAST(:tenants AS uuid[]), CAST(:scopes AS text[]), CAST(:values AS text[]))
  AS wanted (tenant_id, scope, value) USING (tenant_id, scope, value)
""",
    only_reads=True,
)
_LEAVE = Statement("""
DELETE FROM parked_webhooks p
USING unnest(CAST(:tenant_id AS uuid[]), CAST(:webhook_id AS uuid[])) AS gone (tenant_id, webhook_id)
WHERE p.tenant_id = gone.tenant_id AND p.webhook_id = gone.webhook_id
""")
_EXPIRED = sa.text("""
WITH late AS (
  SELECT DISTINCT tenant_id, webhook_id FROM parked_webhooks WHERE expire_time <= :now LIMIT :limit
), taken AS (
  DELETE FROM parked_webhooks p USING late l
  WHERE p.tenant_id = l.tenant_id AND p.webhook_id = l.webhook_id
  RETURNING p.tenant_id, p.webhook_id
)
SELECT DISTINCT tenant_id, webhook_id FROM taken
""")


@dataclass
class StoredWebhook:
    """A message with what is kept beside it. ``webhook`` holds neither body nor report."""

    tenant_id: UUID
    webhook_id: UUID
    source_id: UUID
    dedupe_key: str
    webhook: Webhook
    report: DeliveryReport | None
    body: bytes | None = None
    """Only on messages that are about to be inserted."""
    delivery_id: UUID | None = None


async def claim_keys(connection: AsyncConnection, webhooks: Sequence[StoredWebhook]) -> dict[UUID, UUID]:
    """Claims the dedupe key of each message; returns, for those that came too late, the webhook that was first.

    Inserting is the check: a second copy, in this batch or in another process, conflicts on the key.
    """
    ordered = sorted(webhooks, key=lambda each: (each.tenant_id, each.source_id, each.dedupe_key))
    columns = {
        "tenant_id": [each.tenant_id for each in ordered],
        "source_id": [each.source_id for each in ordered],
        "dedupe_key": [each.dedupe_key for each in ordered],
        "webhook_id": [each.webhook_id for each in ordered],
        "receive_time": [times.to_datetime(each.webhook.receive_time) for each in ordered],
    }
    first = {row[0] for row in await _CLAIM_KEYS.fetch(connection, columns)}
    late = [each for each in ordered if each.webhook_id not in first]
    if not late:
        return {}
    wanted = {
        "tenant_id": [each.tenant_id for each in late],
        "source_id": [each.source_id for each in late],
        "dedupe_key": [each.dedupe_key for each in late],
    }
    owners = {tuple(row[:3]): row[3] for row in await _KEY_OWNERS.fetch(connection, wanted)}
    return {each.webhook_id: owners[each.tenant_id, each.source_id, each.dedupe_key] for each in late}


def insert(writes: Writes, webhooks: Sequence[StoredWebhook]) -> None:
    """Stores new messages, bodies included."""
    columns = _columns(webhooks)
    columns["receive_time"] = [times.to_datetime(each.webhook.receive_time) for each in webhooks]
    columns["source_id"] = [each.source_id for each in webhooks]
    columns["dedupe_key"] = [each.dedupe_key for each in webhooks]
    columns["body"] = [each.body for each in webhooks]
    writes.add(_INSERT, columns)


async def update(connection: AsyncConnection, webhooks: Sequence[StoredWebhook]) -> None:
    """Stores what became of messages that were stored before; their bodies never change."""
    if webhooks:
        await _UPDATE.fetch(connection, _columns(webhooks))


def _columns(webhooks: Sequence[StoredWebhook]) -> dict[str, list[object]]:
    return {
        "tenant_id": [each.tenant_id for each in webhooks],
        "webhook_id": [each.webhook_id for each in webhooks],
        "delivery_id": [each.delivery_id for each in webhooks],
        "disposition": [each.webhook.disposition for each in webhooks],
        "mapping_version": [each.webhook.mapping_version for each in webhooks],
        "document": [each.webhook.SerializeToString() for each in webhooks],
        "report": [None if each.report is None else each.report.SerializeToString() for each in webhooks],
    }


async def read(
    connection: AsyncConnection, keys: Iterable[tuple[UUID, UUID]], *, lock: bool = False
) -> list[StoredWebhook]:
    """Reads messages by (tenant, webhook), without bodies, the oldest first; ``lock`` holds them."""
    wanted = sorted(set(keys))
    if not wanted:
        return []
    columns = {"tenant_id": [key[0] for key in wanted], "webhook_id": [key[1] for key in wanted]}
    return [_stored(*row) for row in await (_LOCK if lock else _READ).fetch(connection, columns)]


def _stored(tenant: UUID, identifier: UUID, key: str, document: bytes, report: bytes | None) -> StoredWebhook:
    webhook = Webhook.FromString(document)
    return StoredWebhook(
        tenant_id=tenant,
        webhook_id=identifier,
        source_id=typeid.decode("src", webhook.source_id),
        dedupe_key=key,
        webhook=webhook,
        report=None if report is None else DeliveryReport.FromString(report),
        delivery_id=typeid.decode("dlv", webhook.delivery_id) if webhook.delivery_id else None,
    )


async def park(connection: AsyncConnection, webhooks: Sequence[StoredWebhook]) -> None:
    """Lets messages wait under every name by which they call their delivery."""
    waits = [(each, target) for each in webhooks if each.report is not None for target in each.report.targets]
    if not waits:
        return
    columns = {
        "tenant_id": [each.tenant_id for each, _ in waits],
        "webhook_id": [each.webhook_id for each, _ in waits],
        "scope": [target.scope for _, target in waits],
        "value": [target.value for _, target in waits],
        "receive_time": [times.to_datetime(each.webhook.receive_time) for each, _ in waits],
        "expire_time": [times.to_datetime(each.webhook.expire_time) for each, _ in waits],
    }
    await _PARK.fetch(connection, columns)


async def unpark(connection: AsyncConnection, names: Iterable[Name]) -> list[StoredWebhook]:
    """Takes the messages that wait under any of the names; the caller processes them in this transaction."""
    return await _named(connection, _UNPARK, names)


async def waiting(connection: AsyncConnection, names: Iterable[Name]) -> list[StoredWebhook]:
    """The messages that wait under any of the names, the oldest first; they wait on."""
    return await _named(connection, _WAITING, names)


async def _named(connection: AsyncConnection, statement: Statement, names: Iterable[Name]) -> list[StoredWebhook]:
    wanted = sorted(set(names))
    if not wanted:
        return []
    columns = {
        "tenants": [name.tenant_id for name in wanted],
        "scopes": [name.scope for name in wanted],
        "values": [name.value for name in wanted],
    }
    return await read(connection, [(row[0], row[1]) for row in await statement.fetch(connection, columns)])


async def leave_parking(connection: AsyncConnection, keys: Iterable[tuple[UUID, UUID]]) -> None:
    """Lets messages wait no longer."""
    wanted = sorted(set(keys))
    columns = {"tenant_id": [key[0] for key in wanted], "webhook_id": [key[1] for key in wanted]}
    await _LEAVE.fetch(connection, columns)


async def take_expired(connection: AsyncConnection, now: datetime, limit: int) -> list[StoredWebhook]:
    """Takes messages that waited long enough; the caller marks them."""
    taken = [(row[0], row[1]) for row in await connection.execute(_EXPIRED, {"now": now, "limit": limit})]
    return await read(connection, taken)
