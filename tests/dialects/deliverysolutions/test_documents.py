"""Every documented example of Delivery Solutions, verbatim: read, written again, and compared member by member."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import shipment_pb2 as shipments
from crossdock.v1 import window_pb2
from crossdock.v1.shipment_pb2 import Shipment, ShipmentHistoryEntry
from crossdock.v1.shipment_service_pb2 import ListShipmentsResponse
from google.protobuf.json_format import MessageToDict
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.dialects.deliverysolutions import history, lists, read, wire, write
from gateway.dialects.deliverysolutions.read import DIALECT
from gateway.dialects.deliverysolutions.statuses import BY_PHASE, BY_STATUS, FILTERS, Filter, word
from gateway.strict_json import loads

FOLDER = Path(__file__).parent
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
Json = dict[str, Any]

STATES = {
    "ORDER_DISPATCHED": (shipments.SHIPMENT_PHASE_BOOKED, pb.DELIVERY_STATUS_DISPATCHED),
    "ORDER_CANCELLED": (shipments.SHIPMENT_PHASE_CLOSED, pb.DELIVERY_STATUS_CANCELLED),
}


def document(name: str) -> Any:
    return loads((FOLDER / f"{name}.json").read_bytes(), max_bytes=1 << 20)


def answers() -> list[Json]:
    """Every documented answer that is a shipment."""
    singles: list[Json] = [document(name) for name in ("created", "shipment", "cancelled", "edited", "retried")]
    return [*singles, *document("listed")["data"]]


def canonical(answer: Json) -> Shipment:
    """The shipment of which the vendor's answer tells; what a request may say is read as a request."""
    requested = set(wire.Edit.model_json_schema(by_alias=True)["properties"])
    said = {name: member for name, member in answer.items() if name in requested and member is not None}
    said["package"] = {"temperatureControl": None} | said["package"]  # not every example tells it
    made = read.change(said, Shipment()).shipment
    made.id = answer.get("id") or ""
    made.phase, made.status = STATES[answer["status"]]
    for stop, kind in ((made.consignment.pickup, "Pickup"), (made.consignment.dropoff, "Delivery")):
        if (window := answer.get(f"estimated{kind}Time")) is not None:
            told = stop.windows.add(kind=window_pb2.WINDOW_KIND_ESTIMATED)
            for member, time in (("startsAt", told.start_time), ("endsAt", told.end_time)):
                if window.get(member) is not None:
                    time.FromMilliseconds(int(window[member]))
    if "pickupContact" in answer:
        made.consignment.pickup.contact.CopyFrom(read.contact(wire.Customer(**answer["pickupContact"]), "US"))
    made.consignment.pickup.address.CopyFrom(read.address(wire.Address(**answer["pickupAddress"])))
    if "undeliverableOrderReturnLocation" in answer:
        place, stop = answer["undeliverableOrderReturnLocation"], made.consignment.return_stop
        stop.name = place["name"]
        stop.contact.CopyFrom(read.contact(wire.Customer(**place["contact"]), "US"))
        stop.address.CopyFrom(read.address(wire.Address(**place["address"])))
    if provider := answer.get("provider"):
        carrier = made.carrier
        carrier.name, carrier.ref, carrier.display_name = provider["name"], provider["id"], provider["displayName"]
        carrier.service_level.id = provider.get("serviceId") or ""
        carrier.service_level.type = provider.get("serviceType") or ""
    for name, amount in (("amount", made.amount), ("fee", made.fee)):
        if answer.get(name) is not None:
            amount.CopyFrom(read.money(Decimal(answer[name]), answer["currencyCode"], name))
    made.tracking_number = answer.get("trackingId") or ""
    for name, time in (("createdAt", made.create_time), ("lastUpdatedAt", made.update_time)):
        if answer.get(name):
            time.FromJsonString(answer[name])
    return made


def without_nothing(value: Any) -> Any:
    """The document without what is null or empty: the vendor's own examples leave it out as often as they show it."""
    if isinstance(value, dict):
        plain = {name: without_nothing(member) for name, member in value.items()}
        return {name: member for name, member in plain.items() if member not in (None, "", [], {})}
    if isinstance(value, list):
        return [without_nothing(each) for each in value]
    return float(value) if isinstance(value, Decimal) else value


@pytest.mark.parametrize("answer", answers(), ids=lambda answer: str(answer["orderExternalId"]))
def test_a_documented_answer_is_written_as_it_is_documented(answer: Json) -> None:
    assert without_nothing(write.shipment(canonical(answer), answer["tenantId"])) == without_nothing(answer)


@pytest.mark.parametrize("name", ["create", "edit"])
def test_a_documented_request_is_read_and_nothing_of_it_is_lost(name: str) -> None:
    said = document(name)

    told = write.shipment(read.change(said, Shipment()).shipment, "dummyaccount1")

    assert {member: told[member] for member in without_nothing(said)} == {
        member: told[member] | value if isinstance(value, dict) else value
        for member, value in without_nothing(said).items()
    }


def test_the_documented_request_is_read_as_expected() -> None:
    made = read.new_shipment(document("create"), "USD")

    assert MessageToDict(made) == json.loads((FOLDER / "create.shipment.json").read_text())


def test_the_documented_list_is_read_as_expected() -> None:
    asked = document("list")
    del asked["paginationToken"]  # one of theirs names nothing here

    request = MessageToDict(lists.request(asked, NOW))

    assert request == {
        "pageSize": 100,
        "externalIds": ["1908241"],
        "locationExternalIds": ["100983"],
        "pickupAfter": "2022-05-01T10:58:02Z",
        "dropoffBefore": "2022-05-11T10:58:51Z",
        "createdAfter": "2022-05-01T10:58:02Z",
        "createdBefore": "2022-05-11T10:58:51.001Z",
        "updatedAfter": "2022-05-01T10:58:02Z",
        "updatedBefore": "2022-05-11T10:58:51.001Z",
        "statuses": [
            "DELIVERY_STATUS_DISPATCHED",
            "DELIVERY_STATUS_UNKNOWN",
            "DELIVERY_STATUS_DELIVERED",
            "DELIVERY_STATUS_CANCELLED",
            "DELIVERY_STATUS_PICKUP_EN_ROUTE",
            "DELIVERY_STATUS_PICKUP_APPROACHING",
            "DELIVERY_STATUS_PICKUP_ARRIVED",
            "DELIVERY_STATUS_PICKED_UP",
        ],
    }


@pytest.mark.parametrize("window", ["estimatedPickupTime", "estimatedDeliveryTime", "provider"])
def test_what_nobody_has_yet_is_told_in_its_form_as_documented(window: str) -> None:
    assert write.shipment(Shipment(), "t")[window] == document("cancelled")[window]


def test_a_package_of_which_nothing_is_said_needs_no_cooling_as_documented() -> None:
    made = read.new_shipment(document("create"), "USD")

    assert (
        write.shipment(made, "t")["package"]["temperatureControl"]
        == document("created")["package"]["temperatureControl"]
    )


@pytest.mark.parametrize("asked", [{}, {"lastUpdatedAt": {}}, {"createdAt": {"startsAt": None}}, {"status": []}])
def test_what_filters_nothing_is_a_list_of_the_last_day(asked: Json) -> None:
    assert lists.request(asked, NOW).created_after.ToDatetime(UTC) == NOW.replace(day=30, month=4)


@pytest.mark.parametrize(("more", "span"), [(-1, 30 * 86_400_000), (0, 30 * 86_400_000), (1, 30 * 86_400_000 + 2)])
def test_thirty_days_are_not_more_than_thirty_days(more: int, span: int) -> None:
    start = 1651402682000

    request = lists.request({"lastUpdatedAt": {"startsAt": start, "endsAt": start + 30 * 86_400_000 + more}}, NOW)

    assert request.updated_before.ToMilliseconds() - request.updated_after.ToMilliseconds() == span


def test_a_list_without_filter_is_of_the_last_day_and_so_are_its_further_pages() -> None:
    first = lists.request({}, NOW)
    page = lists.page(ListShipmentsResponse(next_page_token="abc"), first, {}, "t")

    later = lists.request({"paginationToken": page["paginationToken"]["next"]}, NOW.replace(hour=13))

    assert (first.page_size, first.created_after.ToDatetime(UTC)) == (1000, NOW.replace(day=30, month=4))
    assert later.created_after == first.created_after
    assert later.page_token == "abc"
    assert page["paginationToken"]["previous"] is None


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"limit": 1001}, "limit"),
        ({"limit": 0}, "limit"),
        ({"orderExternalIds": ["x"] * 101}, "orderExternalIds"),
        ({"locationExternalIds": ["x"] * 101}, "locationExternalIds"),
        ({"pickupTime": {"startsAt": 1651402682000}}, "deliveryTime.endsAt"),
        ({"deliveryTime": {"endsAt": 1651402682000}}, "pickupTime.startsAt"),
        ({"status": ["ORDER_LOST"]}, "status[0]"),
        ({"createdAt": {"startsAt": 1651402682}}, "createdAt.startsAt"),
        ({"createdAt": {"startsAt": 1651402682000, "endsAt": 1651402681999}}, "createdAt.endsAt"),
        ({"paginationToken": "never ours"}, "paginationToken"),
        ({"paginationToken": "MTIzfg=="}, "paginationToken"),
    ],
)
def test_a_list_that_cannot_be_is_refused_with_its_field(asked: Json, field: str) -> None:
    with pytest.raises(wire.Invalid) as refused:
        lists.request(asked, NOW)

    assert field in [path for path, _ in refused.value.faults]


def test_the_documented_history_is_written_as_it_is_documented() -> None:
    [expected] = document("history")
    times = ["2022-04-27T07:45:45Z", "2022-04-27T07:45:46Z", "2022-04-27T07:45:47Z", "2022-10-26T20:46:07Z"]
    entries = []
    for text, (phase, status) in zip(
        times,
        [
            (shipments.SHIPMENT_PHASE_RECEIVED, pb.DELIVERY_STATUS_CREATED),
            (shipments.SHIPMENT_PHASE_QUOTED, pb.DELIVERY_STATUS_DISPATCHING),
            (shipments.SHIPMENT_PHASE_BOOKED, pb.DELIVERY_STATUS_DISPATCHED),
            (shipments.SHIPMENT_PHASE_BOOKED, pb.DELIVERY_STATUS_RETURN_ARRIVED),
        ],
        strict=True,
    ):
        entry = ShipmentHistoryEntry(phase=phase, status=status, status_user="Default_Business_Key")
        entry.time.FromJsonString(text)
        entries.append(entry)
    last = entries[-1]
    last.status_user = "Walmart GoLocal"
    last.note = "ARRIVED_AT_RETURN( RT-001 - Customer rejected (missing item or quality issue) )"
    last.reason.code, last.reason_title = "customer_rejected", "Customer Rejected"
    last.reason.message = "RT-001 - Customer rejected (missing item or quality issue)"

    told = history.history(Shipment(id=expected["orderId"]), entries, ZoneInfo("America/Chicago"), "dummyaccount1")

    assert told == [expected]


@pytest.mark.parametrize(
    ("code", "expected"),
    [("customer_rejected", "CUSTOMER_REJECTED"), ("LeftAtFrontDoor", "LEFT_AT_FRONT_DOOR"), ("", None)],
)
def test_the_code_of_a_reason_is_spelled_as_theirs(code: str, expected: str | None) -> None:
    entry = ShipmentHistoryEntry(phase=shipments.SHIPMENT_PHASE_BOOKED, status=pb.DELIVERY_STATUS_RETURNING)
    entry.reason.code, entry.reason.message = code, "It was raining."

    [told] = history.history(Shipment(), [entry], UTC, "t")

    assert told["orderStatus"][0]["eventReason"]["code"] == expected


def test_steps_that_are_one_word_to_them_are_told_once() -> None:
    booked = shipments.SHIPMENT_PHASE_BOOKED
    statuses = (pb.DELIVERY_STATUS_PICKUP_EN_ROUTE, pb.DELIVERY_STATUS_PICKUP_ARRIVED, pb.DELIVERY_STATUS_PICKED_UP)
    entries = [ShipmentHistoryEntry(phase=booked, status=status) for status in statuses]

    [told] = history.history(Shipment(), entries, UTC, "t")

    assert [step["status"] for step in told["orderStatus"]] == ["PICKUP_STARTED", "PICKUP_COMPLETED"]


@pytest.mark.parametrize(
    ("instant", "zone", "text"),
    [
        ("2022-04-01T05:00:00Z", "America/Chicago", "April 1st 2022, 12:00:00 am CDT"),
        ("2022-12-02T18:00:09Z", "America/Chicago", "December 2nd 2022, 12:00:09 pm CST"),
        ("2022-06-03T00:00:00Z", "Europe/Paris", "June 3rd 2022, 2:00:00 am CEST"),
        ("2022-06-11T00:00:00Z", "UTC", "June 11th 2022, 12:00:00 am UTC"),
        ("2022-06-22T11:59:59Z", "UTC", "June 22nd 2022, 11:59:59 am UTC"),
        ("2022-05-31T11:59:59Z", "UTC", "May 31st 2022, 11:59:59 am UTC"),
    ],
)
def test_times_of_the_history_are_text_of_the_place(instant: str, zone: str, text: str) -> None:
    moment = Timestamp()
    moment.FromJsonString(instant)

    assert history.time_text(moment, ZoneInfo(zone)) == text


def test_every_state_has_a_word_and_every_word_finds_its_states() -> None:
    told = shipments.SHIPMENT_PHASE_BOOKED
    for status in pb.DeliveryStatus.values():
        if status:
            name = word(told, status)
            assert status in FILTERS[name].statuses or FILTERS[name].phases
    for phase, name in BY_PHASE.items():
        assert phase in FILTERS[name].phases
    assert FILTERS["STAGED"] == Filter()
    assert set(BY_STATUS.values()) | set(BY_PHASE.values()) <= set(FILTERS)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"orderValue": -1}, "orderValue"),
        ({"orderValue": "ten"}, "orderValue"),
        ({"orderExternalId": "x" * 101}, "orderExternalId"),
        ({"orderExternalId": ""}, "orderExternalId"),
        ({"locationExternalId": None}, "locationExternalId"),
        ({"groupId": "x" * 101}, "groupId"),
        ({"signature": "x" * 101}, "signature"),
        ({"deliveryInstructions": "x" * 10_001}, "deliveryInstructions"),
        ({"locale": "x" * 51}, "locale"),
        ({"itemList": [{}] * 101}, "itemList"),
        ({"package": {"size": {"unit": "parsec"}}}, "package.size.unit"),
        ({"package": {"weight": {"value": -1}}}, "package.weight.value"),
        ({"deliveryAddress": {"latitude": 1}}, "deliveryAddress"),
        ({"deliveryAddress": {"latitude": 91, "longitude": 1}}, "deliveryAddress.latitude"),
        ({"deliveryTime": {"startsAt": 1655468102000, "endsAt": 1655468101000}}, "deliveryTime.endsAt"),
        ({"deliveryTime": {"startsAt": 1655468102}}, "deliveryTime.startsAt"),
        ({"orderAttributes": []}, "orderAttributes"),
        ({"orderValue": Decimal("10.0000000001")}, "orderValue"),
        ({"itemList": [{"price": 1}, {"price": Decimal("10.0000000001")}]}, "itemList[1].price"),
        ({"itemList": [{"salePrice": Decimal("0.30000000000000004")}]}, "itemList[0].salePrice"),
    ],
)
def test_a_wrong_member_is_refused_by_its_name(change: Json, field: str) -> None:
    with pytest.raises(wire.Invalid) as refused:
        read.new_shipment(document("create") | change, "USD")

    assert [path for path, _ in refused.value.faults] == [field]


@pytest.mark.parametrize("member", ["locationExternalId", "orderExternalId", "deliveryAddress"])
def test_what_is_required_is_required(member: str) -> None:
    said = document("create")
    del said[member]

    with pytest.raises(wire.Invalid) as refused:
        read.new_shipment(said, "USD")

    assert refused.value.faults == ((member, "is a required field"),)


def test_units_are_turned_into_those_that_we_know() -> None:
    package = {
        "size": {"length": 1, "width": 2, "height": Decimal("0.5"), "unit": "ft"},
        "weight": {"value": Decimal(8), "unit": "oz"},
    }

    told = write.shipment(read.change({"package": package}, Shipment()).shipment, "t")["package"]

    assert told["size"] == {"length": 12, "width": 24, "height": 6, "unit": "in"}
    assert told["weight"] == {"value": 0.5, "unit": "lb"}


def test_an_edit_changes_what_it_names_and_leaves_the_carriers_promise() -> None:
    present = read.new_shipment(document("create"), "USD")
    present.id, present.etag = "shp_x", "7"
    promise = present.consignment.dropoff.windows.add(kind=window_pb2.WINDOW_KIND_COMMITTED)

    change = read.change(document("edit") | {"groupId": None}, present)

    assert (change.shipment.id, change.shipment.etag) == ("shp_x", "7")
    assert set(change.paths) == {
        "external_id",
        "group_id",
        "consignment.dropoff.windows",
        "consignment.pickup.windows",
        "consignment.dropoff.address",
        "consignment.dropoff.contact",
        "consignment.parcels",
        "consignment.value",
    }
    assert [each.kind for each in change.shipment.consignment.dropoff.windows] == [
        window_pb2.WINDOW_KIND_REQUESTED,
        promise.kind,
    ]


def test_members_of_nobody_are_kept_and_told_again() -> None:
    made = read.new_shipment(document("create") | {"isContactless": True, "status": "ORDER_DELIVERED"}, "USD")

    assert set(made.extensions[DIALECT].fields) == {"isContactless"}
    assert write.shipment(made, "t")["isContactless"] is True


def test_an_answer_that_is_sent_back_changes_nothing() -> None:
    present = read.new_shipment(document("create"), "USD")
    second = present.consignment.parcels.add()
    second.CopyFrom(present.consignment.parcels[0])
    told = loads(json.dumps(write.shipment(present, "t")).encode(), max_bytes=1 << 20)

    present.currency_code = "USD"
    change = read.change({name: member for name, member in told.items() if member is not None}, present)

    assert change.shipment.consignment == present.consignment
