"""The tables of a dispatch: whole, safe whatever a carrier does, and always at an end."""

import pytest
from crossdock.v1 import delivery_pb2 as delivery
from crossdock.v1 import error_reason_pb2 as errors
from crossdock.v1 import shipment_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from services.dispatching import steps
from services.dispatching.steps import Act, BookingState, Said, Step

NOW = Timestamp(seconds=1_800_000_000)


def candidate(
    rank: int, fate: str = "OUTRANKED", delivery_id: str = "", expires_in: int | None = None, transient: bool = False
) -> pb.Candidate:
    """A candidate whose quote was given a minute ago."""
    made = pb.Candidate(carrier_ref=f"sim-{rank}", rank=rank, delivery_id=delivery_id, transient=transient)
    made.fate = pb.CandidateFate.Value(f"CANDIDATE_FATE_{fate}")
    made.quote.quote_time.seconds = NOW.seconds - 60
    if expires_in is not None:
        made.quote.expire_time.seconds = NOW.seconds + expires_in
    return made


def decision(*candidates: pb.Candidate) -> pb.DispatchDecision:
    return pb.DispatchDecision(candidates=candidates)


def test_every_phase_has_something_to_do_or_rests() -> None:
    assert set(steps.PHASES) == set(pb.ShipmentPhase.values()) - {pb.SHIPMENT_PHASE_UNSPECIFIED}


def test_every_answer_means_something_in_every_state() -> None:
    assert {state: set(answers) for state, answers in steps.BOOKINGS.items()} == {
        state: set(Said) for state in BookingState
    }


@pytest.mark.parametrize("said", [Said.UNCERTAIN, Said.NOT_YET, Said.SILENCE])
@pytest.mark.parametrize("state", sorted(steps.OCCUPIES))
def test_a_booking_that_may_exist_is_not_left_without_a_certain_answer(state: BookingState, said: Said) -> None:
    assert steps.turn(state, said).state in steps.OCCUPIES


@pytest.mark.parametrize("state", [BookingState.GIVEN_UP, BookingState.ENDED, BookingState.ORPHAN])
def test_a_booking_that_was_given_up_and_exists_all_the_same_is_an_orphan(state: BookingState) -> None:
    assert steps.turn(state, Said.BOOKED).state is BookingState.ORPHAN


def test_a_process_that_died_before_its_answer_is_not_the_candidates_fault() -> None:
    silent = steps.turn(BookingState.SENDING, Said.SILENCE)
    settled = steps.turn(silent.state, Said.ABSENT)

    assert silent.status == delivery.DELIVERY_STATUS_BOOKING_UNKNOWN
    assert settled.again
    assert not steps.turn(steps.turn(BookingState.SENDING, Said.UNCERTAIN).state, Said.ABSENT).again


def test_the_best_untried_candidate_is_booked() -> None:
    told = decision(
        candidate(1, "BOOKING_DECLINED", "dlv_1"), candidate(3), candidate(2), candidate(0, "EXCLUDED"), candidate(4)
    )

    assert steps.choose(told, NOW) == Step(Act.BOOK, 2)


def test_an_expired_quote_is_asked_for_again() -> None:
    assert steps.choose(decision(candidate(1, expires_in=-1), candidate(2)), NOW).act is Act.QUOTE


def test_a_quote_that_expires_as_it_comes_is_booked_all_the_same() -> None:
    fresh = candidate(1, expires_in=0)
    fresh.quote.quote_time.seconds = NOW.seconds - 1

    assert steps.choose(decision(fresh), NOW) == Step(Act.BOOK, 0)


def test_no_more_candidates_are_tried_than_the_rules_allow() -> None:
    told = decision(candidate(1, "BOOKING_DECLINED", "dlv_1"), candidate(2))

    assert steps.choose(told, NOW, max_bookings=1).act is Act.FAIL
    assert steps.choose(told, NOW, max_bookings=2).act is Act.BOOK


@pytest.mark.parametrize(
    ("candidates", "failure", "phase"),
    [
        ([], "NO_PROVIDER_ASSIGNED", "UNQUOTED"),
        ([candidate(0, "EXCLUDED"), candidate(0, "NOT_ASKED")], "NO_PROVIDER_MATCHED", "UNQUOTED"),
        ([candidate(0, "EXCLUDED"), candidate(0, "QUOTE_FAILED", transient=True)], "PLACE_ORDER_FAILED", "UNQUOTED"),
        ([candidate(1, "BOOKING_DECLINED", "dlv_1")], "PLACE_ORDER_FAILED", "UNBOOKED"),
        ([candidate(1, "BOOKING_FAILED", "dlv_1"), candidate(0, "EXCLUDED")], "PLACE_ORDER_FAILED", "UNBOOKED"),
    ],
)
def test_a_dispatch_that_nobody_takes_says_why(candidates: list[pb.Candidate], failure: str, phase: str) -> None:
    step = steps.choose(decision(*candidates), NOW)
    tried = steps.is_anybody_tried(decision(*candidates))

    assert step == Step(Act.FAIL, failure=errors.ErrorReason.Value(f"ERROR_REASON_{failure}"))
    found = steps.phase_of(step.failure, tried=tried, retries=0, max_retries=0)
    assert pb.ShipmentPhase.Name(found) == f"SHIPMENT_PHASE_{phase}"


def test_a_refusal_without_a_word_has_no_mapping() -> None:
    wordless = candidate(1, "BOOKING_FAILED", "dlv_1")
    wordless.refusal.message = "E-99"

    assert steps.failure_of(decision(wordless)) == errors.ERROR_REASON_UNMAPPED_ERROR


def test_a_failed_dispatch_is_tried_again_as_often_as_the_rules_say() -> None:
    failure, nobody = errors.ERROR_REASON_PLACE_ORDER_FAILED, errors.ERROR_REASON_NO_PROVIDER_ASSIGNED

    assert steps.phase_of(failure, tried=True, retries=1, max_retries=2) == pb.SHIPMENT_PHASE_RETRY_PENDING
    assert steps.phase_of(failure, tried=True, retries=2, max_retries=2) == pb.SHIPMENT_PHASE_UNBOOKED
    assert steps.phase_of(nobody, tried=False, retries=0, max_retries=2) == pb.SHIPMENT_PHASE_UNQUOTED


@given(st.data())
def test_whatever_carriers_do_no_two_bookings_are_ever_live(data: st.DataObject) -> None:
    """Each carrier's truth is drawn beside what it says of it; certain answers are true, others may hide anything."""
    told = decision(*[candidate(rank) for rank in range(1, data.draw(st.integers(1, 4)) + 1)])
    phase: int = pb.SHIPMENT_PHASE_QUOTED
    live: set[str] = set()

    for number in range(40):
        step = steps.next_step(pb.ShipmentPhase.ValueType(phase), told, NOW)
        if step.act is not Act.BOOK:
            break
        chosen, name = told.candidates[step.candidate], f"dlv_{number}"
        chosen.delivery_id = name
        state = BookingState.SENDING
        exists = data.draw(st.booleans())
        if exists:
            live.add(name)
        assert len(live) <= 1
        for _ in range(6):
            certain = [Said.BOOKED] if exists else [Said.DECLINED, Said.FAILED, Said.NOT_ASKED]
            if state is not BookingState.SENDING:
                certain = [Said.BOOKED] if exists else [Said.ABSENT]
            said = data.draw(st.sampled_from([*certain, Said.UNCERTAIN, Said.SILENCE, Said.NOT_YET]))
            outcome = steps.turn(state, said)
            state = outcome.state
            if outcome.fate:
                chosen.fate = outcome.fate
            if outcome.again:
                chosen.delivery_id = ""
            phase = steps.phase_after(state, cancelling=False)
            if phase != pb.SHIPMENT_PHASE_BOOKING:
                break
            assert steps.next_step(pb.ShipmentPhase.ValueType(phase), told, NOW).act is Act.LOOK_UP

    if phase == pb.SHIPMENT_PHASE_BOOKED:
        assert len(live) == 1
    elif phase == pb.SHIPMENT_PHASE_QUOTED:
        assert not live
