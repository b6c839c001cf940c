"""What Alembic runs: hands over the connection that `upgrade` opened; knows no address of a database."""

from collections.abc import Mapping
from typing import Any

from alembic import context

from services.db.schema import PARTITIONED, metadata


def include_name(name: str | None, kind: str, _: Mapping[Any, Any]) -> bool:
    """Leaves out single partitions: they come and go with time, not with versions."""
    return kind != "table" or name is None or not name.startswith(tuple(f"{table}_p" for table in PARTITIONED))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_name=include_name,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
