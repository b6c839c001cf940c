"""The links under which recipients find their shipments."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Goes forward; there is no way back but a backup."""
    op.create_table(
        "shipment_links",
        sa.Column("token_hash", sa.LargeBinary, nullable=False, comment="SHA-256 of the token that the link ends in"),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("shipment_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.SmallInteger, nullable=False, comment="ShipmentLinkKind: what the link shows"),
        sa.PrimaryKeyConstraint("token_hash", name="shipment_links_pkey"),
        sa.UniqueConstraint("tenant_id", "shipment_id", "kind", name="shipment_links_tenant_id_shipment_id_kind_key"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "shipment_id"],
            ["shipments.tenant_id", "shipments.shipment_id"],
            name="shipment_links_tenant_id_shipment_id_fkey",
        ),
    )
