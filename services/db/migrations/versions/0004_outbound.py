"""Subscriptions and the tries to reach them."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Goes forward; there is no way back but a backup."""
