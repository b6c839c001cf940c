"""What a dispatch does next, and what a carrier's answer makes of a booking: tables; knows no clock and no storage.

A dispatch quotes, ranks, and books one candidate after the other. What keeps it safe is here as two tables: `PHASES`,
by what the hub does in each phase of a shipment, and `BOOKINGS`, by what every answer means in every state of a
booking. A booking that may exist at the carrier keeps its shipment from being booked elsewhere (`OCCUPIES`).
"""

from collections.abc import Iterator
from enum import Enum, IntEnum
from typing import NamedTuple, TypeAlias

from crossdock.v1 import delivery_pb2 as delivery
from crossdock.v1 import error_reason_pb2 as errors
from crossdock.v1 import shipment_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

Phase: TypeAlias = pb.ShipmentPhase.ValueType
Fate: TypeAlias = pb.CandidateFate.ValueType
Failure: TypeAlias = errors.ErrorReason.ValueType
Status: TypeAlias = delivery.DeliveryStatus.ValueType

FRESH_SECONDS = 2
"""A quote as young as this is booked though it has expired: asking again would give no better one."""


class Act(Enum):
    """What is to be done about a shipment."""

    QUOTE = "ask for quotes"
    BOOK = "book a candidate"
    FAIL = "nobody takes it"
    LOOK_UP = "settle the booking that is on its way"
    REST = "nothing"


PHASES: dict[Phase, Act] = {
    pb.SHIPMENT_PHASE_RECEIVED: Act.QUOTE,
    pb.SHIPMENT_PHASE_HELD: Act.REST,
    pb.SHIPMENT_PHASE_SCHEDULED: Act.QUOTE,
    pb.SHIPMENT_PHASE_QUOTED: Act.BOOK,
    pb.SHIPMENT_PHASE_BOOKING: Act.LOOK_UP,
    pb.SHIPMENT_PHASE_RETRY_PENDING: Act.QUOTE,
    pb.SHIPMENT_PHASE_BOOKED: Act.REST,
    pb.SHIPMENT_PHASE_UNQUOTED: Act.REST,
    pb.SHIPMENT_PHASE_UNBOOKED: Act.REST,
    pb.SHIPMENT_PHASE_CLOSED: Act.REST,
}
"""What is due in each phase once its time has come."""

WAITING = frozenset(
    (
        pb.SHIPMENT_PHASE_RECEIVED,
        pb.SHIPMENT_PHASE_HELD,
        pb.SHIPMENT_PHASE_SCHEDULED,
        pb.SHIPMENT_PHASE_QUOTED,
        pb.SHIPMENT_PHASE_RETRY_PENDING,
        pb.SHIPMENT_PHASE_UNQUOTED,
        pb.SHIPMENT_PHASE_UNBOOKED,
    )
)
"""No carrier knows of it: it is called off, or changed, without asking anybody."""
RETRYABLE = frozenset((pb.SHIPMENT_PHASE_UNQUOTED, pb.SHIPMENT_PHASE_UNBOOKED))
"""Somebody may ask for another dispatch."""
RELEASABLE = frozenset((pb.SHIPMENT_PHASE_HELD, pb.SHIPMENT_PHASE_SCHEDULED))
"""It waits for somebody's word or for its time."""

STATUSES: dict[Phase, Status] = {
    pb.SHIPMENT_PHASE_RECEIVED: delivery.DELIVERY_STATUS_CREATED,
    pb.SHIPMENT_PHASE_HELD: delivery.DELIVERY_STATUS_CREATED,
    pb.SHIPMENT_PHASE_SCHEDULED: delivery.DELIVERY_STATUS_CREATED,
    pb.SHIPMENT_PHASE_QUOTED: delivery.DELIVERY_STATUS_DISPATCHING,
    pb.SHIPMENT_PHASE_BOOKING: delivery.DELIVERY_STATUS_DISPATCHING,
    pb.SHIPMENT_PHASE_RETRY_PENDING: delivery.DELIVERY_STATUS_DISPATCHING,
    pb.SHIPMENT_PHASE_UNQUOTED: delivery.DELIVERY_STATUS_FAILED,
    pb.SHIPMENT_PHASE_UNBOOKED: delivery.DELIVERY_STATUS_FAILED,
}
"""The status of a shipment that has no delivery to tell it."""

_UNTRIED = frozenset((pb.CANDIDATE_FATE_OUTRANKED, pb.CANDIDATE_FATE_PREFERRED))


class Step(NamedTuple):
    """What is to be done next. ``candidate`` is an index into the decision's, for `Act.BOOK` alone."""

    act: Act
    candidate: int = -1
    failure: Failure = errors.ERROR_REASON_UNSPECIFIED


def next_step(phase: Phase, decision: pb.DispatchDecision, now: Timestamp, *, max_bookings: int = 0) -> Step:
    """What a dispatch in this phase does now. ``max_bookings`` candidates are tried at most; 0 for all."""
    act = PHASES[phase]
    return choose(decision, now, max_bookings=max_bookings) if act is Act.BOOK else Step(act)


def choose(decision: pb.DispatchDecision, now: Timestamp, *, max_bookings: int = 0) -> Step:
    """The candidate that is booked next: the best that was not tried, on a quote that still holds."""
    tried = sum(bool(each.delivery_id) for each in decision.candidates)
    left = [] if max_bookings and tried >= max_bookings else sorted(untried(decision))
    if not left:
        return Step(Act.FAIL, failure=failure_of(decision))
    _, index = left[0]
    if is_expired(decision.candidates[index], now):
        return Step(Act.QUOTE)
    return Step(Act.BOOK, index)


def untried(decision: pb.DispatchDecision) -> Iterator[tuple[int, int]]:
    """The candidates that fit and were not booked yet: rank and index."""
    for index, each in enumerate(decision.candidates):
        if each.rank > 0 and each.fate in _UNTRIED and not each.delivery_id:
            yield each.rank, index


def is_expired(candidate: pb.Candidate, now: Timestamp) -> bool:
    """Whether a quote no longer holds and is old enough for another to be any better."""
    quote = candidate.quote
    if not quote.HasField("expire_time") or _nanoseconds(now) < _nanoseconds(quote.expire_time):
        return False
    return _nanoseconds(now) - _nanoseconds(quote.quote_time) >= FRESH_SECONDS * 1_000_000_000


def failure_of(decision: pb.DispatchDecision) -> Failure:
    """Why nobody takes it, once no candidate is left."""
    if not decision.candidates:
        return errors.ERROR_REASON_NO_PROVIDER_ASSIGNED
    tried = [each for each in decision.candidates if each.delivery_id]
    if not tried:
        # Whoever did not answer may fit after all: nobody can say yet that none does.
        silent = any(each.transient for each in decision.candidates)
        return errors.ERROR_REASON_PLACE_ORDER_FAILED if silent else errors.ERROR_REASON_NO_PROVIDER_MATCHED
    last = tried[-1]
    wordless = last.fate == pb.CANDIDATE_FATE_BOOKING_FAILED and last.HasField("refusal") and not last.refusal.code
    return errors.ERROR_REASON_UNMAPPED_ERROR if wordless else errors.ERROR_REASON_PLACE_ORDER_FAILED


def is_anybody_tried(decision: pb.DispatchDecision) -> bool:
    """Whether a booking was sent to any candidate."""
    return any(each.delivery_id for each in decision.candidates)


def phase_of(failure: Failure, *, tried: bool, retries: int, max_retries: int) -> Phase:
    """Where a dispatch that failed leaves its shipment. ``retries`` were made by itself so far."""
    if failure != errors.ERROR_REASON_NO_PROVIDER_ASSIGNED and retries < max_retries:
        return pb.SHIPMENT_PHASE_RETRY_PENDING
    return pb.SHIPMENT_PHASE_UNBOOKED if tried else pb.SHIPMENT_PHASE_UNQUOTED


class BookingState(IntEnum):
    """What the hub knows of a booking at its carrier."""

    WANTED = 1
    """Nobody was asked yet: a return that looks for its carrier."""
    SENDING = 2
    """Written down; the call is under way, or its process died."""
    SILENT = 3
    """Whoever sent it is gone, and perhaps never did: looked up until it is certain."""
    UNKNOWN = 4
    """The answer was lost: looked up until it is certain."""
    LIVE = 5
    """The carrier has it."""
    GIVEN_UP = 6
    """Settled as never made. Looked up once more, since a carrier may break its word."""
    ORPHAN = 7
    """Made though it was given up: to be called off."""
    ENDED = 8
    """Over."""


OCCUPIES = frozenset((BookingState.SENDING, BookingState.SILENT, BookingState.UNKNOWN, BookingState.LIVE))
"""The states in which a booking keeps its shipment from being booked elsewhere."""


CANCELLABLE = OCCUPIES | {BookingState.WANTED}
"""The states in which a booking is called off as its carrier answers, and not by writing down that it is."""
UNSETTLED = OCCUPIES - {BookingState.LIVE}
"""The states in which nobody knows yet whether there is a booking."""


class Said(Enum):
    """What an answer to Book or GetBooking comes down to."""

    BOOKED = "there is a booking, pending or live"
    OVER = "there was a booking; it is called off or closed"
    DECLINED = "the carrier does not want it"
    FAILED = "it broke, and nothing was booked"
    NOT_ASKED = "the carrier was not called"
    ABSENT = "there is no booking and there will be none"
    NOT_YET = "there is no booking, and one may still come"
    UNCERTAIN = "nothing certain"
    SILENCE = "who asked is gone"


class Turn(NamedTuple):
    """What an answer makes of a booking: its state, what the delivery is told, and the candidate's fate."""

    state: BookingState
    status: Status = delivery.DELIVERY_STATUS_UNSPECIFIED
    fate: Fate = pb.CANDIDATE_FATE_UNSPECIFIED
    again: bool = False
    """The candidate did nothing wrong and may be tried again."""


_S, _C = BookingState, pb
_BOOKED = Turn(_S.LIVE, delivery.DELIVERY_STATUS_DISPATCHED, _C.CANDIDATE_FATE_BOOKED)
_OVER = Turn(_S.ENDED, delivery.DELIVERY_STATUS_UNSPECIFIED, _C.CANDIDATE_FATE_BOOKING_ENDED)
_UNKNOWN = Turn(_S.UNKNOWN, delivery.DELIVERY_STATUS_BOOKING_UNKNOWN, _C.CANDIDATE_FATE_BOOKING_UNKNOWN)
_DECLINED = Turn(_S.ENDED, delivery.DELIVERY_STATUS_FAILED, _C.CANDIDATE_FATE_BOOKING_DECLINED)
_FAILED = Turn(_S.ENDED, delivery.DELIVERY_STATUS_FAILED, _C.CANDIDATE_FATE_BOOKING_FAILED)
_ABSENT = Turn(_S.GIVEN_UP, delivery.DELIVERY_STATUS_FAILED, _C.CANDIDATE_FATE_BOOKING_FAILED)
_UNSENT = Turn(_S.GIVEN_UP, delivery.DELIVERY_STATUS_FAILED, _C.CANDIDATE_FATE_OUTRANKED, again=True)
_ORPHAN = Turn(_S.ORPHAN)


def _stays(state: BookingState) -> dict[Said, Turn]:
    return dict.fromkeys(Said, Turn(state))


def _looked_up(state: BookingState, absent: Turn) -> dict[Said, Turn]:
    """A booking whose fate is looked up stays as it is until the answer is certain."""
    return _stays(state) | {
        Said.BOOKED: _BOOKED,
        Said.OVER: _OVER,
        # The answer to the call itself, which came after its process was given up: as certain as ever.
        Said.DECLINED: _DECLINED,
        Said.FAILED: _FAILED,
        Said.ABSENT: absent,
    }


BOOKINGS: dict[BookingState, dict[Said, Turn]] = {
    _S.WANTED: _stays(_S.WANTED),
    _S.SENDING: {
        Said.BOOKED: _BOOKED,
        Said.OVER: _OVER,
        Said.DECLINED: _DECLINED,
        Said.FAILED: _FAILED,
        Said.NOT_ASKED: Turn(_S.ENDED, delivery.DELIVERY_STATUS_FAILED, _C.CANDIDATE_FATE_NOT_ASKED),
        Said.ABSENT: _UNSENT,
        Said.NOT_YET: Turn(_S.SENDING),
        Said.UNCERTAIN: _UNKNOWN,
        Said.SILENCE: Turn(_S.SILENT, delivery.DELIVERY_STATUS_BOOKING_UNKNOWN, _C.CANDIDATE_FATE_BOOKING_UNKNOWN),
    },
    _S.SILENT: _looked_up(_S.SILENT, _UNSENT),
    _S.UNKNOWN: _looked_up(_S.UNKNOWN, _ABSENT),
    # What a live booking does is told by its reports alone; that it should have vanished is for people to look at.
    _S.LIVE: _stays(_S.LIVE),
    _S.GIVEN_UP: _stays(_S.GIVEN_UP) | {Said.BOOKED: _ORPHAN, Said.OVER: Turn(_S.ENDED), Said.ABSENT: Turn(_S.ENDED)},
    _S.ORPHAN: _stays(_S.ORPHAN) | {Said.OVER: Turn(_S.ENDED), Said.ABSENT: Turn(_S.ENDED)},
    _S.ENDED: _stays(_S.ENDED) | {Said.BOOKED: _ORPHAN},
}
"""What every answer means in every state. A booking is left for another only by a certain answer."""


def turn(state: BookingState, said: Said) -> Turn:
    """What an answer makes of a booking in this state."""
    return BOOKINGS[state][said]


def phase_after(state: BookingState, *, cancelling: bool) -> Phase:
    """Where a booking that was just settled, or not, leaves its shipment."""
    if state is BookingState.LIVE:
        return pb.SHIPMENT_PHASE_BOOKED
    if state in OCCUPIES:
        return pb.SHIPMENT_PHASE_BOOKING
    return pb.SHIPMENT_PHASE_CLOSED if cancelling else pb.SHIPMENT_PHASE_QUOTED


def _nanoseconds(time: Timestamp) -> int:
    return time.seconds * 1_000_000_000 + time.nanos
