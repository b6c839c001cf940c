"""Messages that wait for their delivery: applied when it appears, shown as expired when it does not."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from crossdock.v1.event_pb2 import Disposition
from crossdock.v1.report_pb2 import DeliveryReport
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import times
from services.deliveries.matching import Incoming
from services.deliveries.names import Name
from services.hub import Hub
from services.webhooks import rows, sources
from services.webhooks.rows import StoredWebhook

EXPIRY_BATCH = 500


class Parking:
    """Gives parked messages to a batch that found their delivery, and writes down what became of them."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def take(self, connection: AsyncConnection, names: Sequence[Name]) -> list[Incoming]:
        """Takes the reports that wait under any of the names."""
        waiting = [each for each in await rows.unpark(connection, names) if each.report is not None]
        if not waiting:
            return []
        known = await self._hub.sources.find(connection, {each.webhook.source_id for each in waiting})
        taken = []
        for message in waiting:
            report = cast(DeliveryReport, message.report)
            incoming = incoming_of(message, report, known[message.webhook.source_id])
            incoming.parked = message
            taken.append(incoming)
        return taken

    async def settle(self, connection: AsyncConnection, incoming: Sequence[Incoming]) -> None:
        """Writes down what became of messages that were taken."""
        messages = []
        for each in incoming:
            message = cast(StoredWebhook, each.parked)
            message.webhook.process_count += 1
            message.webhook.process_time.CopyFrom(times.to_timestamp(self._hub.now()))
            settle(message, each, parked_until(self._hub, each.receive_time))
            messages.append(message)
        await rows.update(connection, messages)
        # What was found to be about an order, and is about a delivery that nobody knows, waits on.
        await rows.park(connection, [each for each in messages if each.webhook.HasField("expire_time")])


def incoming_of(message: StoredWebhook, report: DeliveryReport, source: sources.Source) -> Incoming:
    """The report of a message, on its way to its delivery under its source's policy."""
    return Incoming(
        tenant_id=message.tenant_id,
        report=report,
        receive_time=times.to_datetime(message.webhook.receive_time),
        webhook_id=message.webhook.id,
        source_id=message.webhook.source_id,
        may_create=source.creates_unknown,
        location_id=source.location_id,
    )


def parked_until(hub: Hub, receive_time: datetime) -> datetime:
    """When a message that waits for its delivery is given up."""
    return receive_time + timedelta(seconds=hub.settings.parked_timeout_seconds)


def settle(message: StoredWebhook, incoming: Incoming | None, wait_until: datetime) -> None:
    """Writes into a message what became of its report; one that found no delivery waits until ``wait_until``."""
    webhook = message.webhook
    if incoming is None:
        return
    webhook.ClearField("expire_time")
    if incoming.order_id is not None:
        webhook.order_id = typeid.encode("ord", incoming.order_id)
    if incoming.stored is not None:
        message.delivery_id = incoming.stored.delivery_id
        webhook.delivery_id = incoming.stored.delivery.id
        webhook.order_id = incoming.stored.delivery.order_id or webhook.order_id
    if webhook.duplicate_of:
        webhook.disposition = Disposition.DISPOSITION_DUPLICATE
        webhook.explanation = f"{webhook.duplicate_of} said the same before"
        return
    webhook.disposition = incoming.disposition
    webhook.explanation = incoming.explanation
    if incoming.stored is None and incoming.order_id is None and incoming.report.targets:
        webhook.expire_time.CopyFrom(times.to_timestamp(wait_until))


async def expire(hub: Hub) -> int:
    """Gives up messages that waited long enough, a batch in one transaction; returns how many."""
    async with hub.transaction() as connection:
        late = await rows.take_expired(connection, hub.now(), EXPIRY_BATCH)
        for message in late:
            message.webhook.disposition = Disposition.DISPOSITION_EXPIRED
            message.webhook.explanation = "its delivery did not appear in time"
        await rows.update(connection, late)
    return len(late)


def copy_of(report: DeliveryReport) -> DeliveryReport:
    """The lifecycle takes reports over; whoever may need one again gives it a copy."""
    copy = DeliveryReport()
    copy.CopyFrom(report)
    return copy
