"""What the tracking page shows of a shipment; pure. Takes no address, no full name and no price into the page."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from crossdock.v1.courier_pb2 import Courier
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_UNSPECIFIED, Delivery
from crossdock.v1.shipment_pb2 import SHIPMENT_PHASE_BOOKED, SHIPMENT_PHASE_CLOSED, Shipment
from crossdock.v1.shipment_service_pb2 import ResolveShipmentLinkResponse
from crossdock.v1.window_pb2 import TimeWindow, WindowKind
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.tracking.words import EXPECTED, HEADLINES, STEPS, WITH_COURIER

_SURE_FIRST = (
    WindowKind.WINDOW_KIND_ESTIMATED,
    WindowKind.WINDOW_KIND_COMMUNICATED,
    WindowKind.WINDOW_KIND_COMMITTED,
    WindowKind.WINDOW_KIND_REQUESTED,
)
"""The windows of a dropoff, the one that tells most first."""
_SHOWN_DIGITS, _LEAST_DIGITS = 4, 7


@dataclass(frozen=True)
class Moment:
    """A time for people, in the location's zone, and for programs."""

    text: str
    iso: str


@dataclass(frozen=True)
class Step:
    """Something that happened."""

    text: str
    time: Moment


@dataclass(frozen=True)
class Page:
    """All that the page shows; what is empty or None is left out."""

    headline: str
    sentence: str
    sender: str
    expected: tuple[Moment, ...]
    """About one moment, or between two."""
    courier: str
    phone: str
    carrier: str
    carrier_url: str
    tracking_number: str
    steps: tuple[Step, ...]
    live: bool
    """Whether it may still change."""


def page_of(found: ResolveShipmentLinkResponse) -> Page:
    """The page of a shipment."""
    shipment, zone = found.shipment, zone_of(found)
    delivery = booked_delivery(found) or Delivery()
    headline, sentence = HEADLINES.get(shipment.status) or HEADLINES[DELIVERY_STATUS_UNSPECIFIED]
    courier = delivery.courier if shipment.status in WITH_COURIER else Courier()
    return Page(
        headline=headline,
        sentence=sentence,
        sender=shipment.consignment.merchant_name or found.location.name,
        expected=tuple(_expected(shipment, delivery, zone)),
        courier=first_name(courier),
        phone=masked(courier.phone.e164 or courier.phone.raw),
        carrier=delivery.courier_company or delivery.carrier,
        carrier_url=delivery.links.tracking_url if shipment.status in EXPECTED else "",
        tracking_number=shipment.tracking_number,
        steps=tuple(_steps(shipment, delivery, zone)),
        live=shipment.phase != SHIPMENT_PHASE_CLOSED,
    )


def booked_delivery(found: ResolveShipmentLinkResponse) -> Delivery | None:
    """The delivery by which the shipment goes or went; none while a carrier is sought, whoever had it before."""
    if found.HasField("delivery") and found.shipment.phase in (SHIPMENT_PHASE_BOOKED, SHIPMENT_PHASE_CLOSED):
        return found.delivery
    return None


def first_name(courier: Courier) -> str:
    """What a courier is called at the door."""
    return courier.first_name or next(iter(courier.name.split()), "")


def masked(phone: str) -> str:
    """The end of a telephone number, to recognise a call by; nothing of one that is short or masked already."""
    digits = re.sub(r"[^0-9]", "", phone)
    return f"•••• {digits[-_SHOWN_DIGITS:]}" if len(digits) >= _LEAST_DIGITS else ""


def zone_of(found: ResolveShipmentLinkResponse) -> tzinfo:
    """The time zone of the location; UTC for one that is not known here."""
    try:
        return ZoneInfo(found.location.time_zone)
    except (ValueError, OSError, KeyError):
        return UTC


def moment_of(time: Timestamp, zone: tzinfo, *, only_clock: bool = False) -> Moment:
    """A time in a zone; ``only_clock`` after another one of the same day."""
    local = time.ToDatetime(tzinfo=UTC).astimezone(zone)
    day = "" if only_clock else f"{local:%A} {local.day} {local:%B}, "
    return Moment(f"{day}{local:%H:%M} {local.tzname()}", _iso(local))


def _iso(local: datetime) -> str:
    return local.isoformat(timespec="minutes")


def _expected(shipment: Shipment, delivery: Delivery, zone: tzinfo) -> Iterator[Moment]:
    if shipment.status not in EXPECTED:
        return
    if delivery.estimates.HasField("dropoff_time"):
        yield moment_of(delivery.estimates.dropoff_time, zone)
        return
    windows = {window.kind: window for window in shipment.consignment.dropoff.windows}
    best = next((windows[kind] for kind in _SURE_FIRST if kind in windows), TimeWindow())
    ends = [getattr(best, name) for name in ("start_time", "end_time") if best.HasField(name)]
    days = {time.ToDatetime(tzinfo=UTC).astimezone(zone).date() for time in ends}
    for position, time in enumerate(ends):
        same_day = position > 0 and len(days) == 1
        yield moment_of(time, zone, only_clock=same_day)


def _steps(shipment: Shipment, delivery: Delivery, zone: tzinfo) -> Iterator[Step]:
    yield Step("Order received", moment_of(shipment.create_time, zone))
    for milestone in delivery.milestones:
        if milestone.status in STEPS and not milestone.synthetic:
            yield Step(STEPS[milestone.status], moment_of(milestone.time, zone))
