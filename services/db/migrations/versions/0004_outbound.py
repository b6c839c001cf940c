"""Subscriptions and the tries to reach them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.types import UserDefinedType

revision = "0004"
down_revision = "0003"


class _Xid8(UserDefinedType[int]):
    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


def upgrade() -> None:
    """Goes forward; there is no way back but a backup."""
    _subscriptions()
    _sends()
    _attempts()


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=nullable)


def _id(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid, nullable=nullable)


def _bytes(name: str, *, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.LargeBinary, nullable=False, comment=comment)


def _count(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger, nullable=False, comment=comment)


def _subscriptions() -> None:
    op.create_table(
        "subscriptions",
        _id("tenant_id"),
        _id("subscription_id"),
        sa.Column("dialect", sa.Text, nullable=False),
        _id("shipment_id", nullable=True),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("passive", sa.Boolean, nullable=False),
        _bytes("document"),
        _bytes("sealed", comment="its live secrets, and its headers with their values"),
        _count("version", "counts the changes by callers; its etag"),
        _count("changes", "counts all changes but those of cursor and lease"),
        _count("events", "the number of its last event"),
        sa.Column("cursor_xid", _Xid8, nullable=False),
        _id("cursor_event_id"),
        _id("lease_id", nullable=True),
        _moment("lease_until", nullable=True),
        sa.Column("lease_changes", sa.BigInteger, comment="the changes that its sender knows"),
        _moment("slow_until", nullable=True),
        _moment("create_time"),
        sa.PrimaryKeyConstraint("tenant_id", "subscription_id", name="subscriptions_pkey"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name="subscriptions_tenant_id_fkey"),
    )
    op.create_index("subscriptions_subscription_id_idx", "subscriptions", ["subscription_id"])


def _sends() -> None:
    op.create_table(
        "sends",
        _id("tenant_id"),
        _id("subscription_id"),
        _id("event_id"),
        sa.Column("xid", _Xid8, nullable=False),
        sa.Column(
            "subject_id",
            sa.Uuid,
            nullable=False,
            comment="the delivery, shipment or subscription that the event is about",
        ),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("cause", sa.SmallInteger, nullable=False),
        sa.Column("given_up", sa.Boolean, nullable=False),
        _moment("due_time", nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "subscription_id", "event_id", name="sends_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subscription_id"],
            ["subscriptions.tenant_id", "subscriptions.subscription_id"],
            name="sends_tenant_id_subscription_id_fkey",
            ondelete="CASCADE",
        ),
        comment="events that are taken from the log and not yet told; without due_time one waits for those before it",
    )
    op.create_index("sends_subject_idx", "sends", ["tenant_id", "subscription_id", "subject_id", "xid", "event_id"])
    op.create_index(
        "sends_due_idx", "sends", ["due_time"], postgresql_where=sa.text("NOT given_up AND due_time IS NOT NULL")
    )


def _attempts() -> None:
    op.create_table(
        "attempts",
        _id("tenant_id"),
        _id("attempt_id"),
        _id("subscription_id"),
        _id("event_id"),
        _id("delivery_id", nullable=True),
        sa.Column("outcome", sa.SmallInteger, nullable=False),
        sa.Column("given_up", sa.Boolean, nullable=False),
        _moment("start_time"),
        sa.Column("latency_ms", sa.Integer, nullable=False),
        _bytes("document"),
        sa.PrimaryKeyConstraint("tenant_id", "attempt_id", name="attempts_pkey"),
        postgresql_partition_by="RANGE (attempt_id)",
    )
    op.create_index(
        "attempts_tenant_id_subscription_id_attempt_id_idx", "attempts", ["tenant_id", "subscription_id", "attempt_id"]
    )
    op.execute("CREATE TABLE attempts_p_rest PARTITION OF attempts DEFAULT")
