"""The tables of pictures that prove a handover; knows shapes and keys, not what the pictures show."""

from sqlalchemy import Column, ForeignKeyConstraint, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text, Uuid

from services.db.columns import metadata, moment, tenant_column

proof_images = Table(
    "proof_images",
    metadata,
    tenant_column(),
    Column("sha256", LargeBinary, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    moment("create_time"),
    PrimaryKeyConstraint("tenant_id", "sha256"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
)

proof_fetches = Table(
    "proof_fetches",
    metadata,
    tenant_column(),
    Column("delivery_id", Uuid, nullable=False),
    Column("url_sha256", LargeBinary, nullable=False, comment="of the URL that was fetched, which may be long"),
    Column("sha256", LargeBinary, nullable=False, comment="of the picture that it gave"),
    moment("create_time"),
    PrimaryKeyConstraint("tenant_id", "delivery_id", "url_sha256"),
    ForeignKeyConstraint(["tenant_id", "delivery_id"], ["deliveries.tenant_id", "deliveries.delivery_id"]),
    ForeignKeyConstraint(["tenant_id", "sha256"], ["proof_images.tenant_id", "proof_images.sha256"]),
)
