from crossdock.v1.consignment_pb2 import Consignment, Stop
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.window_pb2 import WINDOW_KIND_ESTIMATED, WINDOW_KIND_REQUESTED, TimeWindow
from google.protobuf.timestamp_pb2 import Timestamp

from services.deliveries.merging import OWN, SET_ONCE, clear, merge


def merged(*told: Delivery) -> Delivery:
    delivery = Delivery()
    for each in told:
        merge(delivery, each)
    return delivery


def test_every_member_that_the_rules_own_or_agree_on_exists() -> None:
    assert set(Delivery.DESCRIPTOR.fields_by_name) >= OWN | SET_ONCE


def test_what_follows_from_reports_is_not_told_by_a_patch() -> None:
    told = Delivery(id="dlv_9", attempt=9, etag="9", status_time=Timestamp(seconds=9))

    assert merged(told) == Delivery()


def test_parts_are_merged_member_by_member() -> None:
    first, second = Delivery(), Delivery()
    first.links.tracking_url = "https://a.example"
    second.links.label_url = "https://b.example"

    both = merged(first, second)

    assert (both.links.tracking_url, both.links.label_url) == ("https://a.example", "https://b.example")


def test_a_time_is_replaced_as_a_whole() -> None:
    first, second = Delivery(), Delivery()
    first.estimates.dropoff_time.CopyFrom(Timestamp(seconds=1, nanos=5))
    second.estimates.dropoff_time.CopyFrom(Timestamp(seconds=2))

    assert merged(first, second).estimates.dropoff_time == Timestamp(seconds=2)


def test_an_unreadable_phone_does_not_keep_the_old_number_in_e164() -> None:
    first, second = Delivery(), Delivery()
    first.courier.phone.raw, first.courier.phone.e164 = "0612345678", "+33612345678"
    second.courier.phone.raw = "06XXXXXX99"

    assert merged(first, second).courier.phone.e164 == ""


def test_references_proofs_and_refunds_are_united_by_what_they_are() -> None:
    told = Delivery()
    told.references.add(scope="skipcart.order", value="1")
    told.proofs.add(url="https://a.example/1.jpg")
    told.proofs.add(text="left at the door")
    told.refunds.add(external_id="r1")
    more = Delivery()
    more.CopyFrom(told)
    more.refunds[0].reason = "told differently"
    more.references.add(scope="skipcart.order", value="2")

    both = merged(told, more, told)

    assert [each.value for each in both.references] == ["1", "2"]
    assert len(both.proofs) == 2
    assert [each.reason for each in both.refunds] == [""]


def test_a_cost_is_replaced_by_its_name() -> None:
    first, second = Delivery(), Delivery()
    first.costs.add(item_id="1", name="base").price.amount.units = 4
    first.costs.add(name="tip").price.amount.units = 1
    second.costs.add(name="tip").price.amount.units = 2

    assert [each.price.amount.units for each in merged(first, second).costs] == [4, 2]


def bill(*lines: tuple[str, str, int]) -> Delivery:
    delivery = Delivery()
    for item_id, name, units in lines:
        delivery.costs.add(item_id=item_id, name=name).price.amount.units = units
    return delivery


def test_lines_of_one_bill_stay_apart_whatever_they_are_called() -> None:
    told = bill(("", "wait", 4), ("", "wait", 4), ("", "wait", 7), ("7", "", 1), ("7", "", 2), ("", "", 9), ("", "", 9))

    assert merged(told) == told
    assert merged(told, told) == told


def test_lines_of_one_name_match_those_of_the_next_bill_by_their_order() -> None:
    first = bill(("", "wait", 4), ("", "tip", 1), ("", "wait", 7), ("wait", "", 2))
    second = bill(("", "wait", 5))
    third = bill(("", "wait", 5), ("", "wait", 6), ("", "wait", 8), ("wait", "wait", 3))

    assert merged(first, second) == bill(("", "wait", 5), ("", "tip", 1), ("", "wait", 7), ("wait", "", 2))
    assert merged(first, second, third) == bill(
        ("", "wait", 5), ("", "tip", 1), ("", "wait", 6), ("wait", "wait", 3), ("", "wait", 8)
    )


def test_windows_are_kept_by_kind_and_other_lists_replaced() -> None:
    requested = TimeWindow(kind=WINDOW_KIND_REQUESTED, start_time=Timestamp(seconds=1))
    estimated = TimeWindow(kind=WINDOW_KIND_ESTIMATED, start_time=Timestamp(seconds=2))
    first = Delivery(consignment=Consignment(dropoff=Stop(windows=[requested]), handling=["fragile"]))
    second = Delivery(consignment=Consignment(dropoff=Stop(windows=[estimated]), handling=["fluids"]))

    both = merged(first, second).consignment

    assert list(both.dropoff.windows) == [requested, estimated]
    assert list(both.handling) == ["fluids"]


def test_a_free_form_object_is_replaced_and_its_lists_do_not_grow() -> None:
    told = Delivery()
    told.consignment.schedule.recurrence.update({"frequency": "weekly", "weekdays": [{"day": "Monday"}]})
    changed = Delivery()
    changed.consignment.schedule.external_id = "s1"
    changed.consignment.schedule.recurrence.update({"weekdays": [{"day": "Friday"}]})

    assert merged(told, changed, changed).consignment.schedule == changed.consignment.schedule


def test_extensions_are_merged_by_dialect_and_member() -> None:
    first, second = Delivery(), Delivery()
    first.extensions["skipcart"].update({"a": 1, "b": 1})
    second.extensions["skipcart"].update({"b": 2})
    second.extensions["hubrise"].update({"c": 3})

    both = merged(first, second).extensions

    assert dict(both["skipcart"]) == {"a": 1, "b": 2}
    assert dict(both["hubrise"]) == {"c": 3}


def test_clearing_reaches_into_parts_and_spares_what_the_rules_own() -> None:
    delivery = Delivery(status=9, carrier="UPS", tracking_number="T1", parking_slot="4")  # type: ignore[arg-type]
    delivery.courier.name = "Al"
    delivery.courier.vehicle.make = "Tesla"

    clear(delivery, ["courier.vehicle", "parking_slot", "status", "carrier", "links.label_url", "nothing"])

    assert (delivery.courier.name, delivery.courier.HasField("vehicle")) == ("Al", False)
    assert (delivery.parking_slot, delivery.tracking_number, delivery.carrier) == ("", "T1", "UPS")
    assert delivery.status == 9
    assert not delivery.HasField("links")
