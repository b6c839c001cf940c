from crossdock.v1 import delivery_pb2 as pb

from services.deliveries.statuses import CLOSED, IMPLIED, PHASES, RANKS, WORDS, is_closed, is_picked_up

EVERY = set(pb.DeliveryStatus.values())


def test_every_status_has_a_rank_a_phase_a_word_and_what_it_implies() -> None:
    for table in (RANKS, PHASES, WORDS, IMPLIED):
        assert set(table) == EVERY


def test_the_ranks_are_those_that_the_contract_documents() -> None:
    documented = {
        10: "CREATED",
        20: "DISPATCHING",
        25: "BOOKING_UNKNOWN",
        30: "DISPATCHED",
        40: "DRIVER_ASSIGNED",
        50: "PICKUP_EN_ROUTE",
        60: "PICKUP_APPROACHING",
        70: "PICKUP_ARRIVED",
        80: "PICKED_UP",
        90: "AT_HUB IN_TRANSIT",
        100: "DROPOFF_EN_ROUTE",
        110: "DROPOFF_APPROACHING",
        120: "DROPOFF_ARRIVED",
        125: "AWAITING_COLLECTION",
        130: "ATTEMPT_FAILED",
        140: "UNDELIVERABLE",
        150: "RETURNING",
        160: "RETURN_ARRIVED",
    }

    for rank, words in documented.items():
        assert sorted(WORDS[status] for status in EVERY if RANKS[status] == rank) == words.split()


def test_five_statuses_are_closed_and_none_of_them_counts_as_picked_up() -> None:
    closed = {"DELIVERED", "RETURNED", "CANCELLED", "FAILED", "DISPOSED"}

    assert {WORDS[status] for status in CLOSED} == closed
    assert {WORDS[status] for status in EVERY if is_closed(status)} == closed
    assert not any(is_picked_up(status) for status in CLOSED)


def test_what_a_status_implies_lies_behind_it_and_a_call_off_implies_nothing() -> None:
    for status, implied in IMPLIED.items():
        assert all(RANKS[step] < RANKS[status] for step in implied)
    assert IMPLIED[pb.DELIVERY_STATUS_CANCELLED] == IMPLIED[pb.DELIVERY_STATUS_FAILED] == ()
    assert [WORDS[step] for step in IMPLIED[pb.DELIVERY_STATUS_DELIVERED]] == [
        "DISPATCHED",
        "DRIVER_ASSIGNED",
        "PICKED_UP",
        "DROPOFF_EN_ROUTE",
    ]


def test_each_phase_is_one_stretch_of_the_way() -> None:
    assert {PHASES[status] for status in EVERY} == {
        "",
        "pre",
        "pickup",
        "transit",
        "dropoff",
        "exception",
        "return",
        "closed",
    }
