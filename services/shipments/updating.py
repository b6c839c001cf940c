"""Changes a stored shipment as its sender asks, after its carrier agreed where that is needed."""

from collections.abc import Sequence

from crossdock.v1 import shipment_service_pb2 as pb
from crossdock.v1.shipment_pb2 import Shipment
from crossdock.v1.warning_pb2 import Warning as Notice
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.ext.asyncio import AsyncConnection

from services import times
from services.callers import Caller
from services.db.violations import unique
from services.errors import etag_mismatch
from services.etags import require_etag
from services.hub import Hub
from services.masks import apply_mask, paths_of
from services.shipments import editing, following, geocoding, history, locating, requests, rows
from services.shipments.creation import EXTERNAL_ID_KEY
from services.shipments.rows import Change, Stored


class CarrierMustAgree(Exception):
    """The shipment is booked, and the change is one that its carrier has to make as well. Nothing was stored."""

    def __init__(self, wanted: Shipment) -> None:
        self.wanted = wanted


async def update(
    hub: Hub,
    connection: AsyncConnection,
    caller: Caller,
    request: pb.UpdateShipmentRequest,
    agreed: Shipment | None = None,
    untold: Sequence[Notice] = (),
) -> pb.UpdateShipmentResponse:
    """Changes the members that the mask names. ``agreed`` is the shipment as its carrier was asked to carry it.

    ``untold`` says what that carrier cannot do; the shipment keeps it for people to look at.

    Raises `CarrierMustAgree`, NOT_FOUND, ETAG_MISMATCH, INVALID_REQUEST, LOCATION_UNKNOWN, GEOCODING_FAILED,
    FIELD_LOCKED, DISPATCH_UNDER_WAY and DUPLICATE_ID.
    """
    stored = await rows.find(connection, caller, request.shipment.id, hold=True)
    if agreed is None:  # else it was the present one when the carrier was asked, who may have told more since
        require_etag(request.shipment.etag, stored.version, "shipment", request.shipment.id)
    before, after = stored.before, stored.shipment
    await _apply(hub, connection, caller, request, before, after)
    if after == before:
        return pb.UpdateShipmentResponse(shipment=after)
    if editing.require_changeable(before, after):
        if agreed is None:
            raise CarrierMustAgree(after)
        if not editing.asks_the_same(agreed.consignment, after.consignment):
            raise etag_mismatch("shipment", after.id)  # somebody else changed it while the carrier was asked
    warnings = [*geocoding.warnings_of(hub.settings, after, before), *untold]
    for each in untold:
        _draw_attention(after, each, times.to_timestamp(hub.now()))
    await _store(hub, connection, caller, stored)
    return pb.UpdateShipmentResponse(shipment=stored.shipment, warnings=warnings)


def _draw_attention(shipment: Shipment, notice: Notice, now: Timestamp) -> None:
    """Once for each reason, however often the shipment is changed."""
    reason = f"{following.OWN_ATTENTION}{notice.code}"
    others = [each for each in shipment.attention if each.reason != reason]
    del shipment.attention[:]
    shipment.attention.extend(others)
    shipment.attention.add(reason=reason, message=notice.message, time=now)


async def _apply(
    hub: Hub,
    connection: AsyncConnection,
    caller: Caller,
    request: pb.UpdateShipmentRequest,
    before: Shipment,
    after: Shipment,
) -> None:
    paths = paths_of(request.shipment, request.update_mask, assigned=requests.ASSIGNED)
    apply_mask(request.shipment, after, request.update_mask, assigned=requests.ASSIGNED)
    editing.merge(before, after, paths)
    if not set(editing.changes(before, after)) - editing.FREE:
        return  # nothing that anything follows from
    location = await locating.find_location(connection, caller, after)
    returns = await locating.find_return_location(connection, caller, after, before)
    requests.complete(after, location, returns)
    requests.require_valid(after)
    geocoding.locate(hub.settings, after, before)
    await locating.require_order(connection, caller, after)


async def _store(hub: Hub, connection: AsyncConnection, caller: Caller, stored: Stored) -> None:
    now = hub.now()
    moment = times.to_timestamp(now)
    steps = []
    if editing.reconsider(stored.before, stored.shipment, now):
        stored.due_time = requests.due_time(stored.shipment, now)
        steps.append(history.step(stored.shipment, moment, actor=caller.actor))
    with unique(EXTERNAL_ID_KEY, "shipment", "external_id", stored.shipment.external_id):
        await rows.write(connection, [Change(stored, "It was changed.", caller.actor, steps)], moment)
