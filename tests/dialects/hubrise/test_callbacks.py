from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import event_pb2 as events
from crossdock.v1.courier_pb2 import Courier
from crossdock.v1.delivery_pb2 import Delivery, Milestone
from crossdock.v1.event_pb2 import Event
from crossdock.v1.location_pb2 import Location
from crossdock.v1.report_pb2 import DeliveryReport
from crossdock.v1.subscription_pb2 import OutboundEvent, Subscription
from google.protobuf.timestamp_pb2 import Timestamp

from gateway import strict_json
from gateway.dialects.hubrise import read, write
from gateway.dialects.hubrise.words import STATUSES_OUT, TIMES_OUT, TIMES_UNDER
from gateway.dialects.hubrise.write_callbacks import SHOWN, write_event

HERE = Path(__file__).parent
PARIS = Location(id="loc_1", time_zone="Europe/Paris")
ENVELOPE = ["id", "resource_type", "event_type", "created_at", "delivery_id", "order_id", "location_id"]


def at(minute: int) -> Timestamp:
    return Timestamp(seconds=1_700_000_000 + 60 * minute)


def tell(event: Event, delivery: Delivery) -> dict[str, Any] | None:
    event.id, event.delivery_id = "evt_1", "dlv_1"
    if not event.HasField("event_time"):
        event.event_time.CopyFrom(at(9))
    return write_event(OutboundEvent(event=event, delivery=delivery, location=PARIS), Subscription())


def told(event: Event, delivery: Delivery) -> dict[str, Any]:
    document = tell(event, delivery)
    assert document is not None
    return document


def moved(before: int, after: int, *paths: str, **members: Any) -> Event:
    return Event(
        kind=events.EVENT_KIND_STATUS_CHANGED,
        previous_status=before,  # type: ignore[arg-type]
        status=after,  # type: ignore[arg-type]
        changed_paths=["status", "milestones", *paths],
        **members,
    )


def changed(*paths: str, status: int = pb.DELIVERY_STATUS_DISPATCHED) -> Event:
    kind = events.EVENT_KIND_DETAILS_CHANGED
    return Event(kind=kind, previous_status=status, status=status, changed_paths=paths)  # type: ignore[arg-type]


def milestones(*statuses: int) -> list[Milestone]:
    return [Milestone(status=each, time=at(minute)) for minute, each in enumerate(statuses)]  # type: ignore[arg-type]


def test_a_creation_has_a_new_state_and_an_update_has_both() -> None:
    created = told(Event(kind=events.EVENT_KIND_CREATED, status=pb.DELIVERY_STATUS_CREATED), Delivery(id="dlv_1"))
    updated = told(changed("courier"), Delivery(id="dlv_1", status=pb.DELIVERY_STATUS_DISPATCHED))

    assert list(created) == [*ENVELOPE, "new_state"]
    assert list(updated) == [*ENVELOPE, "previous_state", "new_state"]
    assert (created["resource_type"], created["event_type"]) == ("delivery", "create")
    assert (updated["resource_type"], updated["event_type"]) == ("delivery", "update")


def test_the_new_state_is_what_get_answers() -> None:
    delivery = Delivery(id="dlv_1", carrier="UPS", status=pb.DELIVERY_STATUS_DELIVERED)

    document = told(moved(pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE, pb.DELIVERY_STATUS_DELIVERED), delivery)

    assert document["new_state"] == write.delivery(delivery, ZoneInfo("Europe/Paris"))


def test_the_previous_state_has_the_previous_word_and_only_what_is_known_of_before() -> None:
    way = milestones(pb.DELIVERY_STATUS_PICKUP_EN_ROUTE, pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE)
    delivery = Delivery(
        id="dlv_1",
        status=pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE,
        milestones=way,
        courier=Courier(name="Ann"),
        carrier="UPS",
    )

    event = moved(pb.DELIVERY_STATUS_PICKUP_ARRIVED, pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE, "courier")
    document = told(event, delivery)

    previous, new = document["previous_state"], document["new_state"]
    assert (previous["status"], new["status"]) == ("pickup_waiting", "dropoff_enroute")
    assert previous["carrier"] == "UPS"
    assert "driver_name" not in previous
    assert new["driver_name"] == "Ann"
    assert previous["pickup_at"] is None
    assert new["pickup_at"] is not None
    assert previous["assigned_at"] == new["assigned_at"] is not None


def test_a_message_that_is_late_tells_the_word_and_the_times_of_then() -> None:
    way = milestones(
        pb.DELIVERY_STATUS_PICKUP_EN_ROUTE, pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE, pb.DELIVERY_STATUS_DELIVERED
    )
    delivery = Delivery(id="dlv_1", status=pb.DELIVERY_STATUS_DELIVERED, milestones=way)

    document = told(moved(pb.DELIVERY_STATUS_DISPATCHED, pb.DELIVERY_STATUS_PICKUP_EN_ROUTE), delivery)

    state = document["new_state"]
    assert (state["status"], state["pickup_at"], state["delivered_at"]) == ("pickup_enroute", None, None)
    assert state["assigned_at"] is not None
    assert len(delivery.milestones) == 3


@pytest.mark.parametrize(
    ("status", "times"),
    [
        (pb.DELIVERY_STATUS_CREATED, []),
        (pb.DELIVERY_STATUS_PICKUP_EN_ROUTE, ["assigned_at"]),
        (pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE, ["assigned_at", "pickup_at"]),
    ],
)
def test_what_was_still_ahead_is_not_told_though_a_carriers_clock_puts_it_before_the_beginning(
    status: int, times: list[str]
) -> None:
    way = milestones(
        pb.DELIVERY_STATUS_DELIVERED,
        pb.DELIVERY_STATUS_PICKUP_EN_ROUTE,
        pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE,
        pb.DELIVERY_STATUS_CREATED,
    )
    delivery = Delivery(id="dlv_1", status=pb.DELIVERY_STATUS_DELIVERED, milestones=way)

    state = told(Event(kind=events.EVENT_KIND_CREATED, status=status), delivery)["new_state"]  # type: ignore[arg-type]

    assert [name for name in TIMES_OUT if state[name] is not None] == times


def test_every_word_says_which_times_go_with_it() -> None:
    assert set(TIMES_UNDER) == set(STATUSES_OUT.values())
    assert {name for names in TIMES_UNDER.values() for name in names} == set(TIMES_OUT)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (pb.DELIVERY_STATUS_CREATED, pb.DELIVERY_STATUS_DISPATCHED),
        (pb.DELIVERY_STATUS_PICKED_UP, pb.DELIVERY_STATUS_AT_HUB),
        (pb.DELIVERY_STATUS_DROPOFF_EN_ROUTE, pb.DELIVERY_STATUS_UNDELIVERABLE),
        (pb.DELIVERY_STATUS_UNDELIVERABLE, pb.DELIVERY_STATUS_RETURNING),
    ],
)
def test_a_step_that_has_no_word_of_its_own_is_not_told(before: int, after: int) -> None:
    way = milestones(pb.DELIVERY_STATUS_PICKED_UP, after)

    assert tell(moved(before, after), Delivery(id="dlv_1", status=after, milestones=way)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("path", SHOWN)
def test_a_change_of_what_hubrise_shows_is_told(path: str) -> None:
    assert tell(changed(path), Delivery(id="dlv_1", status=pb.DELIVERY_STATUS_DISPATCHED)) is not None


@pytest.mark.parametrize("path", ["driver_pay", "parking_slot", "proofs", "attention", "consignment", "etag"])
def test_a_change_of_what_hubrise_does_not_show_is_not_told(path: str) -> None:
    assert tell(changed(path), Delivery(id="dlv_1", status=pb.DELIVERY_STATUS_DISPATCHED)) is None


def test_a_time_that_is_given_late_is_told_without_the_one_before() -> None:
    way = [Milestone(status=pb.DELIVERY_STATUS_PICKUP_EN_ROUTE, time=at(1), overridden=True)]
    delivery = Delivery(id="dlv_1", status=pb.DELIVERY_STATUS_DELIVERED, milestones=way)
    event = changed("milestones", status=pb.DELIVERY_STATUS_DELIVERED)
    event.report.CopyFrom(DeliveryReport(milestones=way))

    document = told(event, delivery)

    assert "assigned_at" not in document["previous_state"]
    assert document["new_state"]["assigned_at"] is not None


def test_a_report_that_changed_nothing_is_not_told() -> None:
    event = changed("courier")
    event.kind = events.EVENT_KIND_REPORT_RECORDED

    assert tell(event, Delivery(id="dlv_1")) is None


def test_every_status_has_a_word() -> None:
    assert set(STATUSES_OUT) == {value for value in pb.DeliveryStatus.values() if value}


@pytest.mark.parametrize("path", sorted((HERE / "new_deliveries").glob("documented.json")))
def test_the_documented_delivery_is_told_to_subscribers_as_it_was_posted(path: Path) -> None:
    posted = strict_json.loads(path.read_bytes())
    delivery = read.new_delivery(posted, "5dpm9", "3r4s3-1")

    document = told(Event(kind=events.EVENT_KIND_CREATED, status=delivery.status), delivery)

    told_of_it = document["new_state"]
    assert {name: told_of_it[name] for name in posted} == posted
    empty = {name: value for name, value in told_of_it.items() if name not in posted}
    assert empty == {"id": None, "order_id": "5dpm9", "location_id": "3r4s3-1"} | dict.fromkeys(
        ("assigned_at", "pickup_at", "delivered_at", "cancelled_at")
    )
