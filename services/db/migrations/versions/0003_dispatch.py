"""Shipments, carriers and their bookings."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Goes forward; there is no way back but a backup."""
    _shipments()
    _dispatches()
    _bookings()
    _carriers()
    _links()


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=nullable)


def _id(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _shipments() -> None:
    op.create_table(
        "shipments",
        _id("tenant_id"),
        _id("shipment_id"),
        _text("external_id", nullable=True),
        _id("location_id"),
        _id("order_id", nullable=True),
        _text("group_id", nullable=True),
        _text("carrier_ref"),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("phase", sa.SmallInteger, nullable=False),
        sa.Column("needs_attention", sa.Boolean, nullable=False),
        _moment("pickup_time", nullable=True),
        _moment("dropoff_time", nullable=True),
        sa.Column("document", sa.LargeBinary, nullable=False, comment="Shipment without its decision"),
        sa.Column("version", sa.BigInteger, nullable=False, comment="the number of its last event; its etag"),
        sa.Column("steps", sa.BigInteger, nullable=False, comment="the number of its last history entry"),
        _moment("create_time"),
        _moment("update_time"),
        _moment("due_time", nullable=True),
        _moment("lease_until", nullable=True),
        _text("lease_owner", nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "shipment_id", name="shipments_pkey"),
        sa.UniqueConstraint("tenant_id", "external_id", name="shipments_tenant_id_external_id_key"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "location_id"],
            ["locations.tenant_id", "locations.location_id"],
            name="shipments_tenant_id_location_id_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.order_id"],
            name="shipments_tenant_id_order_id_fkey",
        ),
        comment="pickup_time begins the window asked for, dropoff_time ends it; "
        "from due_time on a worker goes on with it",
    )
    youngest = ["create_time", "shipment_id"]
    for columns in ([], ["location_id"], ["status"], ["phase"], ["carrier_ref"]):
        _index(["tenant_id", *columns, *youngest])
    _index(["tenant_id", "update_time"])
    _index(["tenant_id", "pickup_time"])
    for name, columns, where in (
        ("group", ["tenant_id", "group_id"], "group_id IS NOT NULL"),
        ("order", ["tenant_id", "order_id"], "order_id IS NOT NULL"),
        ("attention", ["tenant_id", *youngest], "needs_attention"),
        ("due", ["due_time"], "due_time IS NOT NULL"),
    ):
        op.create_index(f"shipments_{name}_idx", "shipments", columns, postgresql_where=sa.text(where))


def _index(columns: list[str]) -> None:
    op.create_index(f"shipments_{'_'.join(columns)}_idx", "shipments", columns)


def _dispatches() -> None:
    op.create_table(
        "shipment_history",
        _id("tenant_id"),
        _id("shipment_id"),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("synthetic", sa.Boolean, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "shipment_id", "number", name="shipment_history_pkey"),
        _of_a_shipment("shipment_history"),
    )
    op.create_table(
        "dispatch_decisions",
        _id("tenant_id"),
        _id("shipment_id"),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "shipment_id", "number", name="dispatch_decisions_pkey"),
        _of_a_shipment("dispatch_decisions"),
    )
    op.create_table(
        "dispatch_rules",
        _id("tenant_id"),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="dispatch_rules_pkey"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name="dispatch_rules_tenant_id_fkey"),
    )


def _of_a_shipment(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "shipment_id"],
        ["shipments.tenant_id", "shipments.shipment_id"],
        name=f"{table}_tenant_id_shipment_id_fkey",
    )


def _links() -> None:
    """What shipments add to the tables of before."""
    op.create_index(
        "deliveries_live_shipment_key",
        "deliveries",
        ["tenant_id", "shipment_id"],
        unique=True,
        postgresql_where=sa.text("live AND shipment_id IS NOT NULL"),
    )
    op.create_index(
        "deliveries_shipment_idx",
        "deliveries",
        ["tenant_id", "shipment_id"],
        postgresql_where=sa.text("shipment_id IS NOT NULL"),
    )
    op.alter_column("events", "delivery_id", nullable=True)
    op.add_column("events", sa.Column("shipment_id", sa.Uuid, comment="only on events about a shipment itself"))
    op.create_index(
        "events_shipment_idx",
        "events",
        ["tenant_id", "shipment_id", "number"],
        postgresql_where=sa.text("shipment_id IS NOT NULL"),
    )


def _bookings() -> None:
    op.create_table(
        "bookings",
        _id("tenant_id"),
        sa.Column("delivery_id", sa.Uuid, nullable=False, comment="the reference by which the carrier knows it"),
        _id("shipment_id"),
        sa.Column("kind", sa.SmallInteger, nullable=False, comment="DeliveryKind: the way out or the way back"),
        _text("carrier_ref"),
        sa.Column("state", sa.SmallInteger, nullable=False, comment="what is known of it at the carrier"),
        sa.Column("occupies", sa.Boolean, nullable=False, comment="it may exist, so nobody else is booked that way"),
        sa.Column("decision", sa.Integer, nullable=False, comment="the number of the dispatch that made it"),
        sa.Column("cancellation", sa.LargeBinary, comment="StatusReason of a cancellation that waits for the carrier"),
        sa.Column(
            "tries", sa.Integer, nullable=False, comment="how often it was looked up since its state last changed"
        ),
        _moment("book_before", nullable=True),
        _moment("create_time"),
        _moment("due_time", nullable=True),
        _moment("lease_until", nullable=True),
        _text("lease_owner", nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "delivery_id", name="bookings_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "delivery_id"],
            ["deliveries.tenant_id", "deliveries.delivery_id"],
            name="bookings_tenant_id_delivery_id_fkey",
        ),
        _of_a_shipment("bookings"),
        comment="written before the carrier is called; from due_time on a worker looks what became of it",
    )
    op.create_index(
        "bookings_occupying_key",
        "bookings",
        ["tenant_id", "shipment_id", "kind"],
        unique=True,
        postgresql_where=sa.text("occupies"),
    )
    op.create_index("bookings_tenant_id_shipment_id_idx", "bookings", ["tenant_id", "shipment_id"])
    op.create_index("bookings_due_idx", "bookings", ["due_time"], postgresql_where=sa.text("due_time IS NOT NULL"))


def _carriers() -> None:
    op.create_table(
        "carriers",
        _id("tenant_id"),
        _text("carrier_ref"),
        sa.Column("document", sa.LargeBinary, nullable=False, comment="Carrier without its authorization"),
        sa.Column("sealed_authorization", sa.LargeBinary),
        sa.Column("version", sa.BigInteger, nullable=False),
        _moment("create_time"),
        sa.PrimaryKeyConstraint("tenant_id", "carrier_ref", name="carriers_pkey"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name="carriers_tenant_id_fkey"),
    )
    op.create_table(
        "location_carriers",
        _id("tenant_id"),
        _id("location_id"),
        _text("carrier_ref"),
        sa.PrimaryKeyConstraint("tenant_id", "location_id", "carrier_ref", name="location_carriers_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "location_id"],
            ["locations.tenant_id", "locations.location_id"],
            name="location_carriers_tenant_id_location_id_fkey",
        ),
        _of_a_carrier("location_carriers"),
        comment="what the locations' documents say of carriers, so that none is assigned that does not exist",
    )
    op.create_index("location_carriers_tenant_id_carrier_ref_idx", "location_carriers", ["tenant_id", "carrier_ref"])
    _carriers_past()


def _carriers_past() -> None:
    op.create_table(
        "carrier_outcomes",
        _id("tenant_id"),
        _id("delivery_id"),
        _text("carrier_ref"),
        sa.Column("on_time", sa.Boolean, comment="null where nothing was promised, or somebody else called it off"),
        sa.Column("called_off", sa.Boolean, nullable=False, comment="by the carrier itself"),
        sa.Column("price", sa.BigInteger, comment="in minor units"),
        _text("currency_code", nullable=True),
        sa.Column("meters", sa.Integer, comment="as the crow flies"),
        _moment("close_time"),
        sa.PrimaryKeyConstraint("tenant_id", "delivery_id", name="carrier_outcomes_pkey"),
        comment="what carriers are remembered by: one row for each closed booking, for some weeks",
    )
    op.create_index("carrier_outcomes_tenant_id_close_time_idx", "carrier_outcomes", ["tenant_id", "close_time"])
    op.create_table(
        "carrier_days",
        _id("tenant_id"),
        _text("carrier_ref"),
        sa.Column("day", sa.Date, nullable=False, comment="in UTC"),
        sa.Column("quotes_asked", sa.BigInteger, nullable=False),
        sa.Column("quotes_given", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "carrier_ref", "day", name="carrier_days_pkey"),
        _of_a_carrier("carrier_days"),
    )
    op.create_index("carrier_days_tenant_id_day_idx", "carrier_days", ["tenant_id", "day"])


def _of_a_carrier(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "carrier_ref"],
        ["carriers.tenant_id", "carriers.carrier_ref"],
        name=f"{table}_tenant_id_carrier_ref_fkey",
    )
