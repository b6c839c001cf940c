"""The tables of deliveries, webhooks and access, in SQLAlchemy Core; knows shapes and keys, not what the rows mean.

Three rules hold throughout, and a test reads this metadata to check them:

* ``tenant_id`` leads every primary key, unique key and foreign key, so that the data can be spread by tenant.
  The exceptions are tables that answer "which tenant?" itself and say so with ``info={"global": reason}``.
* Append-only tables that grow with traffic are range-partitioned by time: ``events`` and ``webhooks`` by their
  UUIDv7, which begins with the time, so that the primary key needs no second column and a look-up by id visits
  one partition. Dedupe keys live in small tables of their own, because a unique key of a partitioned table must
  contain the partition key. Retention drops partitions and never deletes rows.
* ``document`` holds the serialised message of the contract; the columns beside it are what is queried.
"""

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
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY

from services.db.columns import Xid8, metadata, moment, tenant_column

tenants = Table(
    "tenants",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("external_id", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    moment("create_time"),
    UniqueConstraint("external_id"),
    info={"global": "the list of tenants itself; external ids are unique among them"},
)

tokens = Table(
    "tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True, comment="SHA-256 of the value"),
    tenant_column(),
    Column("token_id", Uuid, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("location_id", Uuid),
    Column("scopes", ARRAY(SmallInteger), nullable=False),
    Column("document", LargeBinary, nullable=False),
    moment("create_time"),
    moment("expire_time", nullable=True),
    moment("revoke_time", nullable=True),
    UniqueConstraint("tenant_id", "token_id"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
    info={"global": "looked up by the hash of a bearer token, which is what tells the tenant"},
)

locations = Table(
    "locations",
    metadata,
    tenant_column(),
    Column("location_id", Uuid, nullable=False),
    Column("external_id", Text),
    Column("document", LargeBinary, nullable=False),
    Column("version", BigInteger, nullable=False),
    moment("create_time"),
    PrimaryKeyConstraint("tenant_id", "location_id"),
    UniqueConstraint("tenant_id", "external_id"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
)

orders = Table(
    "orders",
    metadata,
    tenant_column(),
    Column("order_id", Uuid, nullable=False),
    Column("location_id", Uuid, nullable=False),
    Column("private_ref", Text),
    Column("status", SmallInteger, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("version", BigInteger, nullable=False),
    moment("create_time"),
    PrimaryKeyConstraint("tenant_id", "order_id"),
    UniqueConstraint("tenant_id", "private_ref"),
    ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.location_id"]),
    Index(None, "tenant_id", "location_id", "order_id"),
)

order_references = Table(
    "order_references",
    metadata,
    tenant_column(),
    Column("scope", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("order_id", Uuid, nullable=False),
    PrimaryKeyConstraint("tenant_id", "scope", "value", "order_id"),
    ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.order_id"]),
    Index(None, "tenant_id", "value"),
)

deliveries = Table(
    "deliveries",
    metadata,
    tenant_column(),
    Column("delivery_id", Uuid, nullable=False),
    Column("location_id", Uuid),
    Column("order_id", Uuid),
    Column("shipment_id", Uuid),
    Column("carrier_ref", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("live", Boolean, nullable=False, comment="not closed; an order has at most one live outbound delivery"),
    Column("needs_attention", Boolean, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("last_ping", LargeBinary, comment="the youngest position ping, as a DeliveryReport"),
    Column("last_key", LargeBinary, comment="the order key of the youngest report folded in"),
    moment("create_time"),
    moment("update_time"),
    PrimaryKeyConstraint("tenant_id", "delivery_id"),
    ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.order_id"]),
    Index(None, "tenant_id", "location_id", "delivery_id"),
    Index(None, "tenant_id", "order_id"),
    Index("deliveries_live_order_key", "tenant_id", "order_id", unique=True, postgresql_where=sa.text("live")),
    # However a dispatch crashes, a shipment is booked with one carrier at a time.
    Index(
        "deliveries_live_shipment_key",
        "tenant_id",
        "shipment_id",
        unique=True,
        postgresql_where=sa.text("live AND shipment_id IS NOT NULL"),
    ),
    Index(
        "deliveries_shipment_idx",
        "tenant_id",
        "shipment_id",
        postgresql_where=sa.text("shipment_id IS NOT NULL"),
    ),
    Index("deliveries_attention_idx", "tenant_id", "delivery_id", postgresql_where=sa.text("needs_attention")),
)

delivery_references = Table(
    "delivery_references",
    metadata,
    tenant_column(),
    Column("scope", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("delivery_id", Uuid, nullable=False),
    Column("exclusive", Boolean, nullable=False),
    PrimaryKeyConstraint("tenant_id", "scope", "value", "delivery_id"),
    ForeignKeyConstraint(["tenant_id", "delivery_id"], ["deliveries.tenant_id", "deliveries.delivery_id"]),
    Index(
        "delivery_references_exclusive_key",
        "tenant_id",
        "scope",
        "value",
        unique=True,
        postgresql_where=sa.text("exclusive"),
    ),
)

positions = Table(
    "positions",
    metadata,
    tenant_column(),
    Column("delivery_id", Uuid, nullable=False),
    moment("record_time"),
    moment("position_time"),
    Column("latitude", Text, nullable=False),
    Column("longitude", Text, nullable=False),
    PrimaryKeyConstraint("tenant_id", "delivery_id", "record_time"),
    comment="a sampled trail of the courier: record_time is rounded down to half a minute, one point each",
    postgresql_partition_by="RANGE (record_time)",
)

events = Table(
    "events",
    metadata,
    tenant_column(),
    Column("event_id", Uuid, nullable=False),
    Column("delivery_id", Uuid),
    Column("number", BigInteger, nullable=False),
    Column("location_id", Uuid),
    Column("xid", Xid8, nullable=False, server_default=sa.text("pg_current_xact_id()")),
    Column("document", LargeBinary, nullable=False),
    Column("input_key", LargeBinary, comment="the order key of the report; null on synthetic events"),
    Column("shipment_id", Uuid, comment="only on events about a shipment itself"),
    PrimaryKeyConstraint("tenant_id", "event_id"),
    Index(None, "tenant_id", "delivery_id", "number"),
    Index(
        "events_shipment_idx",
        "tenant_id",
        "shipment_id",
        "number",
        postgresql_where=sa.text("shipment_id IS NOT NULL"),
    ),
    Index("events_log_idx", "xid", "event_id"),
    postgresql_partition_by="RANGE (event_id)",
)

webhook_sources = Table(
    "webhook_sources",
    metadata,
    tenant_column(),
    Column("source_id", Uuid, nullable=False),
    Column("dialect", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("secrets", LargeBinary, nullable=False, comment="sealed: the live SourceSecrets of the source"),
    Column("version", BigInteger, nullable=False),
    moment("create_time"),
    PrimaryKeyConstraint("tenant_id", "source_id"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
    Index("webhook_sources_source_id_idx", "source_id"),
)

webhooks = Table(
    "webhooks",
    metadata,
    tenant_column(),
    Column("webhook_id", Uuid, nullable=False),
    moment("receive_time"),
    Column("source_id", Uuid, nullable=False),
    Column("delivery_id", Uuid),
    Column("disposition", SmallInteger, nullable=False),
    Column("mapping_version", Text, nullable=False),
    Column("dedupe_key", Text, nullable=False),
    Column("document", LargeBinary, nullable=False, comment="Webhook without body and report"),
    Column("body", LargeBinary, nullable=False),
    Column("report", LargeBinary),
    PrimaryKeyConstraint("tenant_id", "webhook_id"),
    Index(None, "tenant_id", "disposition", "webhook_id"),
    Index(None, "tenant_id", "delivery_id"),
    postgresql_partition_by="RANGE (webhook_id)",
)

webhook_keys = Table(
    "webhook_keys",
    metadata,
    tenant_column(),
    Column("source_id", Uuid, nullable=False),
    Column("dedupe_key", Text, nullable=False),
    Column("webhook_id", Uuid, nullable=False),
    moment("receive_time"),
    PrimaryKeyConstraint("tenant_id", "source_id", "dedupe_key"),
    Index(None, "tenant_id", "receive_time"),
    comment="what was received before; aged out in batches long after the carriers' last retry",
)

parked_webhooks = Table(
    "parked_webhooks",
    metadata,
    tenant_column(),
    Column("webhook_id", Uuid, nullable=False),
    Column("scope", Text, nullable=False),
    Column("value", Text, nullable=False),
    moment("receive_time"),
    moment("expire_time"),
    PrimaryKeyConstraint("tenant_id", "webhook_id", "scope", "value"),
    Index(None, "tenant_id", "scope", "value"),
    Index("parked_webhooks_expire_time_idx", "expire_time"),
    comment="by what names parked webhooks wait for their delivery",
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    tenant_column(),
    Column("method", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("response", LargeBinary, nullable=False),
    moment("create_time"),
    PrimaryKeyConstraint("tenant_id", "method", "caller", "request_id"),
    Index(None, "tenant_id", "create_time"),
)

probes = Table(
    "probes",
    metadata,
    Column("probe", Integer, primary_key=True),
    moment("write_time"),
    info={"global": "one row that the readiness probe writes"},
)
