"""LocationService: the places from which a tenant sends."""

from typing import Any

import sqlalchemy as sa
from crossdock.v1 import location_service_pb2 as contract
from crossdock.v1.location_pb2 import Location
from crossdock.v1.location_service_pb2_grpc import LocationServiceServicer
from google.protobuf.field_mask_pb2 import FieldMask
from grpc.aio import ServicerContext
from sqlalchemy.ext.asyncio import AsyncConnection

from runtime import typeid
from services import callers, ids, times
from services.callers import Caller
from services.carriers.assignments import assign
from services.db.tables import locations
from services.db.violations import unique
from services.etags import etag_of, require_etag
from services.hub import Hub
from services.idempotency import once
from services.locations import rows
from services.locations.rules import ASSIGNED, require_valid
from services.masks import apply_mask
from services.paging import read_page

_CREATE = "/crossdock.v1.LocationService/CreateLocation"
_UPDATE = "/crossdock.v1.LocationService/UpdateLocation"
_EXTERNAL_ID_KEY = "locations_tenant_id_external_id_key"
Context = ServicerContext[Any, Any]


class LocationServicer(LocationServiceServicer):
    """Serves locations from the database."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def CreateLocation(
        self, request: contract.CreateLocationRequest, context: Context
    ) -> contract.CreateLocationResponse:
        caller = callers.current()
        async with self._hub.transaction() as connection:
            return await once(connection, caller, _CREATE, request, lambda: self._create(connection, caller, request))

    async def GetLocation(self, request: contract.GetLocationRequest, context: Context) -> contract.GetLocationResponse:
        async with self._hub.transaction() as connection:
            location = await rows.find(connection, callers.current(), request.location_id)
        return contract.GetLocationResponse(location=location)

    async def ListLocations(
        self, request: contract.ListLocationsRequest, context: Context
    ) -> contract.ListLocationsResponse:
        caller = callers.current()
        query = sa.select(locations.c.location_id, locations.c.document).where(locations.c.tenant_id == caller.tenant)
        if caller.location_id is not None:
            query = query.where(locations.c.location_id == caller.location_id)
        if request.external_id:
            query = query.where(locations.c.external_id == request.external_id)
        async with self._hub.transaction() as connection:
            page = await read_page(connection, query, [locations.c.location_id], request)
        return contract.ListLocationsResponse(
            locations=[Location.FromString(row.document) for row in page.rows],
            next_page_token=page.next_token,
            previous_page_token=page.previous_token,
        )

    async def UpdateLocation(
        self, request: contract.UpdateLocationRequest, context: Context
    ) -> contract.UpdateLocationResponse:
        caller = callers.current()
        async with self._hub.transaction() as connection:
            return await once(connection, caller, _UPDATE, request, lambda: self._update(connection, caller, request))

    async def _create(
        self, connection: AsyncConnection, caller: Caller, request: contract.CreateLocationRequest
    ) -> contract.CreateLocationResponse:
        location = Location(id=ids.write("location", typeid.new_uuid7()), etag=etag_of(1))
        apply_mask(request.location, location, FieldMask(), assigned=ASSIGNED)
        require_valid(location)
        if location.return_location_id:
            await rows.require(connection, caller, location.return_location_id)
        times.set_timestamp(location.create_time, self._hub.now())
        location.update_time.CopyFrom(location.create_time)
        with unique(_EXTERNAL_ID_KEY, "location", "external_id", location.external_id):
            await rows.insert(connection, caller.tenant, location, version=1)
        await assign(connection, caller.tenant, location, before=())
        return contract.CreateLocationResponse(location=location)

    async def _update(
        self, connection: AsyncConnection, caller: Caller, request: contract.UpdateLocationRequest
    ) -> contract.UpdateLocationResponse:
        before = await rows.find(connection, caller, request.location.id, lock=True)
        version = int(before.etag)
        require_etag(request.location.etag, version, "location", before.id)
        after = Location()
        after.CopyFrom(before)
        apply_mask(request.location, after, request.update_mask, assigned=ASSIGNED)
        if after == before:
            return contract.UpdateLocationResponse(location=before)
        require_valid(after)
        if after.return_location_id:
            await rows.require(connection, caller, after.return_location_id)
        times.set_timestamp(after.update_time, self._hub.now())
        after.etag = etag_of(version + 1)
        with unique(_EXTERNAL_ID_KEY, "location", "external_id", after.external_id):
            await rows.update(connection, caller.tenant, after, version + 1)
        await assign(connection, caller.tenant, after, before.carrier_refs)
        return contract.UpdateLocationResponse(location=after)
