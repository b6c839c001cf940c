"""What a synchronous dispatch answers its caller, by where it left the shipment; pure."""

from crossdock.v1 import shipment_pb2
from crossdock.v1.shipment_pb2 import CANDIDATE_FATE_BOOKING_FAILED, DispatchDecision, Shipment
from crossdock.v1.warning_pb2 import Warning as Notice

from services.errors import Problem
from services.shipments.explanations import reason_of

UNDER_WAY = frozenset(
    (
        shipment_pb2.SHIPMENT_PHASE_RECEIVED,
        shipment_pb2.SHIPMENT_PHASE_QUOTED,
        shipment_pb2.SHIPMENT_PHASE_BOOKING,
    )
)
"""The phases in which a dispatch goes on."""
_FAILED = frozenset((shipment_pb2.SHIPMENT_PHASE_UNQUOTED, shipment_pb2.SHIPMENT_PHASE_UNBOOKED))


def warnings_of(shipment: Shipment) -> list[Notice]:
    """What the caller should know of a shipment that was dispatched. Raises the reason for which nobody has it."""
    if shipment.phase in _FAILED:
        raise _failure(shipment)
    if shipment.phase in UNDER_WAY:
        told = "no carrier has it yet: the dispatch goes on, watch its events"
        return [Notice(code="dispatch_goes_on", message=told)]
    if shipment.phase == shipment_pb2.SHIPMENT_PHASE_RETRY_PENDING:
        told = f"nobody took it ({reason_of(shipment)}); it is tried again at {shipment.retry_time.ToJsonString()}"
        return [Notice(code="retry_pending", message=told)]
    return []


def _failure(shipment: Shipment) -> Problem:
    reason = reason_of(shipment)
    metadata = {"shipment_id": shipment.id}
    if reason == "NO_PROVIDER_ASSIGNED":
        metadata = {"location_id": shipment.location_id}
    elif reason == "UNMAPPED_ERROR":
        metadata = _strange_answer(shipment.decision)
    message = shipment.decision.summary or "no carrier took the shipment"
    return Problem(reason if shipment.failure else "PLACE_ORDER_FAILED", message, metadata)


def _strange_answer(decision: DispatchDecision) -> dict[str, str]:
    broken = [each for each in decision.candidates if each.fate == CANDIDATE_FATE_BOOKING_FAILED]
    if not broken:
        return {"carrier_ref": "", "answer": ""}
    return {"carrier_ref": broken[-1].carrier_ref, "answer": broken[-1].refusal.message}
