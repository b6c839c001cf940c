"""Tells how a shipment came to its present state, in words; pure."""

from collections.abc import Sequence

from crossdock.v1.error_reason_pb2 import ErrorReason
from crossdock.v1.shipment_pb2 import DispatchDecision, Shipment, ShipmentPhase
from crossdock.v1.shipment_service_pb2 import ExplainShipmentResponse

from services.deliveries.statuses import WORDS

MAX_DECISIONS = 100

_PHASES: dict["ShipmentPhase.ValueType", str] = {
    ShipmentPhase.SHIPMENT_PHASE_RECEIVED: "Carriers are about to be asked for quotes",
    ShipmentPhase.SHIPMENT_PHASE_HELD: "It is held until it is released",
    ShipmentPhase.SHIPMENT_PHASE_SCHEDULED: "It waits for its release time",
    ShipmentPhase.SHIPMENT_PHASE_QUOTED: "Quotes are in; the best one is about to be booked",
    ShipmentPhase.SHIPMENT_PHASE_BOOKING: "A booking is on its way",
    ShipmentPhase.SHIPMENT_PHASE_RETRY_PENDING: "Nobody took it; it is tried again by itself",
    ShipmentPhase.SHIPMENT_PHASE_BOOKED: "A carrier has it",
    ShipmentPhase.SHIPMENT_PHASE_UNQUOTED: "No carrier offers to take it; it may be changed and retried",
    ShipmentPhase.SHIPMENT_PHASE_UNBOOKED: "No carrier took it; it may be retried",
    ShipmentPhase.SHIPMENT_PHASE_CLOSED: "It is over",
}


def explain(shipment: Shipment, decisions: Sequence[DispatchDecision]) -> ExplainShipmentResponse:
    """The shipment with its story; the decisions stand with the oldest first."""
    return ExplainShipmentResponse(shipment=shipment, summary=_summary(shipment, decisions), decisions=decisions)


def _summary(shipment: Shipment, decisions: Sequence[DispatchDecision]) -> str:
    sentences = [f"{WORDS[shipment.status]} since {shipment.status_time.ToJsonString()}", _PHASES[shipment.phase]]
    if shipment.phase == ShipmentPhase.SHIPMENT_PHASE_SCHEDULED:
        sentences[-1] += f", {shipment.release_time.ToJsonString()}"
    if shipment.HasField("retry_time"):
        sentences[-1] += f" at {shipment.retry_time.ToJsonString()}"
    if shipment.carrier.ref:
        name = shipment.carrier.display_name or shipment.carrier.name or shipment.carrier.ref
        sentences.append(f"The carrier is {name}, at attempt {shipment.attempt}")
    if shipment.failure:
        sentences.append(f"The last dispatch failed: {reason_of(shipment)}")
    if decisions and decisions[-1].summary:
        sentences.append(decisions[-1].summary.rstrip("."))
    if shipment.HasField("cancel_request_time"):
        sentences.append(f"A cancellation waits since {shipment.cancel_request_time.ToJsonString()}")
    if shipment.return_request.delivery_id:
        sentences.append(f"Its goods are to come back by {shipment.return_request.delivery_id}")
    if shipment.attention:
        sentences.append(f"Needs attention: {', '.join(each.reason for each in shipment.attention)}")
    return ". ".join(sentences) + "."


def reason_of(shipment: Shipment) -> str:
    """Why the last dispatch failed, as a name of ``ErrorReason`` without its prefix."""
    return ErrorReason.Name(shipment.failure).removeprefix("ERROR_REASON_")
