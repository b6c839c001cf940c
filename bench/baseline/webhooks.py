"""The baseline's webhook: verified, parsed, deduplicated, applied and stored, in one transaction."""

import hashlib
import uuid
from datetime import UTC, datetime

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from bench.baseline.tables import Delivery, Event, Webhook

RANKS = {
    "new": 10, "confirmed": 20, "enroute_to_pickup": 30, "arrived_at_store": 40, "out_for_delivery": 50,
    "enroute_to_delivery": 60, "delivered": 100,
}  # fmt: skip


class Vehicle(BaseModel):
    """As documented."""

    make: str | None = None
    model: str | None = None
    color: str | None = None
    license_plate: str | None = None
    type: str | None = None


class Driver(BaseModel):
    """As documented."""

    driver_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    photo: str | None = None
    vehicle: Vehicle | None = None


class Location(BaseModel):
    """As documented."""

    lat: str | None = None
    lng: str | None = None


class EstimatedArrival(BaseModel):
    """As documented."""

    time_utc: str | None = None
    distance_meters: str | None = None


class SkipcartEvent(BaseModel):
    """As documented, as far as the baseline uses it."""

    skipcart_order_id: str
    event_time_utc: datetime
    event_status: str
    driver: Driver | None = None
    location: Location | None = None
    estimated_arrival: EstimatedArrival | None = None
    tracking_url: str | None = None


async def take(session: AsyncSession, source_id: uuid.UUID, body: bytes, headers: dict[str, str]) -> None:
    """Store and apply one message; a second copy changes nothing."""
    told = SkipcartEvent.model_validate_json(body)
    driver_id = told.driver.driver_id if told.driver else None
    fact = f"{told.skipcart_order_id}\n{told.event_status}\n{told.event_time_utc.isoformat()}\n{driver_id}"
    now = datetime.now(UTC)
    webhook_id = await stored(session, source_id, hashlib.sha256(fact.encode()).hexdigest(), body, headers, now)
    if webhook_id is None:
        return
    delivery = await locked(session, source_id, told.skipcart_order_id, now)
    rank = RANKS.get(told.event_status, 0)
    applied = rank > delivery.rank
    if applied:
        delivery.status, delivery.rank, delivery.updated_at = told.event_status, rank, now
        delivery.driver = told.driver.model_dump() if told.driver else delivery.driver
        if told.location:
            delivery.latitude, delivery.longitude = told.location.lat, told.location.lng
        delivery.tracking_url = told.tracking_url or delivery.tracking_url
        delivery.estimated_arrival = told.estimated_arrival.time_utc if told.estimated_arrival else None
    session.add(
        Event(
            id=uuid.uuid4(),
            delivery_id=delivery.id,
            webhook_id=webhook_id,
            status=told.event_status,
            applied=applied,
            happened_at=told.event_time_utc,
            payload=told.model_dump(mode="json"),
        )
    )


async def stored(
    session: AsyncSession, source_id: uuid.UUID, key: str, body: bytes, headers: dict[str, str], now: datetime
) -> uuid.UUID | None:
    """The id of the raw message; None for a second copy."""
    return await session.scalar(
        insert(Webhook)
        .values(id=uuid.uuid4(), source_id=source_id, dedupe_key=key, headers=headers, body=body, received_at=now)
        .on_conflict_do_nothing()
        .returning(Webhook.id)
    )


async def locked(session: AsyncSession, source_id: uuid.UUID, external_id: str, now: datetime) -> Delivery:
    """The delivery, held until the end of the transaction; started when it is new."""
    query = (
        select(Delivery).where(Delivery.source_id == source_id, Delivery.external_id == external_id).with_for_update()
    )
    if (known := await session.scalar(query)) is not None:
        return known
    start = insert(Delivery).values(
        id=uuid.uuid4(),
        source_id=source_id,
        external_id=external_id,
        status="new",
        rank=0,
        created_at=now,
        updated_at=now,
    )
    await session.execute(start.on_conflict_do_nothing())
    return (await session.scalars(query)).one()
