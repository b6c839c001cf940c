"""The baseline's tables, as ORM classes; knows no request."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Times have their zone."""

    type_annotation_map = {datetime: DateTime(timezone=True), dict[str, Any]: JSONB, bytes: LargeBinary}  # noqa: RUF012


class Source(Base):
    """Who may send webhooks."""

    __tablename__ = "sources"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    secret_hash: Mapped[bytes]


class Token(Base):
    """Who may call."""

    __tablename__ = "tokens"

    hash: Mapped[bytes] = mapped_column(primary_key=True)


class Delivery(Base):
    """The state that is kept."""

    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("source_id", "external_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    source_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sources.id"))
    external_id: Mapped[str]
    status: Mapped[str]
    rank: Mapped[int]
    driver: Mapped[dict[str, Any] | None]
    latitude: Mapped[str | None]
    longitude: Mapped[str | None]
    tracking_url: Mapped[str | None]
    estimated_arrival: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Webhook(Base):
    """A raw message. The unique key is what makes a second copy known as such."""

    __tablename__ = "webhooks"
    __table_args__ = (UniqueConstraint("source_id", "dedupe_key"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    source_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sources.id"))
    dedupe_key: Mapped[str]
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes]
    received_at: Mapped[datetime]


class Image(Base):
    """A picture, once."""

    __tablename__ = "images"

    sha256: Mapped[bytes] = mapped_column(primary_key=True)
    content: Mapped[bytes]


class Event(Base):
    """What happened to a delivery."""

    __tablename__ = "events"
    __table_args__ = (Index(None, "delivery_id", "happened_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    delivery_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("deliveries.id"))
    webhook_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("webhooks.id"))
    status: Mapped[str]
    applied: Mapped[bool]
    happened_at: Mapped[datetime]
    payload: Mapped[dict[str, Any]]
