"""Dispatches as they are decided: candidates ranked and stored with their fates, failures told; calls nobody."""

from collections.abc import Sequence
from datetime import timedelta

from crossdock.v1 import error_reason_pb2, shipment_pb2
from crossdock.v1.shipment_pb2 import Candidate, DispatchDecision, DispatchRules

from services import times
from services.dispatching import polling, quotes, steps
from services.dispatching.stages import Stage
from services.dispatching.steps import Failure
from services.shipments import rule_rows

RETRY_DELAY = timedelta(minutes=5)
_TRIED = frozenset(
    (
        shipment_pb2.CANDIDATE_FATE_BOOKING_DECLINED,
        shipment_pb2.CANDIDATE_FATE_BOOKING_FAILED,
        shipment_pb2.CANDIDATE_FATE_BOOKING_ENDED,
    )
)


async def rules(held: Stage) -> DispatchRules:
    """The tenant's rules; empty ones when it has none."""
    return await rule_rows.read(held.connection, held.shipment.tenant_id)


async def decide(held: Stage, inquiry: "quotes.Inquiry", candidates: Sequence[Candidate]) -> None:
    """Stores whom a dispatch considered; the shipment goes on to book the best, or nobody takes it.

    Nothing is stored when the shipment changed while the carriers were asked: they are asked anew.
    """
    if held.shipment.version != inquiry.version:
        return
    decision = inquiry.decision
    fill(decision, candidates)
    step = steps.choose(decision, held.now, max_bookings=inquiry.rules.max_bookings)
    if step.act is steps.Act.FAIL:
        await fail(held, decision, inquiry.rules, step.failure)
        return
    held.enter(shipment_pb2.SHIPMENT_PHASE_QUOTED)
    held.shipment.due_time = held.hub.now()
    await held.store(f"{sum(1 for _ in steps.untried(decision))} offers are in.", decision)


def fill(decision: DispatchDecision, candidates: Sequence[Candidate]) -> None:
    """Puts candidates into a decision, beside those that had their chance in it before."""
    kept = [each for each in decision.candidates if is_tried(each)]
    taken = {_name(each) for each in kept}
    fresh = [each for each in candidates if _name(each) not in taken]
    del decision.candidates[:]
    decision.candidates.extend([*kept, *fresh])


async def fail(held: Stage, decision: DispatchDecision, rules: DispatchRules, failure: Failure) -> None:
    """Nobody takes it: the shipment waits for another try, or for somebody's word."""
    shipment = held.shipment.shipment
    decision.failure = failure
    decision.number = decision.number or 1
    decision.end_time.CopyFrom(held.now)
    decision.summary = summary_of(decision)
    shipment.failure = failure
    # That its order is taken comes out while it is booked.
    tried = steps.is_anybody_tried(decision) or failure == error_reason_pb2.ERROR_REASON_DELIVERY_ALREADY_EXISTS
    phase = steps.phase_of(failure, tried=tried, retries=decision.retries, max_retries=rules.max_retries)
    shipment.ClearField("retry_time")
    held.shipment.due_time = None
    if phase == shipment_pb2.SHIPMENT_PHASE_RETRY_PENDING:
        delay = polling.told(rules.retry_delay) if rules.HasField("retry_delay") else RETRY_DELAY
        held.shipment.due_time = held.hub.now() + delay
        shipment.retry_time.CopyFrom(times.to_timestamp(held.shipment.due_time))
    held.enter(phase, note=decision.summary)
    await held.store(decision.summary, decision)


def summary_of(decision: DispatchDecision) -> str:
    """Why nobody has it, in a sentence."""
    if decision.failure == error_reason_pb2.ERROR_REASON_PLACE_ORDER_FAILED and not steps.is_anybody_tried(decision):
        return "No carrier offers to take it, and some did not answer: another try may find one."
    return _SUMMARIES.get(decision.failure, "Nobody took it.")


_SUMMARIES: dict[Failure, str] = {
    error_reason_pb2.ERROR_REASON_NO_PROVIDER_ASSIGNED: "No carrier is assigned to its location.",
    error_reason_pb2.ERROR_REASON_NO_PROVIDER_MATCHED: "No carrier fits the shipment and the rules.",
    error_reason_pb2.ERROR_REASON_PLACE_ORDER_FAILED: "Every carrier that fits declined or failed.",
    error_reason_pb2.ERROR_REASON_UNMAPPED_ERROR: "The last carrier answered in words that nobody knows.",
    error_reason_pb2.ERROR_REASON_DELIVERY_ALREADY_EXISTS: "Its order has another delivery under way.",
}


def is_tried(candidate: Candidate) -> bool:
    """Whether a candidate had its chance in this dispatch."""
    return bool(candidate.delivery_id) or candidate.fate in _TRIED


def _name(candidate: Candidate) -> tuple[str, str]:
    return candidate.carrier_ref, candidate.quote.service_level.id
