"""Stored messages, as operators see them: list, read, send through again."""

from collections.abc import Iterator

import sqlalchemy as sa
from crossdock.v1 import webhook_service_pb2 as contract
from crossdock.v1.event_pb2 import Disposition
from crossdock.v1.webhook_pb2 import Webhook
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import ids, times
from services.callers import Caller
from services.db.tables import webhooks as table
from services.deliveries import reports
from services.errors import not_found
from services.hub import Hub
from services.paging import read_page
from services.webhooks import rows, sources
from services.webhooks.parking import Parking, copy_of, incoming_of, parked_until, settle
from services.webhooks.rows import StoredWebhook

REPLAYABLE = frozenset(
    {
        Disposition.DISPOSITION_MALFORMED,
        Disposition.DISPOSITION_UNMAPPED,
        Disposition.DISPOSITION_UNMATCHED,
        Disposition.DISPOSITION_EXPIRED,
    }
)
"""What has had no effect yet, and can have one when it is processed again."""


async def read_list(
    connection: AsyncConnection, caller: Caller, request: contract.ListWebhooksRequest
) -> contract.ListWebhooksResponse:
    """One page of the tenant's messages, the youngest first, without bodies and reports."""
    query = sa.select(table.c.webhook_id, table.c.document).where(
        table.c.tenant_id == caller.tenant, *_filters(request)
    )
    page = await read_page(connection, query, [table.c.webhook_id], request)
    return contract.ListWebhooksResponse(
        webhooks=[Webhook.FromString(row.document) for row in page.rows],
        next_page_token=page.next_token,
        previous_page_token=page.previous_token,
    )


def _filters(request: contract.ListWebhooksRequest) -> Iterator[sa.ColumnElement[bool]]:
    columns = table.c
    if request.dispositions:
        yield columns.disposition.in_(list(request.dispositions))
    if request.source_id:
        yield columns.source_id == ids.read("webhook source", request.source_id)
    if request.delivery_id:
        yield columns.delivery_id == ids.read("delivery", request.delivery_id)
    if request.mapping_version:
        yield columns.mapping_version == request.mapping_version
    if (after := times.given_datetime(request, "received_after")) is not None:
        yield columns.receive_time >= after
    if (before := times.given_datetime(request, "received_before")) is not None:
        yield columns.receive_time < before


async def get(connection: AsyncConnection, caller: Caller, webhook_id: str) -> Webhook:
    """One message with its body and how it was read."""
    query = sa.select(table.c.document, table.c.body, table.c.report).where(
        table.c.tenant_id == caller.tenant, table.c.webhook_id == ids.read("webhook", webhook_id)
    )
    row = (await connection.execute(query)).first()
    if row is None:
        raise not_found("webhook", webhook_id)
    webhook = Webhook.FromString(row.document)
    webhook.body = row.body
    if row.report is not None:
        webhook.report.ParseFromString(row.report)
    return webhook


async def replay(
    connection: AsyncConnection, hub: Hub, caller: Caller, request: contract.ReplayWebhookRequest
) -> contract.ReplayWebhookResponse:
    """Sends a message through again; one that had its effect is left as it is."""
    key = (caller.tenant, ids.read("webhook", request.webhook_id))
    found = await rows.read(connection, [key])
    if not found:
        raise not_found("webhook", request.webhook_id)
    report = request.report if request.HasField("report") else found[0].report
    if report is None or found[0].webhook.disposition not in REPLAYABLE:
        return contract.ReplayWebhookResponse(webhook=found[0].webhook)
    known = await sources.find(connection, [found[0].webhook.source_id])
    incoming = incoming_of(found[0], copy_of(report), known[found[0].webhook.source_id])
    batch = reports.Batch(connection, hub, Parking(hub))
    await batch.load([incoming])
    report = copy_of(incoming.report)  # as it was read, its pictures taken out
    # In the order in which others lock them: what is parked, then the message.
    await rows.leave_parking(connection, [key])
    # Whoever replayed it meanwhile has finished: what counts is what is found now.
    message = (await rows.read(connection, [key], lock=True))[0]
    if message.webhook.disposition not in REPLAYABLE:
        return contract.ReplayWebhookResponse(webhook=message.webhook)
    response = contract.ReplayWebhookResponse()
    if before := batch.find(incoming):
        response.previous_delivery.CopyFrom(before.delivery)
    if await _was_said(connection, message, request.dedupe_key):
        incoming.stored = before
    else:
        await batch.apply([incoming])
    message.webhook.process_count += 1
    message.webhook.process_time.CopyFrom(times.to_timestamp(hub.now()))
    if message.webhook.duplicate_of or incoming.disposition != Disposition.DISPOSITION_DUPLICATE:
        message.report = report
        message.webhook.mapping_version = request.mapping_version or message.webhook.mapping_version
        settle(message, incoming, parked_until(hub, hub.now()))
    await rows.update(connection, [message])
    if message.webhook.HasField("expire_time"):
        await rows.park(connection, [message])
    response.webhook.CopyFrom(message.webhook)
    if incoming.stored is not None:
        response.delivery.CopyFrom(incoming.stored.delivery)
    return response


async def _was_said(connection: AsyncConnection, message: StoredWebhook, dedupe_key: str) -> bool:
    """Claims what the message says as it is read now; if another one has said it, that is noted on the message."""
    if not dedupe_key:
        return False
    message.dedupe_key = dedupe_key
    first = (await rows.claim_keys(connection, [message])).get(message.webhook_id, message.webhook_id)
    if first != message.webhook_id:
        message.webhook.duplicate_of = typeid.encode("whk", first)
    return first != message.webhook_id
