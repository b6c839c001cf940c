"""Evermile's messages as they are written: the words, the choice of the message, amounts, and all of it read again."""

import json
from typing import Any

import pytest
from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import event_pb2 as events
from crossdock.v1.cost_pb2 import CostItem
from crossdock.v1.delivery_pb2 import Delivery, Milestone
from crossdock.v1.event_pb2 import Event
from crossdock.v1.parcel_pb2 import LENGTH_UNIT_INCH, WEIGHT_UNIT_POUND, Dimensions, Item, Parcel, Weight
from crossdock.v1.subscription_pb2 import OutboundEvent, Subscription
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from gateway.dialects.evermile.statuses import STATUSES
from gateway.dialects.evermile.steps import BY_SUBSTATUS, STEPS
from gateway.dialects.evermile.write import write
from gateway.strict_json import loads
from tests.dialects.messages import read

AT = Timestamp(seconds=1_700_000_000)
ALL = [value for value in pb.DeliveryStatus.values() if value]
NEARBY = {
    # Near the store, and at it, are no words of Evermile's: the flags say whether the courier is still coming.
    pb.DELIVERY_STATUS_PICKUP_APPROACHING: pb.DELIVERY_STATUS_PICKUP_EN_ROUTE,
    pb.DELIVERY_STATUS_PICKUP_ARRIVED: pb.DELIVERY_STATUS_DRIVER_ASSIGNED,
    pb.DELIVERY_STATUS_DROPOFF_APPROACHING: pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE,
    pb.DELIVERY_STATUS_DROPOFF_ARRIVED: pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE,
    pb.DELIVERY_STATUS_RETURN_ARRIVED: pb.DELIVERY_STATUS_RETURNING,
    # "CannotFulfill" asks for somebody to see to it, and moves nothing.
    pb.DELIVERY_STATUS_FAILED: pb.DELIVERY_STATUS_UNSPECIFIED,
}
"""Statuses whose word means another one to us when it comes in."""


def tell(
    status: int, kind: int = events.EVENT_KIND_STATUS_CHANGED, said: Delivery | None = None, **members: Any
) -> Any:
    """The message about a delivery of another carrier that reached a status."""
    delivery = Delivery(**{"id": "dlv_1", "status": status, **members})
    event = Event(id="evt_1", delivery_id="dlv_1", kind=kind, status=status, event_time=AT)  # type: ignore[arg-type]
    event.kinds.append(event.kind)
    event.report.patch.MergeFrom(said or Delivery())
    return write(OutboundEvent(event=event, delivery=delivery), Subscription())


def order(status: int = pb.DELIVERY_STATUS_DISPATCHED, **members: Any) -> Any:
    return tell(status, **members)["order"]


def euros(units: int, nanos: int = 0) -> Money:
    return Money(currency_code="EUR", units=units, nanos=nanos)


def test_every_status_is_in_the_table_and_every_word_is_evermiles() -> None:
    steps = [*filter(None, STEPS.values()), *BY_SUBSTATUS.values()]

    assert set(STEPS) == set(ALL)
    assert {each.order_status for each in steps} <= set(STATUSES)
    assert all(each.life_cycle_status in STATUSES[each.order_status].stages for each in steps if each.life_cycle_status)


@pytest.mark.parametrize("status", ALL, ids=pb.DeliveryStatus.Name)
def test_what_is_written_of_a_status_means_that_status_when_it_is_read(status: int) -> None:
    document = tell(status)
    if document is None:
        assert STEPS[status] is None  # type: ignore[index]
        return

    report = read("evermile", loads(json.dumps(document).encode())).report

    assert report.status == NEARBY.get(status, status)  # type: ignore[call-overload]
    assert not report.unmapped
    assert [issue.code for issue in report.issues] == []


def test_goods_that_are_ready_are_told_until_they_are_collected() -> None:
    ready = {"ready_for_pickup_time": AT}

    assert order(pb.DELIVERY_STATUS_PICKUP_EN_ROUTE, **ready)["status"]["orderStatus"] == "Ready"
    assert order(pb.DELIVERY_STATUS_PICKED_UP, **ready)["status"]["orderStatus"] == "Collected"


@pytest.mark.parametrize(
    ("status", "times"),
    [
        (pb.DELIVERY_STATUS_DISPATCHED, []),
        (pb.DELIVERY_STATUS_PICKED_UP, ["actualPickup"]),
        (pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE, ["actualPickup"]),
        (pb.DELIVERY_STATUS_DELIVERED, ["actualDropoff", "actualPickup"]),
    ],
)
def test_a_message_that_is_late_has_no_times_of_what_was_still_ahead(status: int, times: list[str]) -> None:
    reached = (pb.DELIVERY_STATUS_PICKED_UP, pb.DELIVERY_STATUS_DELIVERED)
    way = [Milestone(status=each, time=AT) for each in reached]
    event = Event(delivery_id="dlv_1", kind=events.EVENT_KIND_STATUS_CHANGED, status=status)  # type: ignore[arg-type]

    told = write(
        OutboundEvent(event=event, delivery=Delivery(status=pb.DELIVERY_STATUS_DELIVERED, milestones=way)),
        Subscription(),
    )

    assert told is not None
    assert [name for name in told["order"] if name.startswith("actual")] == times


def test_a_new_estimate_of_the_dropoff_is_live_tracking_and_one_of_the_pickup_a_picture() -> None:
    kind, status = events.EVENT_KIND_ESTIMATES_CHANGED, pb.DELIVERY_STATUS_DISPATCHED
    known = pb.Estimates(pickup_time=AT, dropoff_time=AT)

    tracking = tell(status, kind, said=Delivery(estimates=pb.Estimates(dropoff_time=AT)), estimates=known)
    picture = tell(status, kind, said=Delivery(estimates=pb.Estimates(pickup_time=AT)), estimates=known)

    assert list(tracking) == ["orderId", "timestamp", "trackingInfo", "updateKind"]
    assert tracking["updateKind"] == "DropoffEta"
    assert tracking["trackingInfo"]["dropoffEta"] == "2023-11-14T22:13:20.000Z"
    assert picture["order"]["pickupEta"] == "2023-11-14T22:13:20.000Z"


@pytest.mark.parametrize(
    "kind", [events.EVENT_KIND_REPORT_RECORDED, events.EVENT_KIND_SHIPMENT_CHANGED], ids=events.EventKind.Name
)
def test_what_changes_nothing_of_an_order_is_not_told(kind: int) -> None:
    assert tell(pb.DELIVERY_STATUS_DISPATCHED, kind) is None


def test_a_fee_is_the_only_line_of_a_bill_that_has_no_other() -> None:
    fee = [{"name": "CostItemDeliveryCost", "price": {"currency": "EUR", "value": 450}}]

    assert order(fee=euros(4, 500_000_000))["costBreakdown"] == fee
    billed = order(fee=euros(4, 500_000_000), costs=[CostItem(name="toll")])
    assert billed["costBreakdown"] == [{"name": "toll"}]


def test_an_amount_that_minor_units_cannot_hold_is_left_out_and_not_rounded() -> None:
    assert order(fee=euros(4, 505_000_000))["costBreakdown"] == [
        {"name": "CostItemDeliveryCost", "price": {"currency": "EUR"}}
    ]


def test_an_amount_in_another_currency_than_the_one_beside_it_is_left_out() -> None:
    cost = CostItem(name="trip")
    cost.price.amount.CopyFrom(euros(4))
    cost.price.booking_fee.CopyFrom(Money(currency_code="USD", units=1))

    assert order(costs=[cost])["costBreakdown"][0]["price"] == {"currency": "EUR", "value": 400}


def test_measures_are_told_in_centimetres_and_kilograms_and_not_at_all_without_a_unit() -> None:
    inches = Dimensions(length=10, width=4, height=2.5, unit=LENGTH_UNIT_INCH)
    pounds = Weight(value=2, unit=WEIGHT_UNIT_POUND)
    delivery = Delivery()
    delivery.consignment.parcels.append(Parcel(dimensions=inches, weight=pounds, items=[Item(sku="A", quantity=2)]))
    delivery.consignment.parcels.append(Parcel(reference="B", weight=Weight(value=2)))

    assert order(consignment=delivery.consignment)["parcels"] == [
        {
            "dimensions": {"heightCm": 6.35, "lengthCm": 25.4, "widthCm": 10.16},
            "itemsList": [{"quantity": 2, "sku": "A"}],
            "weightKg": 0.907185,
        },
        {"referenceId": "B"},
    ]
