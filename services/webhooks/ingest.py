"""Takes in authentic messages: one transaction per batch, set-based; stored and applied when it returns.

The order of the steps matters. Names and deliveries are locked before anything is written (see
`deliveries.rows`); a message's dedupe key is claimed by inserting it; what loses the claim is stored as a
duplicate and moves nothing.
"""

from collections.abc import Sequence

from crossdock.v1 import event_pb2, webhook_pb2
from crossdock.v1.webhook_service_pb2 import IngestWebhookRequest, IngestWebhookResponse

from runtime import typeid
from services import times
from services.db import races
from services.db.statements import Writes
from services.deliveries import reports
from services.hub import Hub
from services.webhooks import repeats, rows, sources
from services.webhooks.parking import Parking, copy_of, incoming_of, parked_until, settle
from services.webhooks.rows import StoredWebhook

Disposition = event_pb2.Disposition


async def ingest(hub: Hub, requests: Sequence[IngestWebhookRequest]) -> list[IngestWebhookResponse]:
    """Stores and applies messages of any tenants, all or none, and says what became of each, in their order.

    Raises NOT_FOUND when a source is not known: the gateway verified against one, so it was just removed.
    """
    return await races.run(lambda: _ingest(hub, requests))


async def _ingest(hub: Hub, requests: Sequence[IngestWebhookRequest]) -> list[IngestWebhookResponse]:
    async with hub.transaction() as connection:
        known = await hub.sources.find(connection, {request.source_id for request in requests})
        messages = [_message(hub, request, known[request.source_id]) for request in requests]
        incoming = {
            message.webhook_id: incoming_of(message, message.report, known[message.webhook.source_id])
            for message in messages
            if message.report is not None
        }
        batch = reports.Batch(connection, hub, Parking(hub))
        await batch.load(list(incoming.values()))
        await repeats.number(connection, messages, incoming, batch.find)
        duplicates = await rows.claim_keys(connection, messages)
        for message in messages:
            if first := duplicates.get(message.webhook_id):
                message.webhook.duplicate_of = typeid.encode("whk", first)
                if again := incoming.get(message.webhook_id):
                    again.stored = batch.find(again)
        fresh = [each for key, each in incoming.items() if key not in duplicates]
        writes = Writes()
        await batch.apply(fresh, writes)
        for message in messages:
            if (each := incoming.get(message.webhook_id)) is not None:
                settle(message, each, parked_until(hub, each.receive_time))
        rows.insert(writes, messages)
        await writes.run(connection)
        await rows.park(connection, [each for each in messages if each.webhook.HasField("expire_time")])
    hub.events_appended()
    return [
        IngestWebhookResponse(
            webhook_id=message.webhook.id,
            disposition=message.webhook.disposition,
            delivery_id=message.webhook.delivery_id,
        )
        for message in messages
    ]


def _message(hub: Hub, request: IngestWebhookRequest, source: sources.Source) -> StoredWebhook:
    identifier = typeid.new_uuid7()
    webhook = webhook_pb2.Webhook(
        id=typeid.encode("whk", identifier),
        source_id=request.source_id,
        dialect=source.dialect,
        receive_time=request.receive_time,
        message_id=request.message_id,
        headers=request.headers,
        body_size=len(request.body),
        remote_address=request.remote_address,
        mapping_version=request.mapping_version,
        process_count=1,
    )
    times.set_timestamp(webhook.process_time, hub.now())
    if not request.HasField("receive_time"):
        webhook.receive_time.CopyFrom(webhook.process_time)
    if request.malformed:
        webhook.disposition = Disposition.DISPOSITION_MALFORMED
        webhook.explanation = request.malformed
    return StoredWebhook(
        tenant_id=source.tenant_id,
        webhook_id=identifier,
        source_id=source.source_id,
        dedupe_key=request.dedupe_key,
        webhook=webhook,
        report=copy_of(request.report) if request.HasField("report") and not request.malformed else None,
        body=request.body,
    )
