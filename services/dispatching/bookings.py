"""Bookings: written down before the carrier is called, and settled by what it answers; calls nobody itself."""

from datetime import datetime
from typing import NamedTuple

import structlog
from crossdock.v1 import delivery_pb2, shipment_pb2
from crossdock.v1.carrier_pb2 import Booking as CarriersBooking
from crossdock.v1.carrier_pb2 import Carrier, Refusal
from crossdock.v1.delivery_pb2 import Delivery, StatusReason
from crossdock.v1.event_pb2 import Event
from crossdock.v1.report_pb2 import DeliveryReport
from crossdock.v1.shipment_pb2 import Candidate, DispatchDecision, Shipment

from runtime import typeid
from services.deliveries import lifecycle
from services.deliveries import rows as deliveries
from services.deliveries.matching import Incoming
from services.deliveries.statuses import is_closed
from services.deliveries.transitions import REQUESTERS
from services.dispatching import answers, polling, rows, steps
from services.dispatching.rows import Booking
from services.dispatching.stages import Stage
from services.dispatching.steps import BookingState, Said, Turn

log = structlog.get_logger()

UNSETTLED = "booking_unknown"
"""The attention on a delivery of which nobody knows for long whether it is booked."""
ORPHANED = "booked_after_given_up"
"""The attention on a delivery that its carrier booked although it had said that it never would."""
_NEVER_UNDER_WAY = frozenset((delivery_pb2.DELIVERY_STATUS_CANCELLED, delivery_pb2.DELIVERY_STATUS_FAILED))


class Answer(NamedTuple):
    """What a carrier said of a booking, read."""

    said: Said
    booking: CarriersBooking | None = None
    refusal: Refusal | None = None
    explanation: str = ""
    """Why it is not certain, or why the carrier was not asked, in a sentence."""


def begin(stage: Stage, wanted: Delivery, *, attempt: int) -> tuple[deliveries.Stored, Event]:
    """A delivery of the shipment that nobody carries yet, and its first event; not stored."""
    wanted.id = typeid.encode("dlv", typeid.new_uuid7())
    shipment = stage.shipment.shipment
    wanted.location_id, wanted.shipment_id, wanted.simulated = shipment.location_id, shipment.id, shipment.simulated
    delivery, created = lifecycle.start(wanted, now=stage.now)
    delivery.attempt = created.report.patch.attempt = attempt
    identifier = typeid.decode("dlv", delivery.id)
    return deliveries.Stored(stage.shipment.tenant_id, identifier, delivery, new=True), created


async def intend(stage: Stage, candidate: Candidate, decision: DispatchDecision, carrier: Carrier) -> Booking:
    """Writes down that a candidate is about to be booked for the way out, before anybody is called."""
    tenant, identifier = stage.shipment.key
    former = await rows.of_shipment(stage.connection, stage.shipment.key)
    await end_closed(stage, former)
    shipment = stage.shipment.shipment
    wanted = Delivery(
        order_id=shipment.order_id,
        kind=delivery_pb2.DELIVERY_KIND_OUTBOUND,
        carrier=carrier.name,
        carrier_ref=carrier.ref,
        consignment=shipment.consignment,
    )
    attempt = 1 + sum(not each.is_return for each in former)
    stored, created = begin(stage, wanted, attempt=attempt)
    choose(shipment, candidate, carrier)
    shipment.phase = shipment_pb2.SHIPMENT_PHASE_BOOKING
    shipment.ClearField("failure")
    stage.shipment.due_time = None  # what is due now is due with the booking
    stage.delivery = stored
    await stage.batch.begin(stored, created, stage.report(delivery_pb2.DELIVERY_STATUS_DISPATCHING))
    now = stage.hub.now()
    booking = Booking(
        tenant_id=tenant,
        delivery_id=stored.delivery_id,
        shipment_id=identifier,
        kind=wanted.kind,
        carrier_ref=carrier.ref,
        state=BookingState.SENDING,
        decision=decision.number,
        create_time=now,
    )
    _send(booking, carrier, now)
    await rows.insert(stage.connection, booking)
    stage.booking = booking
    candidate.fate, candidate.delivery_id = shipment_pb2.CANDIDATE_FATE_PREFERRED, stored.delivery.id
    await stage.store(f"{carrier.name or carrier.ref} is being booked.", decision)
    return booking


async def intend_return(stage: Stage, candidate: Candidate, decision: DispatchDecision, carrier: Carrier) -> Booking:
    """Likewise for a way back that looks for its carrier: its delivery gets one."""
    booking, stored = stage.booking, stage.delivery
    assert booking is not None, "a return is wanted before it is booked"
    assert stored is not None, "a booking has its delivery"
    await end_closed(stage, await rows.of_shipment(stage.connection, stage.shipment.key))
    report = stage.report(delivery_pb2.DELIVERY_STATUS_DISPATCHING)
    report.patch.carrier, report.patch.carrier_ref = carrier.name, carrier.ref
    await stage.tell(report)
    booking.state, booking.carrier_ref, booking.decision = BookingState.SENDING, carrier.ref, decision.number
    _send(booking, carrier, stage.hub.now())
    await rows.update(stage.connection, booking)
    candidate.fate, candidate.delivery_id = shipment_pb2.CANDIDATE_FATE_PREFERRED, stored.delivery.id
    await stage.store(f"{carrier.name or carrier.ref} is being booked for the way back.", decision)
    return booking


def _send(booking: Booking, carrier: Carrier, now: datetime) -> None:
    """From here on the booking may exist; a worker looks after it when nobody settles it in time."""
    booking.book_before = now + polling.booking_timeout(carrier)
    booking.due_time = booking.book_before + polling.REAP_AFTER
    booking.tries = 0


def choose(shipment: Shipment, candidate: Candidate, carrier: Carrier) -> None:
    """Writes into a shipment which carrier it is to have."""
    shipment.carrier.Clear()
    shipment.carrier.ref, shipment.carrier.name = carrier.ref, carrier.name
    shipment.carrier.display_name = carrier.display_name or carrier.name
    shipment.carrier.service_level.CopyFrom(candidate.quote.service_level)
    if candidate.quote.HasField("fee"):
        shipment.fee.CopyFrom(candidate.quote.fee)


async def end_closed(stage: Stage, bookings: list[Booking]) -> None:
    """Ends live bookings whose deliveries are over: what moves deliveries does not know of bookings."""
    live = {each.key: each for each in bookings if each.state is BookingState.LIVE}
    for key, stored in (await deliveries.read(stage.connection, live)).items():
        if is_closed(stored.delivery.status):
            live[key].state, live[key].due_time, live[key].cancellation = BookingState.ENDED, None, None
            await rows.update(stage.connection, live[key])


async def settle(stage: Stage, answer: Answer, carrier: Carrier) -> Booking:
    """Lets what a carrier said of a booking take effect: on the booking, its delivery, its candidate, its shipment."""
    booking, stored = stage.booking, stage.delivery
    assert booking is not None, "an answer is about a booking"
    assert stored is not None, "a booking has its delivery"
    was, turn = booking.state, steps.turn(booking.state, answer.said)
    decision = await stage.decision(booking.decision) if was in steps.UNSETTLED else None
    if reports := _reports(stage, answer, turn, was, carrier):
        await stage.tell(*reports)
    _move(stage, booking, turn, carrier)
    if decision is not None:
        _write_fate(decision, stored.delivery, turn, answer)
        # A delivery that went beyond its booking meanwhile tells its shipment more than the booking does.
        if booking.state in steps.OCCUPIES or stored.delivery.status in _NEVER_UNDER_WAY:
            _lead_on(stage, booking, decision, answer)
    await rows.update(stage.connection, booking)
    await stage.store(_sentence(carrier, answer), decision)
    if was is not booking.state:
        log.info("booking", delivery_id=stored.delivery.id, was=was.name, state=booking.state.name)
    return booking


def _reports(
    stage: Stage, answer: Answer, turn: Turn, was: BookingState, carrier: Carrier
) -> list[DeliveryReport | Incoming]:
    """What the delivery hears of it."""
    assert stage.delivery is not None, "a booking has its delivery"
    if answer.booking is not None and was is BookingState.LIVE:
        # What a look-up tells again leaves no trace; what webhooks did not tell has its place among them.
        words = answers.report_of(answer.booking, carrier.ref, carrier.name)
        words.ping = True
        return [stage.in_time(words)]
    if answer.booking is not None and was in steps.UNSETTLED:
        return _told(stage, answer.booking, carrier)
    if turn.state is BookingState.ORPHAN and was is not BookingState.ORPHAN:
        report = stage.report()
        report.attention.add(reason=ORPHANED, message=carrier.name or carrier.ref)
        return [report]
    if turn.status and stage.delivery.delivery.status != turn.status:
        reason = None
        if turn.status == delivery_pb2.DELIVERY_STATUS_FAILED:
            reason = answers.reason_of(answer.refusal, "not_booked")
            reason.message = reason.message or answer.explanation
        return [stage.report(turn.status, reason)]
    if turn.state in (BookingState.SILENT, BookingState.UNKNOWN) and _is_too_long(stage):
        report = stage.report()
        report.attention.add(reason=UNSETTLED, message=f"{carrier.name or carrier.ref} does not say whether it has it.")
        return [report]
    return []


def _is_too_long(stage: Stage) -> bool:
    assert stage.booking is not None, "asked of bookings alone"
    assert stage.delivery is not None, "a booking has its delivery"
    known = any(each.reason == UNSETTLED for each in stage.delivery.delivery.attention)
    return not known and polling.is_too_long(stage.booking, stage.hub.now())


def _told(stage: Stage, booking: CarriersBooking, carrier: Carrier) -> list[DeliveryReport | Incoming]:
    """That there is a booking, with all that belongs to it; and how far it has come, if any further."""
    assert stage.delivery is not None, "a booking has its delivery"
    words = answers.report_of(booking, carrier.ref, carrier.name)
    taken = stage.report(delivery_pb2.DELIVERY_STATUS_DISPATCHED, actor=words.actor)
    taken.patch.CopyFrom(words.patch)
    asked = stage.delivery.delivery.consignment
    for stop, here, promised in (
        (taken.patch.consignment.pickup, asked.pickup, booking.pickup_window),
        (taken.patch.consignment.dropoff, asked.dropoff, booking.dropoff_window),
    ):
        if promised.ByteSize():
            stop.windows.extend(answers.windows_of(here.windows, promised))
    words.ClearField("patch")
    further = words.status != delivery_pb2.DELIVERY_STATUS_DISPATCHED or words.unmapped
    return [taken, stage.in_time(words)] if further else [taken]


def _move(stage: Stage, booking: Booking, turn: Turn, carrier: Carrier) -> None:
    """The state, and when the booking is looked at next."""
    assert stage.delivery is not None, "a booking has its delivery"
    state = turn.state
    if state is BookingState.LIVE and is_closed(stage.delivery.delivery.status):
        state = once_closed(stage.delivery.delivery)
    booking.tries = booking.tries + 1 if state is booking.state and state is not BookingState.LIVE else 0
    booking.state = state
    booking.due_time = polling.next_look(booking, carrier, stage.hub.now())


def once_closed(delivery: Delivery) -> BookingState:
    """What a live booking becomes once its delivery is over: what we closed ourselves the carrier does not know of."""
    by_us = delivery.status_reason.actor.kind in REQUESTERS or delivery.HasField("manual_override")
    return BookingState.ORPHAN if delivery.status in _NEVER_UNDER_WAY and by_us else BookingState.ENDED


def _write_fate(decision: DispatchDecision, delivery: Delivery, turn: Turn, answer: Answer) -> None:
    for candidate in decision.candidates:
        if candidate.delivery_id != delivery.id or not turn.fate:
            continue
        candidate.fate = turn.fate
        if turn.again:
            candidate.delivery_id = ""
        candidate.explanation = answer.explanation or candidate.explanation
        if answer.refusal is not None:
            candidate.refusal.CopyFrom(answer.refusal)
            candidate.explanation = answer.refusal.message or answer.refusal.code


def _lead_on(stage: Stage, booking: Booking, decision: DispatchDecision, answer: Answer) -> None:
    """Where it leaves the shipment: booked, waiting, on to the next candidate, or called off as was asked meanwhile."""
    shipment = stage.shipment.shipment
    if booking.state is BookingState.LIVE and not decision.HasField("end_time"):
        decision.carrier_ref = booking.carrier_ref
        decision.end_time.CopyFrom(stage.now)
        decision.summary = f"{shipment.carrier.name or booking.carrier_ref} took it."
    if booking.is_return:
        return
    phase = steps.phase_after(booking.state, cancelling=booking.cancellation is not None)
    if phase == shipment_pb2.SHIPMENT_PHASE_CLOSED:
        close(stage, booking.cancellation)
    elif phase == shipment_pb2.SHIPMENT_PHASE_QUOTED:
        for member in ("carrier", "fee"):
            shipment.ClearField(member)  # nobody has it, and the next one may not take it either
        stage.enter(phase, note=answer.explanation)
        stage.shipment.due_time = stage.hub.now()
    else:
        shipment.phase = phase


def lets_others_try(was: BookingState, booking: Booking) -> bool:
    """Whether a booking was just settled as none, and nobody wants it called off."""
    return was in steps.UNSETTLED and booking.state not in steps.OCCUPIES and booking.cancellation is None


def close(stage: Stage, reason: StatusReason | None) -> None:
    """Calls a shipment off that no carrier has; the reason tells who asked for it."""
    actor = reason.actor if reason is not None and reason.HasField("actor") else None
    shipment, cancelled = stage.shipment.shipment, delivery_pb2.DELIVERY_STATUS_CANCELLED
    stage.enter(shipment_pb2.SHIPMENT_PHASE_CLOSED, cancelled, reason=reason, actor=actor)
    for member in ("cancel_request_time", "retry_time"):
        shipment.ClearField(member)
    stage.shipment.due_time = None


def _sentence(carrier: Carrier, answer: Answer) -> str:
    told = answer.explanation or (answer.refusal.message if answer.refusal is not None else "")
    return f"{carrier.name or carrier.ref}: {answer.said.value}. {told}".strip()
