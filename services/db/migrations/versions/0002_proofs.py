"""Pictures that prove a handover, each stored once."""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Goes forward; there is no way back but a backup."""
