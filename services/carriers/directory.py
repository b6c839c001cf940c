"""What callers can do with their carriers, in the caller's transaction; calls no carrier."""

from crossdock.v1 import carrier_directory_service_pb2 as contract
from crossdock.v1.carrier_pb2 import Carrier
from google.protobuf.field_mask_pb2 import FieldMask
from sqlalchemy.ext.asyncio import AsyncConnection

from services import times
from services.callers import Caller
from services.carriers import assignments, rows
from services.carriers.rows import Stored
from services.carriers.rules import ASSIGNED, require_valid
from services.db.violations import unique
from services.errors import Problem, invalid
from services.etags import etag_of, require_etag
from services.hub import Hub
from services.locations import rows as locations
from services.masks import apply_mask
from services.paging import read_page
from services.webhooks import source_rows

_REF_KEY = "carriers_pkey"


def wanted(hub: Hub, given: Carrier) -> Carrier:
    """A new carrier as it is asked for. Raises INVALID_REQUEST and ADDRESS_NOT_ALLOWED."""
    carrier = Carrier()
    apply_mask(given, carrier, FieldMask(), assigned=ASSIGNED)
    require_valid(carrier, hub.carriers.allowed)
    return carrier


async def create(
    connection: AsyncConnection, hub: Hub, caller: Caller, carrier: Carrier
) -> contract.CreateCarrierResponse:
    """Stores a new carrier. Raises DUPLICATE_ID, and NOT_FOUND for its source."""
    await _require_source(connection, caller, carrier)
    stored = Stored(caller.tenant, Carrier())
    stored.carrier.CopyFrom(carrier)
    stored.carrier.ClearField("authorization")
    stored.carrier.etag = etag_of(1)
    times.set_timestamp(stored.carrier.create_time, hub.now())
    stored.carrier.update_time.CopyFrom(stored.carrier.create_time)
    stored.sealed = rows.seal(hub.sealer, caller.tenant, carrier.ref, carrier.authorization)
    with unique(_REF_KEY, "carrier", "ref", carrier.ref):
        await rows.insert(connection, stored)
    return contract.CreateCarrierResponse(carrier=await _shown(connection, hub, stored))


async def get(connection: AsyncConnection, hub: Hub, caller: Caller, ref: str) -> contract.GetCarrierResponse:
    """One carrier, with its record."""
    stored = await rows.find(connection, caller.tenant, ref)
    return contract.GetCarrierResponse(carrier=await _shown(connection, hub, stored))


async def read_list(
    connection: AsyncConnection, hub: Hub, caller: Caller, request: contract.ListCarriersRequest
) -> contract.ListCarriersResponse:
    """One page of the tenant's carriers, with their records."""
    location_id = await locations.require(connection, caller, request.location_id) if request.location_id else None
    query = rows.select(caller.tenant, location_id)
    columns = query.selected_columns
    page = await read_page(connection, query, [columns.create_time, columns.carrier_ref], request)
    return contract.ListCarriersResponse(
        carriers=[await _shown(connection, hub, rows.stored_of(row)) for row in page.rows],
        next_page_token=page.next_token,
        previous_page_token=page.previous_token,
    )


async def update(
    connection: AsyncConnection, hub: Hub, caller: Caller, request: contract.UpdateCarrierRequest
) -> contract.UpdateCarrierResponse:
    """Changes the members that the mask names."""
    stored = await rows.find(connection, caller.tenant, request.carrier.ref, lock=True)
    before, after = stored.carrier, Carrier()
    require_etag(request.carrier.etag, int(before.etag), "carrier", before.ref)
    after.CopyFrom(before)
    touched = apply_mask(request.carrier, after, request.update_mask, assigned=ASSIGNED)
    require_valid(after, hub.carriers.allowed)
    if (before.source_id, before.dialect) != (after.source_id, after.dialect):
        await _require_source(connection, caller, after)
    if "authorization" in touched:
        stored.sealed = rows.seal(hub.sealer, caller.tenant, after.ref, after.authorization)
    elif stored.sealed is not None and (before.address, before.plaintext) != (after.address, after.plaintext):
        # Whoever may change carriers must not learn what they are called with by having it sent elsewhere.
        told = "must be told again, or erased, when the carrier moves"
        raise invalid("carrier.authorization", told, "authorization.moves")
    after.ClearField("authorization")
    if after != before or "authorization" in touched:
        stored.carrier = after
        after.etag = etag_of(int(before.etag) + 1)
        times.set_timestamp(after.update_time, hub.now())
        await rows.update(connection, stored)
    return contract.UpdateCarrierResponse(carrier=await _shown(connection, hub, stored))


async def delete(
    connection: AsyncConnection, hub: Hub, caller: Caller, request: contract.DeleteCarrierRequest
) -> contract.DeleteCarrierResponse:
    """Removes a carrier and takes it off every location. Raises CARRIER_IN_USE."""
    stored = await rows.find(connection, caller.tenant, request.carrier_ref, lock=True)
    ref = stored.carrier.ref
    require_etag(request.etag, int(stored.carrier.etag), "carrier", ref)
    delivery_id = await rows.live_booking(connection, stored)
    if delivery_id is not None:
        metadata = {"carrier_ref": ref, "delivery_id": delivery_id}
        raise Problem("CARRIER_IN_USE", "the carrier has live bookings: disable it instead", metadata)
    await assignments.take_off(connection, caller.tenant, ref, hub.now())
    await rows.delete(connection, stored)
    return contract.DeleteCarrierResponse()


async def _require_source(connection: AsyncConnection, caller: Caller, carrier: Carrier) -> None:
    if not carrier.source_id:
        return
    source = await source_rows.find(connection, caller.tenant, carrier.source_id)
    if source.dialect != carrier.dialect:
        raise invalid("carrier.dialect", f"the source is for {source.dialect!r}", "dialect.of_source")


async def _shown(connection: AsyncConnection, hub: Hub, stored: Stored) -> Carrier:
    """The carrier as it is told: never with what it is called with."""
    carrier = Carrier()
    carrier.CopyFrom(stored.carrier)
    await hub.carriers.tell(connection, stored.tenant_id, [carrier])
    return carrier
