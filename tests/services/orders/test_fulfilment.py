from crossdock.v1 import event_pb2
from crossdock.v1.event_pb2 import Disposition
from crossdock.v1.order_pb2 import SERVICE_TYPE_COLLECTION, SERVICE_TYPE_DELIVERY, FulfilmentStatus, Order
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from services.orders.fulfilment import CLOSED_RANK, MAX_REFERENCES, RANKS, tell

NOON = Timestamp(seconds=1_700_000_000)
statuses = st.sampled_from(FulfilmentStatus.values())


def status(word: str) -> FulfilmentStatus.ValueType:
    return FulfilmentStatus.Value(f"FULFILMENT_STATUS_{word}")


def test_every_status_has_a_rank() -> None:
    assert set(RANKS) == set(FulfilmentStatus.values())


@given(said=st.lists(statuses, max_size=12))
def test_whatever_is_said_an_order_never_goes_backwards_and_stays_closed(
    said: list[FulfilmentStatus.ValueType],
) -> None:
    order = Order(status=status("NEW"))
    for word in said:
        before = order.status

        finding = tell(order, Order(status=word), NOON)

        assert RANKS[order.status] >= RANKS[before]
        assert (order.status == before) == (finding.disposition != event_pb2.DISPOSITION_APPLIED)
        if RANKS[before] == CLOSED_RANK:
            assert order.status == before


def test_what_lies_behind_is_history_and_may_still_tell_since_when() -> None:
    order = Order(status=status("AWAITING_SHIPMENT"))

    finding = tell(order, Order(status=status("IN_PREPARATION")), NOON)

    assert Disposition.Name(finding.disposition) == "DISPOSITION_REGRESSION_IGNORED"
    assert "IN_PREPARATION lies behind" in finding.explanation
    assert order.preparation_start_time == NOON


def test_the_first_time_counts_and_the_senders_more_than_ours() -> None:
    order, later = Order(status=status("NEW")), Timestamp(seconds=1_800_000_000)
    tell(order, Order(status=status("IN_PREPARATION"), preparation_start_time=later), NOON)
    tell(order, Order(status=status("IN_PREPARATION")), NOON)

    assert order.preparation_start_time == later


def test_what_a_caller_told_counts_more_than_a_message() -> None:
    order = Order(status=status("NEW"), service_type=SERVICE_TYPE_DELIVERY, channel="Web shop")

    finding = tell(order, Order(service_type=SERVICE_TYPE_COLLECTION, channel="x", service_type_ref="takeaway"), NOON)

    assert (order.service_type, order.channel, order.service_type_ref) == (
        SERVICE_TYPE_DELIVERY,
        "Web shop",
        "takeaway",
    )
    assert finding.disposition == event_pb2.DISPOSITION_OVERLAY_ONLY


def test_names_and_extensions_are_united_up_to_their_limits() -> None:
    order = Order(status=status("NEW"))
    for number in range(MAX_REFERENCES + 10):
        patch = Order()
        patch.references.add(scope="a", value=str(number % 55))
        patch.extensions["a"].update({"first": number})
        tell(order, patch, NOON)

    assert len(order.references) == MAX_REFERENCES
    assert order.extensions["a"]["first"] == 0
