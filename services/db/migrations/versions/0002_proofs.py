"""Pictures that prove a handover, each stored once, and from which URL one was fetched."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Goes forward; there is no way back but a backup."""
    op.create_table(
        "proof_images",
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("create_time", TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "sha256", name="proof_images_pkey"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name="proof_images_tenant_id_fkey"),
    )
    # Pictures are compressed already: trying again costs time at every write and gains nothing.
    op.execute("ALTER TABLE proof_images ALTER COLUMN content SET STORAGE EXTERNAL")
    op.create_table(
        "proof_fetches",
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("delivery_id", sa.Uuid, nullable=False),
        sa.Column(
            "url_sha256", sa.LargeBinary, nullable=False, comment="of the URL that was fetched, which may be long"
        ),
        sa.Column("sha256", sa.LargeBinary, nullable=False, comment="of the picture that it gave"),
        sa.Column("create_time", TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "delivery_id", "url_sha256", name="proof_fetches_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "delivery_id"],
            ["deliveries.tenant_id", "deliveries.delivery_id"],
            name="proof_fetches_tenant_id_delivery_id_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sha256"],
            ["proof_images.tenant_id", "proof_images.sha256"],
            name="proof_fetches_tenant_id_sha256_fkey",
        ),
    )
