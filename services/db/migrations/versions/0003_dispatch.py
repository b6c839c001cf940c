"""Shipments, carriers and their bookings."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Goes forward; there is no way back but a backup."""
