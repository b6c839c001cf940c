"""What all tables are made of: the metadata they stand in and the columns they share; knows no table."""

from sqlalchemy import Column, MetaData, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.types import UserDefinedType

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    }
)


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id, which never wraps around."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Names the type in DDL."""
        return "xid8"


def moment(name: str, *, nullable: bool = False) -> Column[object]:
    """A time with its zone."""
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable)


def tenant_column() -> Column[object]:
    """Whose row it is."""
    return Column("tenant_id", Uuid, nullable=False)
