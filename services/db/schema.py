"""The whole database: every module that describes tables, and which of them are partitioned; describes none itself."""

from services.db import dispatch_tables, outbound_tables, proof_tables, tables
from services.db.columns import metadata

__all__ = ["PARTITIONED", "dispatch_tables", "metadata", "outbound_tables", "proof_tables", "tables"]

PARTITIONED = {
    "events": "event_id",
    "webhooks": "webhook_id",
    "positions": "record_time",
    "attempts": "attempt_id",
}
"""The tables that are partitioned by time, with the column (a moment or a UUIDv7) by which they are."""
