"""Lets a shipment go that was held or scheduled; who dispatches it then is not its business."""

from crossdock.v1 import shipment_service_pb2 as pb
from crossdock.v1.shipment_pb2 import SHIPMENT_PHASE_HELD, SHIPMENT_PHASE_RECEIVED, SHIPMENT_PHASE_SCHEDULED
from sqlalchemy.ext.asyncio import AsyncConnection

from services import times
from services.callers import Caller
from services.etags import require_etag
from services.hub import Hub
from services.shipments import history, rows
from services.shipments.rows import Change

_WAITING = frozenset((SHIPMENT_PHASE_HELD, SHIPMENT_PHASE_SCHEDULED))


async def release(
    hub: Hub, connection: AsyncConnection, caller: Caller, request: pb.ReleaseShipmentRequest
) -> pb.ReleaseShipmentResponse:
    """Puts a waiting shipment where its dispatch begins; one that waits for nothing is left as it is.

    Raises NOT_FOUND and ETAG_MISMATCH.
    """
    stored = await rows.find(connection, caller, request.shipment_id, hold=True)
    shipment = stored.shipment
    require_etag(request.etag, stored.version, "shipment", shipment.id)
    if shipment.phase in _WAITING:
        now = hub.now()
        shipment.phase = SHIPMENT_PHASE_RECEIVED
        shipment.hold = False
        shipment.ClearField("release_time")
        stored.due_time = now
        moment = times.to_timestamp(now)
        step = history.step(shipment, moment, actor=caller.actor)
        await rows.write(connection, [Change(stored, "It was released.", caller.actor, [step])], moment)
    return pb.ReleaseShipmentResponse(shipment=shipment)
