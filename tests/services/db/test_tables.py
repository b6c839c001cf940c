"""The rules that every table keeps, read from the metadata."""

import sqlalchemy as sa

from services.db.schema import PARTITIONED, metadata

TENANTS_OWN = [table for table in metadata.tables.values() if "global" not in table.info]


def test_the_tenant_leads_every_primary_key_and_unique_key() -> None:
    for table in TENANTS_OWN:
        assert next(iter(table.primary_key.columns)).name == "tenant_id", table.name
        for constraint in table.constraints:
            if isinstance(constraint, sa.UniqueConstraint):
                assert next(iter(constraint.columns)).name == "tenant_id", constraint.name
        for index in table.indexes:
            if index.unique:
                assert next(iter(index.columns)).name == "tenant_id", index.name


def test_the_tenant_leads_every_foreign_key() -> None:
    for table in metadata.tables.values():
        for key in table.foreign_key_constraints:
            assert key.column_keys[0] == "tenant_id", key.name
            assert next(iter(key.elements)).column.name == "tenant_id", key.name


def test_tables_without_a_leading_tenant_say_why() -> None:
    assert {table.name for table in metadata.tables.values() if "global" in table.info} == {
        "tenants",
        "tokens",
        "shipment_links",
        "probes",
    }
    assert all(table.info["global"] for table in metadata.tables.values() if "global" in table.info)


def test_partitioned_tables_have_no_other_unique_key_than_their_primary_key() -> None:
    for name, column in PARTITIONED.items():
        table = metadata.tables[name]
        assert column in table.primary_key.columns
        assert not any(isinstance(each, sa.UniqueConstraint) for each in table.constraints)
        assert not any(index.unique for index in table.indexes)
        assert table.dialect_options["postgresql"]["partition_by"] == f"RANGE ({column})"
