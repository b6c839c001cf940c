"""The tables of shipments, carriers and bookings; knows shapes and keys, not what the rows mean."""

import sqlalchemy as sa
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from services.db.columns import metadata, moment, tenant_column

shipments = Table(
    "shipments",
    metadata,
    tenant_column(),
    Column("shipment_id", Uuid, nullable=False),
    Column("external_id", Text),
    Column("location_id", Uuid, nullable=False),
    Column("order_id", Uuid),
    Column("group_id", Text),
    Column("carrier_ref", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("phase", SmallInteger, nullable=False),
    Column("needs_attention", Boolean, nullable=False),
    moment("pickup_time", nullable=True),
    moment("dropoff_time", nullable=True),
    Column("document", LargeBinary, nullable=False, comment="Shipment without its decision"),
    Column("version", BigInteger, nullable=False, comment="the number of its last event; its etag"),
    Column("steps", BigInteger, nullable=False, comment="the number of its last history entry"),
    moment("create_time"),
    moment("update_time"),
    moment("due_time", nullable=True),
    moment("lease_until", nullable=True),
    Column("lease_owner", Text),
    PrimaryKeyConstraint("tenant_id", "shipment_id"),
    UniqueConstraint("tenant_id", "external_id"),
    ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.location_id"]),
    ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.order_id"]),
    # The order of lists, alone and behind the filters that lists are mostly asked with.
    Index(None, "tenant_id", "create_time", "shipment_id"),
    Index(None, "tenant_id", "location_id", "create_time", "shipment_id"),
    Index(None, "tenant_id", "status", "create_time", "shipment_id"),
    Index(None, "tenant_id", "phase", "create_time", "shipment_id"),
    Index(None, "tenant_id", "carrier_ref", "create_time", "shipment_id"),
    Index(None, "tenant_id", "update_time"),
    Index(None, "tenant_id", "pickup_time"),
    Index("shipments_group_idx", "tenant_id", "group_id", postgresql_where=sa.text("group_id IS NOT NULL")),
    Index("shipments_order_idx", "tenant_id", "order_id", postgresql_where=sa.text("order_id IS NOT NULL")),
    Index(
        "shipments_attention_idx",
        "tenant_id",
        "create_time",
        "shipment_id",
        postgresql_where=sa.text("needs_attention"),
    ),
    Index("shipments_due_idx", "due_time", postgresql_where=sa.text("due_time IS NOT NULL")),
    comment="pickup_time begins the window asked for, dropoff_time ends it; from due_time on a worker goes on with it",
)

shipment_links = Table(
    "shipment_links",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True, comment="SHA-256 of the token that the link ends in"),
    tenant_column(),
    Column("shipment_id", Uuid, nullable=False),
    Column("kind", SmallInteger, nullable=False, comment="ShipmentLinkKind: what the link shows"),
    UniqueConstraint("tenant_id", "shipment_id", "kind"),
    ForeignKeyConstraint(["tenant_id", "shipment_id"], ["shipments.tenant_id", "shipments.shipment_id"]),
    info={"global": "looked up by the hash of a link's token, which is what tells the tenant"},
)

shipment_history = Table(
    "shipment_history",
    metadata,
    tenant_column(),
    Column("shipment_id", Uuid, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("synthetic", Boolean, nullable=False),
    Column("document", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant_id", "shipment_id", "number"),
    ForeignKeyConstraint(["tenant_id", "shipment_id"], ["shipments.tenant_id", "shipments.shipment_id"]),
)

dispatch_decisions = Table(
    "dispatch_decisions",
    metadata,
    tenant_column(),
    Column("shipment_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("document", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant_id", "shipment_id", "number"),
    ForeignKeyConstraint(["tenant_id", "shipment_id"], ["shipments.tenant_id", "shipments.shipment_id"]),
)

dispatch_rules = Table(
    "dispatch_rules",
    metadata,
    tenant_column(),
    Column("document", LargeBinary, nullable=False),
    Column("version", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant_id"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
)

bookings = Table(
    "bookings",
    metadata,
    tenant_column(),
    Column("delivery_id", Uuid, nullable=False, comment="the reference by which the carrier knows it"),
    Column("shipment_id", Uuid, nullable=False),
    Column("kind", SmallInteger, nullable=False, comment="DeliveryKind: the way out or the way back"),
    Column("carrier_ref", Text, nullable=False),
    Column("state", SmallInteger, nullable=False, comment="what is known of it at the carrier"),
    Column("occupies", Boolean, nullable=False, comment="it may exist, so nobody else is booked that way"),
    Column("decision", Integer, nullable=False, comment="the number of the dispatch that made it"),
    Column("cancellation", LargeBinary, comment="StatusReason of a cancellation that waits for the carrier"),
    Column("tries", Integer, nullable=False, comment="how often it was looked up since its state last changed"),
    moment("book_before", nullable=True),
    moment("create_time"),
    moment("due_time", nullable=True),
    moment("lease_until", nullable=True),
    Column("lease_owner", Text),
    PrimaryKeyConstraint("tenant_id", "delivery_id"),
    ForeignKeyConstraint(["tenant_id", "delivery_id"], ["deliveries.tenant_id", "deliveries.delivery_id"]),
    ForeignKeyConstraint(["tenant_id", "shipment_id"], ["shipments.tenant_id", "shipments.shipment_id"]),
    # However a dispatch crashes, a shipment is booked once each way.
    Index(
        "bookings_occupying_key",
        "tenant_id",
        "shipment_id",
        "kind",
        unique=True,
        postgresql_where=sa.text("occupies"),
    ),
    Index(None, "tenant_id", "shipment_id"),
    Index("bookings_due_idx", "due_time", postgresql_where=sa.text("due_time IS NOT NULL")),
    comment="written before the carrier is called; from due_time on a worker looks what became of it",
)

carriers = Table(
    "carriers",
    metadata,
    tenant_column(),
    Column("carrier_ref", Text, nullable=False),
    Column("document", LargeBinary, nullable=False, comment="Carrier without its authorization"),
    Column("sealed_authorization", LargeBinary),
    Column("version", BigInteger, nullable=False),
    moment("create_time"),
    PrimaryKeyConstraint("tenant_id", "carrier_ref"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
)

location_carriers = Table(
    "location_carriers",
    metadata,
    tenant_column(),
    Column("location_id", Uuid, nullable=False),
    Column("carrier_ref", Text, nullable=False),
    PrimaryKeyConstraint("tenant_id", "location_id", "carrier_ref"),
    ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.location_id"]),
    ForeignKeyConstraint(["tenant_id", "carrier_ref"], ["carriers.tenant_id", "carriers.carrier_ref"]),
    Index(None, "tenant_id", "carrier_ref"),
    comment="what the locations' documents say of carriers, so that none is assigned that does not exist",
)

carrier_outcomes = Table(
    "carrier_outcomes",
    metadata,
    tenant_column(),
    Column("delivery_id", Uuid, nullable=False),
    Column("carrier_ref", Text, nullable=False),
    Column("on_time", Boolean, comment="null where nothing was promised, or somebody else called it off"),
    Column("called_off", Boolean, nullable=False, comment="by the carrier itself"),
    Column("price", BigInteger, comment="in minor units"),
    Column("currency_code", Text),
    Column("meters", Integer, comment="as the crow flies"),
    moment("close_time"),
    PrimaryKeyConstraint("tenant_id", "delivery_id"),
    Index(None, "tenant_id", "close_time"),
    comment="what carriers are remembered by: one row for each closed booking, for some weeks",
)

carrier_days = Table(
    "carrier_days",
    metadata,
    tenant_column(),
    Column("carrier_ref", Text, nullable=False),
    Column("day", Date, nullable=False, comment="in UTC"),
    Column("quotes_asked", BigInteger, nullable=False),
    Column("quotes_given", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant_id", "carrier_ref", "day"),
    ForeignKeyConstraint(["tenant_id", "carrier_ref"], ["carriers.tenant_id", "carriers.carrier_ref"]),
    Index(None, "tenant_id", "day"),
)
