"""The pages of a shipment on the gateway: links that cannot be guessed, and what they lead to; shows nothing itself.

A link ends in a token of 160 random bits, which says nothing of the shipment. It is found by its SHA-256, through an
index, so that the time of a look-up tells nothing of how near a guess came. The label shows addresses and so has a
token of its own: who may follow a shipment must not thereby see who gets it.
"""

import secrets
from datetime import timedelta
from typing import NamedTuple

import sqlalchemy as sa
from crossdock.v1 import shipment_service_pb2 as pb
from crossdock.v1.shipment_pb2 import (
    SHIPMENT_LINK_KIND_LABEL,
    SHIPMENT_LINK_KIND_TRACKING,
    SHIPMENT_PHASE_CLOSED,
    Shipment,
    ShipmentLinkKind,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import ids, times
from services.db.dispatch_tables import shipment_links
from services.db.tables import locations
from services.deliveries import rows as deliveries
from services.errors import Problem, not_found
from services.hub import Hub
from services.shipments import rows
from services.shipments.journal import Key
from services.tokens import digest

TOKEN_BYTES = 20
LIFE = timedelta(hours=24)
"""How long links lead somewhere after the shipment is over."""
KEPT = timedelta(days=30)
"""How long they are kept after that: a return opens the shipment, and with it its links, again."""
_BATCH = 5_000
# Shipments' ids begin with their time: of old ones only those still have rows here that are open, or lately were.
_PURGE = sa.text("""
WITH late AS (
  SELECT k.ctid FROM tenants t CROSS JOIN LATERAL (
    SELECT l.ctid FROM shipment_links l JOIN shipments s USING (tenant_id, shipment_id)
    WHERE l.tenant_id = t.tenant_id AND l.shipment_id < :first AND s.phase = :closed AND s.update_time < :limit
    LIMIT :batch FOR UPDATE OF l SKIP LOCKED
  ) k
  LIMIT :batch
)
DELETE FROM shipment_links WHERE ctid IN (SELECT ctid FROM late)
""")


class Link(NamedTuple):
    """What is kept of a link: never the token."""

    kind: "ShipmentLinkKind.ValueType"
    token_hash: bytes


def give(shipment: Shipment, public_url: str) -> list[Link]:
    """Writes new links into a shipment; nothing without a URL beneath which they are served."""
    if not public_url:
        return []
    tracking, label = secrets.token_urlsafe(TOKEN_BYTES), secrets.token_urlsafe(TOKEN_BYTES)
    shipment.links.tracking_url = f"{public_url}/t/{tracking}"
    shipment.links.qr_code_url = f"{public_url}/t/{tracking}/qr.svg"
    shipment.links.label_url = f"{public_url}/labels/{label}.pdf"
    return [Link(SHIPMENT_LINK_KIND_TRACKING, digest(tracking)), Link(SHIPMENT_LINK_KIND_LABEL, digest(label))]


async def store(connection: AsyncConnection, shipment: Key, given: list[Link]) -> None:
    """Remembers the links of a stored shipment."""
    if given:
        tenant_id, shipment_id = shipment
        values = [{"tenant_id": tenant_id, "shipment_id": shipment_id, **each._asdict()} for each in given]
        await connection.execute(sa.insert(shipment_links), values)


async def resolve(
    hub: Hub, connection: AsyncConnection, request: pb.ResolveShipmentLinkRequest
) -> pb.ResolveShipmentLinkResponse:
    """The shipment of any tenant to which a link leads, with what belongs to it. Raises NOT_FOUND."""
    query = sa.select(shipment_links.c.tenant_id, shipment_links.c.shipment_id).where(
        shipment_links.c.token_hash == digest(request.token), shipment_links.c.kind == request.kind
    )
    row = (await connection.execute(query)).first()
    if row is None:
        raise _leads_nowhere()
    key = (row.tenant_id, row.shipment_id)
    shipment = (await rows.read(connection, [key]))[key].shipment
    if _is_over(hub, shipment):
        raise _leads_nowhere()
    location = sa.select(locations.c.document).where(
        locations.c.tenant_id == row.tenant_id, locations.c.location_id == ids.read("location", shipment.location_id)
    )
    response = pb.ResolveShipmentLinkResponse(shipment=shipment)
    response.location.ParseFromString((await connection.execute(location)).scalar_one())
    if shipment.delivery_id:
        booked = (row.tenant_id, ids.read("delivery", shipment.delivery_id))
        response.delivery.CopyFrom((await deliveries.read(connection, [booked]))[booked].delivery)
    return response


async def purge(hub: Hub) -> int:
    """Removes links that have led nowhere for long, in batches that hold no lock for long; returns how many."""
    limit = hub.now() - LIFE - KEPT
    values = {"first": typeid.first_of(limit), "limit": limit, "closed": int(SHIPMENT_PHASE_CLOSED), "batch": _BATCH}
    total = 0
    while True:
        async with hub.engine.begin() as connection:
            deleted = (await connection.execute(_PURGE, values)).rowcount
        total += deleted
        if deleted < _BATCH:
            return total


def _is_over(hub: Hub, shipment: Shipment) -> bool:
    if shipment.phase != SHIPMENT_PHASE_CLOSED:
        return False
    closed = shipment.status_time if shipment.HasField("status_time") else shipment.update_time
    return hub.now() >= times.to_datetime(closed) + LIFE


def _leads_nowhere() -> Problem:
    """The same for what never was and what is no more; the token is not repeated, since logs keep messages."""
    return not_found("shipment link", "")
