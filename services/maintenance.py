"""What a process does for its database at start and again and again; knows when, not how each part works."""

import asyncio
from datetime import timedelta

import structlog

from services.carriers import records
from services.db import partitions
from services.db.aging import age_out
from services.hub import Hub
from services.shipments import links
from services.subscriptions.ending import end_those_of_closed_shipments
from services.webhooks import parking

log = structlog.get_logger()

EVERY_SECONDS = 3600.0
AGAIN_SECONDS = 60.0
"""After a failure, such as a lock that somebody held for too long."""
EXPIRE_EVERY_SECONDS = 10.0


async def maintain(hub: Hub) -> None:
    """Everything once. Any number of processes may do it at the same time."""
    settings, engine, now = hub.settings, hub.engine, hub.now()
    await partitions.make_ahead(engine, now)
    retention = {
        "events": settings.retention_events_days,
        "webhooks": settings.retention_webhooks_days,
        "positions": settings.retention_positions_days,
        "attempts": settings.retention_attempts_days,
    }
    await partitions.drop_old(engine, retention, now)
    aged = {
        "webhook_keys": await age_out(
            engine, "webhook_keys", "receive_time", timedelta(days=settings.webhook_keys_days), now
        ),
        "carrier_outcomes": await age_out(engine, "carrier_outcomes", "close_time", records.SPAN, now),
        "carrier_days": await age_out(engine, "carrier_days", "day", records.SPAN, now),
        "idempotency_keys": await age_out(
            engine, "idempotency_keys", "create_time", timedelta(hours=settings.idempotency_keys_hours), now
        ),
        "shipment_links": await links.purge(hub),
    }
    ended = await end_those_of_closed_shipments(hub, now)
    strays = await partitions.count_strays(engine)
    log.info("maintained", aged=aged, ended_subscriptions=ended, strays=strays)


async def keep_maintaining(hub: Hub) -> None:
    """Every hour, forever; a failure is told and tried again in a minute."""
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        while not await _succeeds(hub):  # noqa: ASYNC110  no event tells when it would succeed
            await asyncio.sleep(AGAIN_SECONDS)


async def keep_expiring(hub: Hub) -> None:
    """Every ten seconds gives up the parked messages that waited long enough."""
    while True:
        while await parking.expire(hub) == parking.EXPIRY_BATCH:
            pass
        await asyncio.sleep(EXPIRE_EVERY_SECONDS)


async def _succeeds(hub: Hub) -> bool:
    try:
        await maintain(hub)
    except Exception:  # a worker outlives whatever befalls the database
        log.exception("maintenance failed")
        return False
    return True
