"""What the page shows of a shipment, and what not."""

from datetime import UTC, datetime
from typing import Any

import pytest
from crossdock.v1.contact_pb2 import Phone
from crossdock.v1.courier_pb2 import Courier
from crossdock.v1.delivery_pb2 import DeliveryStatus
from crossdock.v1.shipment_pb2 import ShipmentPhase
from crossdock.v1.shipment_service_pb2 import ResolveShipmentLinkResponse
from crossdock.v1.window_pb2 import TimeWindow, WindowKind
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.tracking.labels import LONGEST_CODE, label_of
from gateway.tracking.views import first_name, masked, moment_of, page_of, zone_of
from gateway.tracking.words import HEADLINES

EN_ROUTE = DeliveryStatus.DELIVERY_STATUS_DROPOFF_EN_ROUTE
BOOKED = ShipmentPhase.SHIPMENT_PHASE_BOOKED


def at(hour: int, minute: int = 0) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(datetime(2026, 3, 7, hour, minute, tzinfo=UTC))
    return made


def found(
    status: "DeliveryStatus.ValueType" = EN_ROUTE, phase: "ShipmentPhase.ValueType" = BOOKED
) -> ResolveShipmentLinkResponse:
    """A shipment under way with everything told."""
    made = ResolveShipmentLinkResponse()
    made.location.name, made.location.time_zone = "Acme", "America/Chicago"
    made.shipment.id, made.shipment.status, made.shipment.phase = "shp_1", status, phase
    made.shipment.create_time.CopyFrom(at(10))
    delivery = made.delivery
    delivery.status, delivery.carrier = status, "Roadrunner"
    delivery.courier.CopyFrom(Courier(name="Dora Driver", phone=Phone(e164="+13125550123", raw="(312) 555-0123")))
    delivery.estimates.dropoff_time.CopyFrom(at(18, 5))
    delivery.links.tracking_url = "https://carrier.example/1"
    return made


@pytest.mark.parametrize("status", DeliveryStatus.values())
def test_every_status_has_words(status: "DeliveryStatus.ValueType") -> None:
    assert all(HEADLINES[status])
    assert page_of(found(status)).headline == HEADLINES[status][0]


def test_times_are_the_locations_own() -> None:
    page = page_of(found())

    assert [each.text for each in page.expected] == ["Saturday 7 March, 12:05 CST"]
    assert page.expected[0].iso == "2026-03-07T12:05-06:00"


def test_summer_time_has_its_own_name() -> None:
    july = Timestamp()
    july.FromDatetime(datetime(2026, 7, 4, 18, tzinfo=UTC))

    assert moment_of(july, zone_of(found())).text == "Saturday 4 July, 13:00 CDT"


@pytest.mark.parametrize("zone", ["", "Atlantis/Capital", "../etc/passwd"])
def test_a_zone_that_is_none_is_utc(zone: str) -> None:
    told = found()
    told.location.time_zone = zone

    assert page_of(told).expected[0].text.endswith("18:05 UTC")


@pytest.mark.parametrize(
    ("kinds", "hours"), [(["REQUESTED"], [14, 16]), (["REQUESTED", "COMMITTED", "ESTIMATED"], [18, 20]), ([], [])]
)
def test_without_estimate_the_surest_window_is_shown(kinds: list[str], hours: list[int]) -> None:
    told = found()
    told.delivery.ClearField("estimates")
    for number, kind in enumerate(kinds):
        window = TimeWindow(kind=WindowKind.Value(f"WINDOW_KIND_{kind}"))
        window.start_time.CopyFrom(at(14 + 2 * number))
        window.end_time.CopyFrom(at(16 + 2 * number))
        told.shipment.consignment.dropoff.windows.append(window)

    expected = page_of(told).expected
    shown = [datetime.fromisoformat(each.iso).astimezone(UTC).hour for each in expected]

    assert shown == hours
    assert ["Saturday" in each.text for each in expected] == [True, False][: len(hours)]  # the day is told once


def test_the_courier_is_shown_by_first_name_and_the_end_of_the_number() -> None:
    page = page_of(found())

    assert (page.courier, page.phone) == ("Dora", "•••• 0123")
    assert "Driver" not in repr(page)
    assert "55501" not in repr(page)


@pytest.mark.parametrize(
    "status", ["CREATED", "DISPATCHED", "DELIVERED", "RETURNING", "CANCELLED", "UNDELIVERABLE", "FAILED"]
)
def test_before_and_after_the_way_the_courier_is_a_private_person(status: str) -> None:
    page = page_of(found(DeliveryStatus.Value(f"DELIVERY_STATUS_{status}")))

    assert (page.courier, page.phone) == ("", "")


def test_a_courier_who_gave_up_is_not_shown_while_another_is_sought() -> None:
    page = page_of(found(phase=ShipmentPhase.SHIPMENT_PHASE_RECEIVED))

    assert (page.courier, page.carrier, page.carrier_url, page.expected) == ("", "", "", ())


@pytest.mark.parametrize(
    ("phone", "shown"),
    [("+13125550123", "•••• 0123"), ("(312) 555-0123", "•••• 0123"), ("xxx-xxx-0123", ""), ("0123", ""), ("", "")],
)
def test_a_number_is_masked(phone: str, shown: str) -> None:
    assert masked(phone) == shown


@pytest.mark.parametrize(
    ("courier", "name"),
    [
        (Courier(name="Dora Driver"), "Dora"),
        (Courier(first_name="Dora", name="D. Driver"), "Dora"),
        (Courier(name="  "), ""),
    ],
)
def test_a_first_name_is_all_that_is_told(courier: Courier, name: str) -> None:
    assert first_name(courier) == name


def test_steps_that_nobody_reported_are_not_shown() -> None:
    told = found()
    for status, synthetic in (("DRIVER_ASSIGNED", False), ("PICKED_UP", True), ("DROPOFF_EN_ROUTE", False)):
        told.delivery.milestones.add(
            status=DeliveryStatus.Value(f"DELIVERY_STATUS_{status}"), time=at(12), synthetic=synthetic
        )

    assert [each.text for each in page_of(told).steps] == ["Order received", "Courier found", "On its way to you"]


@pytest.mark.parametrize(
    ("number", "code"),
    [("TRK-1", "TRK-1"), ("", "shp_1"), ("ü-1", "shp_1"), ("a\nb", "shp_1"), ("9" * (LONGEST_CODE + 1), "shp_1")],
)
def test_the_bar_code_is_the_carriers_number_where_it_can_be(number: str, code: str) -> None:
    told: Any = found()
    told.shipment.tracking_number = number

    assert label_of(told).code == code
