"""The first tables. Frozen: it stays what it is when `services.db.tables` goes on."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.types import UserDefinedType

revision = "0001"
down_revision = None


class _Xid8(UserDefinedType[int]):
    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=nullable)


def _id(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _bytes(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.LargeBinary, nullable=nullable, comment=comment)


def upgrade() -> None:
    """Makes them in the order in which they refer to each other."""
    _access()
    _nouns()
    _references()
    _log()
    _webhooks()
    _keeping()


def _access() -> None:
    op.create_table(
        "tenants",
        _id("tenant_id"),
        _text("external_id"),
        _bytes("document"),
        _moment("create_time"),
        sa.PrimaryKeyConstraint("tenant_id", name="tenants_pkey"),
        sa.UniqueConstraint("external_id", name="tenants_external_id_key"),
    )
    op.create_table(
        "tokens",
        _bytes("token_hash", comment="SHA-256 of the value"),
        _id("tenant_id"),
        _id("token_id"),
        sa.Column("level", sa.SmallInteger, nullable=False),
        _id("location_id", nullable=True),
        sa.Column("scopes", ARRAY(sa.SmallInteger), nullable=False),
        _bytes("document"),
        _moment("create_time"),
        _moment("expire_time", nullable=True),
        _moment("revoke_time", nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name="tokens_pkey"),
        sa.UniqueConstraint("tenant_id", "token_id", name="tokens_tenant_id_token_id_key"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name="tokens_tenant_id_fkey"),
    )


def _nouns() -> None:
    op.create_table(
        "locations",
        _id("tenant_id"),
        _id("location_id"),
        _text("external_id", nullable=True),
        _bytes("document"),
        sa.Column("version", sa.BigInteger, nullable=False),
        _moment("create_time"),
        sa.PrimaryKeyConstraint("tenant_id", "location_id", name="locations_pkey"),
        sa.UniqueConstraint("tenant_id", "external_id", name="locations_tenant_id_external_id_key"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name="locations_tenant_id_fkey"),
    )
    op.create_table(
        "orders",
        _id("tenant_id"),
        _id("order_id"),
        _id("location_id"),
        _text("private_ref", nullable=True),
        sa.Column("status", sa.SmallInteger, nullable=False),
        _bytes("document"),
        sa.Column("version", sa.BigInteger, nullable=False),
        _moment("create_time"),
        sa.PrimaryKeyConstraint("tenant_id", "order_id", name="orders_pkey"),
        sa.UniqueConstraint("tenant_id", "private_ref", name="orders_tenant_id_private_ref_key"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "location_id"],
            ["locations.tenant_id", "locations.location_id"],
            name="orders_tenant_id_location_id_fkey",
        ),
    )
    op.create_index("orders_tenant_id_location_id_order_id_idx", "orders", ["tenant_id", "location_id", "order_id"])
    op.create_table(
        "deliveries",
        _id("tenant_id"),
        _id("delivery_id"),
        _id("location_id", nullable=True),
        _id("order_id", nullable=True),
        _id("shipment_id", nullable=True),
        _text("carrier_ref"),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column(
            "live",
            sa.Boolean,
            nullable=False,
            comment="not closed; an order has at most one live outbound delivery",
        ),
        sa.Column("needs_attention", sa.Boolean, nullable=False),
        _bytes("document"),
        _bytes("last_ping", nullable=True, comment="the youngest position ping, as a DeliveryReport"),
        _bytes("last_key", nullable=True, comment="the order key of the youngest report folded in"),
        _moment("create_time"),
        _moment("update_time"),
        sa.PrimaryKeyConstraint("tenant_id", "delivery_id", name="deliveries_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.order_id"],
            name="deliveries_tenant_id_order_id_fkey",
        ),
    )
    op.create_index(
        "deliveries_tenant_id_location_id_delivery_id_idx",
        "deliveries",
        ["tenant_id", "location_id", "delivery_id"],
    )
    op.create_index("deliveries_tenant_id_order_id_idx", "deliveries", ["tenant_id", "order_id"])
    op.create_index(
        "deliveries_live_order_key",
        "deliveries",
        ["tenant_id", "order_id"],
        unique=True,
        postgresql_where=sa.text("live"),
    )
    op.create_index(
        "deliveries_attention_idx",
        "deliveries",
        ["tenant_id", "delivery_id"],
        postgresql_where=sa.text("needs_attention"),
    )


def _references() -> None:
    op.create_table(
        "order_references",
        _id("tenant_id"),
        _text("scope"),
        _text("value"),
        _id("order_id"),
        sa.PrimaryKeyConstraint("tenant_id", "scope", "value", "order_id", name="order_references_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.order_id"],
            name="order_references_tenant_id_order_id_fkey",
        ),
    )
    op.create_index("order_references_tenant_id_value_idx", "order_references", ["tenant_id", "value"])
    op.create_table(
        "delivery_references",
        _id("tenant_id"),
        _text("scope"),
        _text("value"),
        _id("delivery_id"),
        sa.Column("exclusive", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "scope", "value", "delivery_id", name="delivery_references_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "delivery_id"],
            ["deliveries.tenant_id", "deliveries.delivery_id"],
            name="delivery_references_tenant_id_delivery_id_fkey",
        ),
    )
    op.create_index(
        "delivery_references_exclusive_key",
        "delivery_references",
        ["tenant_id", "scope", "value"],
        unique=True,
        postgresql_where=sa.text("exclusive"),
    )


def _log() -> None:
    op.create_table(
        "events",
        _id("tenant_id"),
        _id("event_id"),
        _id("delivery_id"),
        sa.Column("number", sa.BigInteger, nullable=False),
        _id("location_id", nullable=True),
        sa.Column("xid", _Xid8, nullable=False, server_default=sa.text("pg_current_xact_id()")),
        _bytes("document"),
        _bytes("input_key", nullable=True, comment="the order key of the report; null on synthetic events"),
        sa.PrimaryKeyConstraint("tenant_id", "event_id", name="events_pkey"),
        postgresql_partition_by="RANGE (event_id)",
    )
    op.create_index("events_tenant_id_delivery_id_number_idx", "events", ["tenant_id", "delivery_id", "number"])
    op.create_index("events_log_idx", "events", ["xid", "event_id"])
    op.create_table(
        "positions",
        _id("tenant_id"),
        _id("delivery_id"),
        _moment("record_time"),
        _moment("position_time"),
        _text("latitude"),
        _text("longitude"),
        sa.PrimaryKeyConstraint("tenant_id", "delivery_id", "record_time", name="positions_pkey"),
        comment="a sampled trail of the courier: record_time is rounded down to half a minute, one point each",
        postgresql_partition_by="RANGE (record_time)",
    )


def _webhooks() -> None:
    op.create_table(
        "webhook_sources",
        _id("tenant_id"),
        _id("source_id"),
        _text("dialect"),
        _bytes("document"),
        _bytes("secrets", comment="sealed: the live SourceSecrets of the source"),
        sa.Column("version", sa.BigInteger, nullable=False),
        _moment("create_time"),
        sa.PrimaryKeyConstraint("tenant_id", "source_id", name="webhook_sources_pkey"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name="webhook_sources_tenant_id_fkey"),
    )
    op.create_index("webhook_sources_source_id_idx", "webhook_sources", ["source_id"])
    op.create_table(
        "webhooks",
        _id("tenant_id"),
        _id("webhook_id"),
        _moment("receive_time"),
        _id("source_id"),
        _id("delivery_id", nullable=True),
        sa.Column("disposition", sa.SmallInteger, nullable=False),
        _text("mapping_version"),
        _text("dedupe_key"),
        _bytes("document", comment="Webhook without body and report"),
        _bytes("body"),
        _bytes("report", nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "webhook_id", name="webhooks_pkey"),
        postgresql_partition_by="RANGE (webhook_id)",
    )
    op.create_index(
        "webhooks_tenant_id_disposition_webhook_id_idx",
        "webhooks",
        ["tenant_id", "disposition", "webhook_id"],
    )
    op.create_index("webhooks_tenant_id_delivery_id_idx", "webhooks", ["tenant_id", "delivery_id"])
    op.create_table(
        "webhook_keys",
        _id("tenant_id"),
        _id("source_id"),
        _text("dedupe_key"),
        _id("webhook_id"),
        _moment("receive_time"),
        sa.PrimaryKeyConstraint("tenant_id", "source_id", "dedupe_key", name="webhook_keys_pkey"),
        comment="what was received before; aged out in batches long after the carriers' last retry",
    )
    op.create_index("webhook_keys_tenant_id_receive_time_idx", "webhook_keys", ["tenant_id", "receive_time"])
    op.create_table(
        "parked_webhooks",
        _id("tenant_id"),
        _id("webhook_id"),
        _text("scope"),
        _text("value"),
        _moment("receive_time"),
        _moment("expire_time"),
        sa.PrimaryKeyConstraint("tenant_id", "webhook_id", "scope", "value", name="parked_webhooks_pkey"),
        comment="by what names parked webhooks wait for their delivery",
    )
    op.create_index("parked_webhooks_tenant_id_scope_value_idx", "parked_webhooks", ["tenant_id", "scope", "value"])
    op.create_index("parked_webhooks_expire_time_idx", "parked_webhooks", ["expire_time"])


def _keeping() -> None:
    op.create_table(
        "idempotency_keys",
        _id("tenant_id"),
        _text("method"),
        _text("caller"),
        _text("request_id"),
        _bytes("request_hash"),
        _bytes("response"),
        _moment("create_time"),
        sa.PrimaryKeyConstraint("tenant_id", "method", "caller", "request_id", name="idempotency_keys_pkey"),
    )
    op.create_index("idempotency_keys_tenant_id_create_time_idx", "idempotency_keys", ["tenant_id", "create_time"])
    op.create_table(
        "probes",
        sa.Column("probe", sa.Integer, nullable=False, autoincrement=False),
        _moment("write_time"),
        sa.PrimaryKeyConstraint("probe", name="probes_pkey"),
    )
    for table in ("events", "positions", "webhooks"):
        # The net under the partitions by time: an insert never fails because nobody made the next one.
        op.execute(f"CREATE TABLE {table}_p_rest PARTITION OF {table} DEFAULT")
