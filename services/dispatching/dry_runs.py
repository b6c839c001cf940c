"""Shows what a dispatch would do: asks the carriers, applies the rules, stores and books nothing."""

from crossdock.v1 import shipment_pb2
from crossdock.v1 import shipment_service_pb2 as pb
from crossdock.v1.delivery_pb2 import DELIVERY_KIND_OUTBOUND
from crossdock.v1.shipment_pb2 import DispatchDecision, Shipment
from google.protobuf.field_mask_pb2 import FieldMask

from services import times
from services.callers import Caller
from services.dispatching import decisions, quotes, steps
from services.dispatching.rules import check
from services.hub import Hub
from services.masks import apply_mask
from services.shipments import creation, geocoding, requests, rows, rule_rows


async def quote(hub: Hub, caller: Caller, request: pb.QuoteShipmentRequest) -> pb.QuoteShipmentResponse:
    """Every candidate and its fate, for a shipment that is told or stored; with other rules when some are given.

    Raises NOT_FOUND, LOCATION_UNKNOWN, INVALID_REQUEST, DUPLICATE_NAME, GEOCODING_FAILED.
    """
    check(request.rules)
    wanted, before = Shipment(), None
    async with hub.transaction(commit=False) as connection:
        if request.shipment.id:
            stored = await rows.find(connection, caller, request.shipment.id)
            before = stored.before
            wanted.CopyFrom(before)
            apply_mask(request.shipment, wanted, FieldMask(), assigned=requests.ASSIGNED)
        else:
            wanted.CopyFrom(request.shipment)
        identifier = wanted.id
        wanted = await creation.complete(hub, connection, caller, wanted, before)
        wanted.id = identifier
        rules = request.rules if request.HasField("rules") else await rule_rows.read(connection, caller.tenant)
        carriers = await quotes.assigned(hub, connection, caller.tenant, wanted, DELIVERY_KIND_OUTBOUND)
    decision = DispatchDecision(start_time=times.to_timestamp(hub.now()), rules_etag=rules.etag)
    inquiry = quotes.Inquiry(wanted, 0, DELIVERY_KIND_OUTBOUND, wanted.consignment, rules, decision, carriers)
    decisions.fill(decision, await quotes.ask(hub, caller.tenant, inquiry))
    _prefer(decision)
    decision.end_time.CopyFrom(times.to_timestamp(hub.now()))
    warnings = geocoding.warnings_of(hub.settings, wanted)
    return pb.QuoteShipmentResponse(decision=decision, warnings=warnings)


def _prefer(decision: DispatchDecision) -> None:
    """Names whom a dispatch would book first, or why nobody."""
    best = min(steps.untried(decision), default=None)
    if best is None:
        decision.failure = steps.failure_of(decision)
        decision.summary = decisions.summary_of(decision)
        return
    chosen = decision.candidates[best[1]]
    chosen.fate = shipment_pb2.CANDIDATE_FATE_PREFERRED
    decision.carrier_ref = chosen.carrier_ref
    decision.summary = f"{chosen.carrier or chosen.carrier_ref} would be booked first."
