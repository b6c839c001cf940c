"""What a shipment must be to be stored, and what the hub adds to what its sender tells; pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from crossdock.v1 import shipment_pb2
from crossdock.v1.consignment_pb2 import Stop
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_CREATED
from crossdock.v1.location_pb2 import Location
from crossdock.v1.proof_pb2 import ProofKind
from crossdock.v1.shipment_pb2 import Shipment
from crossdock.v1.window_pb2 import WindowKind

from services import times
from services.currencies import is_currency
from services.errors import Problem, Violation
from services.shipments.windows import asked

ASSIGNED = frozenset(
    field.name for field in Shipment.DESCRIPTOR.fields if field.number >= Shipment.PHASE_FIELD_NUMBER
) - {"extensions"} | {"id"}
"""Members that only the hub writes: the contract lists them behind `phase`."""

SIGNATURES: Mapping[str, tuple["ProofKind.ValueType", ...]] = {
    "required": (ProofKind.PROOF_KIND_SIGNATURE,),
    "signature": (ProofKind.PROOF_KIND_SIGNATURE,),
    "signature_required": (ProofKind.PROOF_KIND_SIGNATURE,),
    "direct": (ProofKind.PROOF_KIND_SIGNATURE,),
    "indirect": (ProofKind.PROOF_KIND_SIGNATURE,),
    # Somebody of age signs: that takes a look at a document.
    "adult": (ProofKind.PROOF_KIND_SIGNATURE, ProofKind.PROOF_KIND_PHOTO_ID),
    "adult_signature": (ProofKind.PROOF_KIND_SIGNATURE, ProofKind.PROOF_KIND_PHOTO_ID),
}
"""Senders' words for a signature that mean a proof; all others, "not_required" among them, mean none."""

DISPATCHABLE = frozenset(
    (
        shipment_pb2.SHIPMENT_PHASE_RECEIVED,
        shipment_pb2.SHIPMENT_PHASE_HELD,
        shipment_pb2.SHIPMENT_PHASE_SCHEDULED,
    )
)
"""The phases that follow from what the sender asks for alone."""


def begin(shipment: Shipment, now: datetime) -> None:
    """Puts a shipment where a dispatch of it begins, or where it waits for that."""
    shipment.phase = phase_of(shipment, now)
    shipment.status = DELIVERY_STATUS_CREATED
    times.set_timestamp(shipment.status_time, now)


def phase_of(shipment: Shipment, now: datetime) -> "shipment_pb2.ShipmentPhase.ValueType":
    """The phase of a shipment of which nothing was done yet."""
    if shipment.hold:
        return shipment_pb2.SHIPMENT_PHASE_HELD
    if shipment.HasField("release_time") and times.to_datetime(shipment.release_time) > now:
        return shipment_pb2.SHIPMENT_PHASE_SCHEDULED
    return shipment_pb2.SHIPMENT_PHASE_RECEIVED


def due_time(shipment: Shipment, now: datetime) -> datetime | None:
    """From when on a worker goes on with a shipment in one of the first phases."""
    if shipment.phase == shipment_pb2.SHIPMENT_PHASE_HELD:
        return None
    if shipment.phase == shipment_pb2.SHIPMENT_PHASE_SCHEDULED:
        return times.to_datetime(shipment.release_time)
    return now


def complete(shipment: Shipment, location: Location, returns: Location | None) -> None:
    """Adds what the locations tell: the pickup, where undeliverable goods go, brand and currency."""
    shipment.location_id = location.id
    shipment.location_external_id = location.external_id
    shipment.brand_external_id = shipment.brand_external_id or location.brand_external_id
    shipment.currency_code = shipment.currency_code or location.currency_code
    _fill(shipment.consignment.pickup, location)
    if returns is not None:
        _fill(shipment.consignment.return_stop, returns)
    for stop in (shipment.consignment.pickup, shipment.consignment.dropoff):
        stop.windows.sort(key=lambda window: window.kind)
    known = shipment.consignment.required_proofs
    known.extend(each for each in SIGNATURES.get(shipment.signature.lower(), ()) if each not in known)


def empty_stop(location: Location) -> Stop:
    """The stop that a location makes when nothing else is told of it."""
    stop = Stop()
    _fill(stop, location)
    return stop


def _fill(stop: Stop, location: Location) -> None:
    """Tells of a stop what its location tells, unless the sender sends to another address."""
    if stop.HasField("address"):
        return
    if location.HasField("address"):
        stop.address.CopyFrom(location.address)
    if not stop.HasField("contact") and location.HasField("contact"):
        stop.contact.CopyFrom(location.contact)
    stop.external_id = stop.external_id or location.external_id
    stop.name = stop.name or location.name
    stop.instructions = stop.instructions or location.pickup_instructions


def require_valid(shipment: Shipment) -> None:
    """Raises INVALID_REQUEST with everything that keeps the shipment from being stored."""
    if violations := tuple(_violations(shipment)):
        told = "; ".join(f"{each.field} {each.description}" for each in violations)
        raise Problem("INVALID_REQUEST", told, violations=violations)


def _violations(shipment: Shipment) -> Iterator[Violation]:
    consignment = shipment.consignment
    if not consignment.dropoff.HasField("address") or not consignment.dropoff.address.ByteSize():
        yield Violation("shipment.consignment.dropoff.address", "is required", "required")
    if shipment.currency_code and not is_currency(shipment.currency_code):
        yield Violation("shipment.currency_code", "is no code of ISO 4217", "currency.known")
    for name in ("pickup", "dropoff", "return_stop"):
        yield from _window_violations(getattr(consignment, name), f"shipment.consignment.{name}.windows")
    picked_up, handed_out = asked(consignment.pickup, "start_time"), asked(consignment.dropoff, "end_time")
    if picked_up is not None and handed_out is not None and handed_out < picked_up:
        yield Violation("shipment.consignment.dropoff.windows", "ends before the pickup begins", "window.order")


def _window_violations(stop: Stop, path: str) -> Iterator[Violation]:
    seen = set()
    for window in stop.windows:
        if window.kind in seen:
            yield Violation(path, f"has two windows of kind {WindowKind.Name(window.kind)}", "window.unique")
        seen.add(window.kind)
        start, end = times.given_datetime(window, "start_time"), times.given_datetime(window, "end_time")
        if start is not None and end is not None and end < start:
            yield Violation(path, "has a window that ends before it begins", "window.order")
