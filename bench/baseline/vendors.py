"""The baseline's webhooks of Evermile and Ordatic: read, deduplicated, applied and stored, in one transaction."""

import base64
import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from bench.baseline.tables import Event, Image
from bench.baseline.webhooks import locked, stored

RANKS = {"Pending": 10, "Collected": 50, "OnWayToDropoff": 60, "Delivered": 100, "rider-proof-delivery": 1}


class Status(BaseModel):
    """As documented."""

    orderStatus: str  # noqa: N815  as documented


class Order(BaseModel):
    """As documented, as far as the baseline uses it; the rest is kept."""

    model_config = ConfigDict(extra="allow")

    id: str
    status: Status


class EvermileMessage(BaseModel):
    """As documented."""

    order: Order
    timestamp: datetime


class Data(BaseModel):
    """As documented."""

    orderId: str  # noqa: N815  as documented
    proofDelivery: str | None = None  # noqa: N815  as documented


class OrdaticEvent(BaseModel):
    """As documented."""

    eventType: str  # noqa: N815  as documented
    storeId: str  # noqa: N815  as documented
    data: Data


@dataclass
class Told:
    """What a message says."""

    fact: str
    external_id: str
    status: str
    happened_at: datetime
    payload: dict[str, Any]
    image: bytes | None = None


def read_evermile(body: bytes, message_id: str) -> Told:
    """An order as it is."""
    message = EvermileMessage.model_validate_json(body)
    order = message.order
    return Told(message_id, order.id, order.status.orderStatus, message.timestamp, order.model_dump(mode="json"))


def read_ordatic(body: bytes) -> Told:
    """An event, its image apart."""
    event = OrdaticEvent.model_validate_json(body)
    image = base64.b64decode(event.data.proofDelivery, validate=True) if event.data.proofDelivery else None
    payload = event.model_dump(mode="json", exclude={"data": {"proofDelivery"}})
    fact = json.dumps(json.loads(body), sort_keys=True)
    return Told(fact, event.data.orderId, event.eventType, datetime.now(UTC), payload, image)


async def take(session: AsyncSession, source_id: uuid.UUID, told: Told, body: bytes, headers: dict[str, str]) -> None:
    """Store and apply one message; a second copy changes nothing."""
    now = datetime.now(UTC)
    key = hashlib.sha256(told.fact.encode()).hexdigest()
    webhook_id = await stored(session, source_id, key, body, headers, now)
    if webhook_id is None:
        return
    if told.image is not None:
        digest = hashlib.sha256(told.image).digest()
        await session.execute(insert(Image).values(sha256=digest, content=told.image).on_conflict_do_nothing())
        told.payload["image"] = digest.hex()
    delivery = await locked(session, source_id, told.external_id, now)
    rank = RANKS.get(told.status, 0)
    applied = rank > delivery.rank
    if applied:
        delivery.status, delivery.rank, delivery.updated_at = told.status, rank, now
    session.add(
        Event(
            id=uuid.uuid4(), delivery_id=delivery.id, webhook_id=webhook_id, status=told.status, applied=applied,
            happened_at=told.happened_at, payload=told.payload,
        )
    )  # fmt: skip
