"""The baseline's application: `uvicorn bench.baseline.app:app`, with BASELINE_DATABASE_URL in the environment."""

import hashlib
import hmac
import os
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from svix.webhooks import Webhook, WebhookVerificationError

from bench.baseline import vendors, webhooks
from bench.baseline.tables import Base, Delivery, Event, Source, Token

CACHE_SECONDS = 5.0
engine = create_async_engine(os.environ["BASELINE_DATABASE_URL"], pool_size=20, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)
signatures = Webhook(os.environ["BASELINE_SIGNING_SECRET"])
_known: dict[object, tuple[float, bytes]] = {}


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


async def _session() -> AsyncIterator[AsyncSession]:
    async with sessions() as session, session.begin():
        yield session


# The transaction ends before the answer is sent, not after it: what is answered is committed.
Session = Annotated[AsyncSession, Depends(_session, scope="function")]
app = FastAPI(lifespan=_lifespan)


class Shown(BaseModel):
    """A delivery as it is answered."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    external_id: str
    status: str
    driver: webhooks.Driver | None
    latitude: str | None
    longitude: str | None
    tracking_url: str | None
    estimated_arrival: str | None
    created_at: datetime
    updated_at: datetime


class Moved(BaseModel):
    """A new position of the driver."""

    driver_latitude: str
    driver_longitude: str


@app.post("/webhooks/skipcart/{source_id}/{secret}")
async def receive(source_id: uuid.UUID, secret: str, request: Request, session: Session) -> dict[str, int]:
    """Take one webhook in."""
    body = await request.body()
    known = await _remembered(session, source_id, Source, "secret_hash")
    if known is None or not hmac.compare_digest(hashlib.sha256(secret.encode()).digest(), known):
        raise HTTPException(401)
    await webhooks.take(session, source_id, body, dict(request.headers))
    return {"statusCode": 200}


@app.post("/webhooks/evermile/{source_id}")
async def receive_evermile(source_id: uuid.UUID, request: Request, session: Session) -> None:
    """Take one signed webhook in."""
    body, headers = await request.body(), dict(request.headers)
    try:
        signatures.verify(body, headers)
    except WebhookVerificationError:
        raise HTTPException(401) from None
    told = vendors.read_evermile(body, headers["svix-id"])
    await vendors.take(session, source_id, told, body, headers)


@app.post("/webhooks/ordatic/{source_id}")
async def receive_ordatic(
    source_id: uuid.UUID, authorization: Annotated[str, Header()], request: Request, session: Session
) -> None:
    """Take one webhook with a fixed value in."""
    known = await _remembered(session, source_id, Source, "secret_hash")
    if known is None or not hmac.compare_digest(hashlib.sha256(authorization.encode()).digest(), known):
        raise HTTPException(401)
    body = await request.body()
    await vendors.take(session, source_id, vendors.read_ordatic(body), body, dict(request.headers))


async def _authenticated(session: Session, x_access_token: Annotated[str, Header()]) -> None:
    digest = hashlib.sha256(x_access_token.encode()).digest()
    if await _remembered(session, digest, Token, "hash") is None:
        raise HTTPException(401)


@app.get("/deliveries/{delivery_id}", response_model=Shown, dependencies=[Depends(_authenticated)])
async def show(delivery_id: uuid.UUID, session: Session) -> Delivery:
    """One delivery."""
    return _found(await session.get(Delivery, delivery_id))


@app.patch("/deliveries/{delivery_id}", response_model=Shown, dependencies=[Depends(_authenticated)])
async def move(delivery_id: uuid.UUID, moved: Moved, session: Session) -> Delivery:
    """A new position, and the event that tells of it."""
    delivery = _found(await session.get(Delivery, delivery_id, with_for_update=True))
    now = datetime.now(UTC)
    delivery.latitude, delivery.longitude = moved.driver_latitude, moved.driver_longitude
    delivery.updated_at = now
    session.add(
        Event(
            id=uuid.uuid4(), delivery_id=delivery.id, webhook_id=None, status=delivery.status, applied=True,
            happened_at=now, payload=moved.model_dump(),
        )
    )  # fmt: skip
    return delivery


def _found(delivery: Delivery | None) -> Delivery:
    if delivery is None:
        raise HTTPException(404)
    return delivery


async def _remembered(session: AsyncSession, key: object, kind: type[Source | Token], member: str) -> bytes | None:
    """A hash of a row that hardly ever changes, kept for some seconds, as the hub does it."""
    kept = _known.get(key)
    if kept is not None and kept[0] > time.monotonic():
        return kept[1]
    row = await session.get(kind, key)
    if row is None:
        return None
    value: bytes = getattr(row, member)
    _known[key] = (time.monotonic() + CACHE_SECONDS, value)
    return value
