"""Stores a shipment that a caller asks for: completes it, checks it, writes down that it was received."""

from crossdock.v1 import shipment_service_pb2 as pb
from crossdock.v1.shipment_pb2 import Shipment
from google.protobuf.field_mask_pb2 import FieldMask
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import ids, times
from services.callers import Caller
from services.db.violations import unique
from services.hub import Hub
from services.masks import apply_mask
from services.shipments import geocoding, history, links, locating, requests, rows
from services.shipments.rows import Change, Stored

EXTERNAL_ID_KEY = "shipments_tenant_id_external_id_key"


async def create(
    hub: Hub, connection: AsyncConnection, caller: Caller, request: pb.CreateShipmentRequest
) -> pb.CreateShipmentResponse:
    """Stores a new shipment, where its dispatch begins or where it waits for that.

    Raises INVALID_REQUEST, NOT_FOUND, LOCATION_UNKNOWN for a location that is unknown, GEOCODING_FAILED, DUPLICATE_ID
    when the external id is taken.
    """
    identifier = typeid.new_uuid7()
    wanted = await complete(hub, connection, caller, request.shipment)
    wanted.id = ids.write("shipment", identifier)
    wanted.created_by = caller.actor.id
    now = hub.now()
    requests.begin(wanted, now)
    times.set_timestamp(wanted.create_time, now)
    given = links.give(wanted, hub.settings.public_url)
    stored = Stored(caller.tenant, identifier, wanted, requests.due_time(wanted, now), new=True)
    step = history.step(wanted, wanted.create_time, actor=caller.actor)
    change = Change(stored, "It was asked for.", caller.actor, [step])
    with unique(EXTERNAL_ID_KEY, "shipment", "external_id", wanted.external_id):
        await rows.write(connection, [change], times.to_timestamp(now))
    await links.store(connection, stored.key, given)
    warnings = geocoding.warnings_of(hub.settings, stored.shipment)
    return pb.CreateShipmentResponse(shipment=stored.shipment, warnings=warnings)


async def complete(
    hub: Hub, connection: AsyncConnection, caller: Caller, told: Shipment, before: Shipment | None = None
) -> Shipment:
    """The shipment with all that follows from what its sender tells, checked; without identity and phase.

    ``before`` is the stored one that it changes, if there is one.
    """
    shipment = Shipment()
    apply_mask(told, shipment, FieldMask(), assigned=requests.ASSIGNED)
    location = await locating.find_location(connection, caller, shipment)
    returns = await locating.find_return_location(connection, caller, shipment, before)
    requests.complete(shipment, location, returns)
    requests.require_valid(shipment)
    geocoding.locate(hub.settings, shipment)
    await locating.require_order(connection, caller, shipment)
    return shipment
