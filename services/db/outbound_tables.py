"""The tables of subscriptions and attempts; knows shapes and keys, not what the rows mean."""

import sqlalchemy as sa
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from services.db.columns import Xid8, metadata, moment, tenant_column

subscriptions = Table(
    "subscriptions",
    metadata,
    tenant_column(),
    Column("subscription_id", Uuid, nullable=False),
    Column("dialect", Text, nullable=False),
    Column("shipment_id", Uuid),
    Column("state", SmallInteger, nullable=False),
    Column("passive", Boolean, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False, comment="its live secrets, and its headers with their values"),
    Column("version", BigInteger, nullable=False, comment="counts the changes by callers; its etag"),
    Column("changes", BigInteger, nullable=False, comment="counts all changes but those of cursor and lease"),
    Column("events", BigInteger, nullable=False, comment="the number of its last event"),
    Column("cursor_xid", Xid8, nullable=False),
    Column("cursor_event_id", Uuid, nullable=False),
    Column("lease_id", Uuid),
    moment("lease_until", nullable=True),
    Column("lease_changes", BigInteger, comment="the changes that its sender knows"),
    moment("slow_until", nullable=True),
    moment("create_time"),
    PrimaryKeyConstraint("tenant_id", "subscription_id"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
    Index("subscriptions_subscription_id_idx", "subscription_id"),
)

sends = Table(
    "sends",
    metadata,
    tenant_column(),
    Column("subscription_id", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("xid", Xid8, nullable=False),
    Column(
        "subject_id", Uuid, nullable=False, comment="the delivery, shipment or subscription that the event is about"
    ),
    Column("tries", Integer, nullable=False),
    Column("cause", SmallInteger, nullable=False),
    Column("given_up", Boolean, nullable=False),
    moment("due_time", nullable=True),
    PrimaryKeyConstraint("tenant_id", "subscription_id", "event_id"),
    ForeignKeyConstraint(
        ["tenant_id", "subscription_id"],
        ["subscriptions.tenant_id", "subscriptions.subscription_id"],
        ondelete="CASCADE",
    ),
    Index("sends_subject_idx", "tenant_id", "subscription_id", "subject_id", "xid", "event_id"),
    Index("sends_due_idx", "due_time", postgresql_where=sa.text("NOT given_up AND due_time IS NOT NULL")),
    comment="events that are taken from the log and not yet told; without due_time one waits for those before it",
)

attempts = Table(
    "attempts",
    metadata,
    tenant_column(),
    Column("attempt_id", Uuid, nullable=False),
    Column("subscription_id", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("delivery_id", Uuid),
    Column("outcome", SmallInteger, nullable=False),
    Column("given_up", Boolean, nullable=False),
    moment("start_time"),
    Column("latency_ms", Integer, nullable=False),
    Column("document", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant_id", "attempt_id"),
    Index(None, "tenant_id", "subscription_id", "attempt_id"),
    postgresql_partition_by="RANGE (attempt_id)",
)
