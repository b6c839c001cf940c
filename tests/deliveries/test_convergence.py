"""Any order of arrival, in any batches, leads to the same delivery."""

from itertools import pairwise, permutations

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import report_pb2 as reports
from crossdock.v1.actor_pb2 import Actor, ActorKind
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.report_pb2 import DeliveryReport
from hypothesis import given, settings
from hypothesis import strategies as st

from services.deliveries.statuses import CLOSED
from tests.deliveries.lives import STATUSES, Book, at, ping, report, state_of, with_courier, word

HOUR = 3600
DAY = 24 * HOUR
LISTED_EXITS = {
    ("DELIVERED", "RETURNING"),
    ("CANCELLED", "RETURNING"),
    ("CANCELLED", "RETURN_ARRIVED"),
    ("CANCELLED", "RETURNED"),
    ("CANCELLED", "DELIVERED"),
    ("FAILED", "DISPATCHING"),
}


def a_life_of_seven() -> list[DeliveryReport]:
    """Two drivers, a skipped state, a proof; nothing in it says the same twice."""
    proof = report(time=70)
    proof.patch.proofs.add(url="https://carrier.example/proof.jpg")
    return [
        report("DISPATCHED", 10),
        with_courier(report("DRIVER_ASSIGNED", 20), "A", phone="1"),
        report("DISPATCHED", 30, reset=reports.RESET_DRIVER),
        with_courier(report("PICKUP_EN_ROUTE", 40), "B"),
        report("PICKED_UP", 50),
        report("DELIVERED", 60),
        proof,
    ]


def test_all_5040_orders_of_a_seven_event_life_lead_to_the_same_delivery() -> None:
    life = a_life_of_seven()
    in_order = Book.start()
    for each in life:
        in_order.hear(each)
    assert in_order.status == "DELIVERED"
    assert in_order.delivery.driver_sequence == 2

    orders = 0
    for order in permutations(life):
        book = Book.start()
        for each in order:
            book.hear(each)
        assert state_of(book.delivery) == state_of(in_order.delivery)
        assert [event.number for event in book.events] == list(range(1, len(book.events) + 1))
        orders += 1
    assert orders == 5040


@st.composite
def any_report(draw: st.DrawFn, *, resets: bool = True, overrides: bool = True, pings: bool = True) -> DeliveryReport:
    """Anything that anybody could say, at times that are often equal, skewed, implausible or not told."""
    made = DeliveryReport(
        status=draw(st.sampled_from([pb.DELIVERY_STATUS_UNSPECIFIED, *STATUSES])),
        status_raw=draw(st.sampled_from(["", "a", "b"])),
        substatus=draw(st.sampled_from(["", "waiting"])),
        unmapped=draw(st.integers(0, 9)) == 0,
        ping=pings and draw(st.integers(0, 4)) == 0,
        actor=Actor(kind=draw(st.sampled_from([ActorKind.ACTOR_KIND_CARRIER, ActorKind.ACTOR_KIND_CALLER]))),
    )
    if resets:
        made.reset = draw(st.sampled_from([reports.RESET_UNSPECIFIED] * 4 + reports.Reset.values()))
    if overrides and made.status:
        made.override = draw(st.integers(0, 9)) == 0
    time = draw(st.sampled_from([None, 10, 10, 20, 30, 30.5, HOUR + 290, HOUR + 3 * HOUR, -2 * DAY]))
    if time is not None:
        made.event_time.CopyFrom(at(time))
    patch = made.patch
    patch.courier.external_id = draw(st.sampled_from(["", "A", "B"]))
    patch.courier.phone.raw = draw(st.sampled_from(["", "1", "2"]))
    patch.position.latitude = draw(st.sampled_from(["1", "2"]))
    patch.estimates.dropoff_time.CopyFrom(at(draw(st.sampled_from([100, 200.5]))))
    patch.tracking_number = draw(st.sampled_from(["", "T1", "T2"]))
    patch.carrier = draw(st.sampled_from(["", "UPS", "DHL"]))
    for url in draw(st.lists(st.sampled_from(["p", "q"]), max_size=2)):
        patch.proofs.add(url=url)
    for name in draw(st.lists(st.sampled_from(["base", "tip"]), max_size=1)):
        patch.costs.add(name=name).price.amount.units = draw(st.integers(1, 2))
    for member in ("courier", "position"):
        if draw(st.booleans()):
            patch.ClearField(member)
    if draw(st.integers(0, 9)) == 0:
        made.milestones.add(status=draw(st.sampled_from(STATUSES)), time=at(draw(st.integers(0, 40))))
    return made


@st.composite
def told_twice(draw: st.DrawFn) -> tuple[list[DeliveryReport], list[list[DeliveryReport]]]:
    """The same reports, some of them more than once, in order of hearing and in other orders and batches."""
    told = draw(st.lists(any_report(), max_size=8))
    if told:
        told += draw(st.lists(st.sampled_from(told), max_size=3))
    shuffled = draw(st.permutations(told))
    cuts = sorted(draw(st.lists(st.integers(0, len(told)), max_size=4)))
    return told, [shuffled[start:end] for start, end in pairwise([0, *cuts, len(told)])]


@settings(max_examples=400, deadline=None)
@given(told=told_twice(), source=st.sampled_from(["", "src_1"]), accept_late=st.booleans())
def test_any_multiset_of_reports_in_any_order_and_batches_leads_to_the_same_delivery(
    told: tuple[list[DeliveryReport], list[list[DeliveryReport]]], source: str, accept_late: bool
) -> None:
    at_once, batches = told
    whole = Book.start(source, keep_pings=True)
    whole.hear(*at_once, accept_late=accept_late)

    parts = Book.start(source, keep_pings=True)
    for batch in batches:
        parts.hear(*batch, accept_late=accept_late)

    assert state_of(parts.delivery) == state_of(whole.delivery)
    assert [event.number for event in parts.events] == list(range(1, len(parts.events) + 1))
    assert all(event.explanation for event in parts.events)


@settings(max_examples=200, deadline=None)
@given(order=st.permutations(range(9)), batch=st.integers(1, 9))
def test_the_youngest_ping_is_enough_when_each_tells_all(order: list[int], batch: int) -> None:
    told = [
        with_courier(report("DRIVER_ASSIGNED", 10), "A"),
        *(ping("PICKUP_EN_ROUTE", 20 + number, str(number)) for number in range(4)),
        report("PICKED_UP", 30),
        *(ping("DROPOFF_EN_ROUTE", 40 + number, str(number)) for number in range(2)),
        report("DELIVERED", 50),
    ]
    in_order = Book.start()
    in_order.hear(*told)

    book = Book.start()
    shuffled = [told[index] for index in order]
    for start in range(0, len(told), batch):
        book.hear(*shuffled[start : start + batch])

    assert state_of(book.delivery) == state_of(in_order.delivery)


@settings(max_examples=300, deadline=None)
@given(told=st.lists(any_report(overrides=False), max_size=12))
def test_a_closed_delivery_is_left_only_by_the_listed_exits(told: list[DeliveryReport]) -> None:
    book = Book.start()

    for second, each in enumerate(told):
        before = book.delivery.status
        each.event_time.CopyFrom(at(second))
        book.hear(each)
        after = book.delivery.status
        if before in CLOSED and after != before:
            assert (word(before), word(after)) in LISTED_EXITS


@settings(max_examples=300, deadline=None)
@given(told=st.lists(any_report(resets=False, overrides=False), max_size=12))
def test_what_is_known_is_never_erased_by_what_is_not_told(told: list[DeliveryReport]) -> None:
    book = Book.start()
    of_the_status = {"substatus", "status_reason", "carrier_substatus_raw"}

    for second, each in enumerate(told):
        # A retry starts again, which is not the same as leaving something out.
        each.actor.kind = ActorKind.ACTOR_KIND_CARRIER
        each.event_time.CopyFrom(at(second))
        known = _known_members(book.delivery)
        book.hear(each)
        assert known - of_the_status <= _known_members(book.delivery)


def _known_members(delivery: Delivery) -> set[str]:
    return {field.name for field, _ in delivery.ListFields()}
