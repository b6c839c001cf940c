"""Skipcart's webhook put into the hub's words; pure: what it tells follows from the document and its source alone."""

import re
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from crossdock.v1.actor_pb2 import ACTOR_KIND_CARRIER
from crossdock.v1.delivery_pb2 import DELIVERY_STATUS_DELIVERED, DELIVERY_STATUS_FAILED, Delivery
from crossdock.v1.proof_pb2 import PROOF_KIND_PHOTO, PROOF_KIND_REMARKS, PROOF_KIND_SIGNATURE
from crossdock.v1.report_pb2 import DeliveryReport, Issue

from gateway.dialects.inbound import ReadContext, Reading
from gateway.dialects.skipcart.keys import dedupe_key
from gateway.dialects.skipcart.statuses import STATUSES, Destination, Meaning, meaning_of
from gateway.dialects.skipcart.wire import (
    DeliveryDetails,
    Driver,
    EstimatedArrival,
    Location,
    SkipcartEvent,
    Vehicle,
    parse,
)
from gateway.dialects.tolerance import issue, keep, unknown_members, unreadable
from gateway.dialects.values import Values, stamp
from gateway.money import read_decimal, to_units_and_nanos
from gateway.phones import read_phone
from gateway.unreadable import Unreadable

_NOTHING_KNOWN = Meaning()
_VEHICLE = tuple(Vehicle.model_fields)
_METERS = re.compile(r"[0-9]{1,12}([.][0-9]{1,30})?")


def read(document: Any, context: ReadContext) -> Reading:
    """The report and the dedupe key. Raises `MalformedMessage` for what is no event of an order."""
    event, issues = parse(document)
    return _Reader(event, context, issues).read(document)


class _Reader:
    """One event on its way into one report."""

    def __init__(self, event: SkipcartEvent, context: ReadContext, issues: list[Issue]) -> None:
        self._event = event
        self._context = context
        self._issues = issues
        self._values = Values(issues)
        self._report = DeliveryReport()
        self._patch: Delivery = self._report.patch
        self._kept = unknown_members(event)
        self._proof_time: datetime | None = None

    def read(self, document: Any) -> Reading:
        event, report = self._event, self._report
        key = dedupe_key(event, self._issues, document)
        report.actor.kind = ACTOR_KIND_CARRIER
        report.actor.id = self._context.source_id
        report.status_raw = event.event_status or ""
        report.substatus_raw = event.order_status or ""
        meaning = self._read_words()
        self._read_time(meaning)
        self._read_names()
        if not meaning.has_no_driver:
            self._read_driver(event.driver or Driver())
            self._read_location(event.location or Location())
            self._read_arrival(event.estimated_arrival or EstimatedArrival(), meaning.heading)
        self._read_details(event.delivery_details or DeliveryDetails())
        self._read_rest(meaning)
        report.issues.extend(self._issues)
        return Reading(report, key)

    def _read_words(self) -> Meaning:
        event, report = self._event, self._report
        meaning = meaning_of(event.event_status, event.order_status, event.reason_code)
        if event.event_status not in STATUSES:
            self._tell_unknown_word(meaning)
        if meaning is None:
            report.unmapped = True
            return _NOTHING_KNOWN
        report.status = meaning.status
        report.ping = meaning.ping
        report.substatus = meaning.substatus
        named = event.driver is not None and bool(event.driver.driver_id)
        if named or meaning.has_no_driver:
            # A `confirmed` that names no driver does not say that it is another one.
            report.reset = meaning.reset
        self._read_reason(meaning)
        if meaning.attention:
            report.attention.add(reason=meaning.attention, message=event.reason_code or "")
        if meaning.delayed:
            self._patch.delayed = True
        return meaning

    def _tell_unknown_word(self, meaning: Meaning | None) -> None:
        word = self._event.event_status
        then = "neither is order_status" if meaning is None else f"order_status {self._event.order_status} counts"
        if word:
            self._issues.append(issue("/event_status", "unknown_word", f"{word[:40]!r} is not documented; {then}"))
        elif all(each.pointer != "/event_status" for each in self._issues):
            self._issues.append(issue("/event_status", "missing", f"no event is named; {then}"))

    def _read_reason(self, meaning: Meaning) -> None:
        event, reason = self._event, self._report.reason
        if meaning.reason:
            reason.code = meaning.reason
        if meaning.by:
            reason.actor.kind = meaning.by
        if event.schedule_failed_reason and meaning.status == DELIVERY_STATUS_FAILED:
            reason.message = event.schedule_failed_reason
        elif event.schedule_failed_reason:
            self._kept["schedule_failed_reason"] = event.schedule_failed_reason
        if meaning.heading is Destination.STORE_AGAIN and event.delivery_details:
            reason.message = event.delivery_details.return_reason or ""
        if event.event_status == "close_order" and event.reason_code:
            self._report.substatus = reason.code = event.reason_code
        elif event.reason_code:
            self._kept["reason_code"] = event.reason_code

    def _read_time(self, meaning: Meaning) -> None:
        """When it happened. `delivered_on_utc` stands in for the time of a delivery, and never overrides it.

        An explicit milestone would replace what is recorded without being held against any clock, even where
        the report itself is refused.
        """
        details = self._event.delivery_details
        time = self._values.utc("/event_time_utc", self._event.event_time_utc)
        delivered = self._values.utc(
            "/delivery_details/delivered_on_utc", details.delivered_on_utc if details else None
        )
        if time is None and meaning.status == DELIVERY_STATUS_DELIVERED:
            time = delivered
        elif details and delivered and delivered != time:
            self._keep("delivery_details", "delivered_on_utc", details.delivered_on_utc)
        if time is not None:
            stamp(self._report.event_time, time)
        self._proof_time = delivered

    def _read_names(self) -> None:
        event, report = self._event, self._report
        if event.skipcart_order_id:
            report.targets.add(scope="skipcart.order", value=event.skipcart_order_id, exclusive=True)
        if event.partner_order_id:
            report.targets.add(scope="order", value=event.partner_order_id)
        if event.agg_order_id:
            self._patch.references.add(scope="aggregator.order", value=event.agg_order_id)
        self._patch.carrier = "Skipcart"
        self._patch.carrier_ref = "skipcart"
        if event.skipcart_delivery_id:
            self._patch.consignment.route.external_id = event.skipcart_delivery_id

    def _read_driver(self, driver: Driver) -> None:
        """Members are set one by one: an empty courier would tell that a driver is known."""
        courier = self._patch.courier
        told = {
            "external_id": driver.driver_id,
            "name": " ".join(filter(None, (driver.first_name, driver.last_name)))[:500],
            "first_name": driver.first_name,
            "last_name": driver.last_name,
            "photo_url": self._values.page("/driver/photo", driver.photo),
        }
        for name, value in told.items():
            if value:
                setattr(courier, name, value)
        if phone := read_phone(driver.phone, region=self._context.default_region or None):
            courier.phone.raw = phone.raw
            courier.phone.e164 = phone.e164 or ""
        vehicle = courier.vehicle
        for name in _VEHICLE if driver.vehicle else ():
            if value := getattr(driver.vehicle, name):
                setattr(vehicle, name, value)

    def _read_location(self, location: Location) -> None:
        if not location.lat and not location.lng:
            return
        latitude = self._values.latitude("/location/lat", location.lat)
        longitude = self._values.longitude("/location/lng", location.lng)
        if latitude and longitude:
            position = self._patch.position
            position.latitude = latitude
            position.longitude = longitude
            if self._report.HasField("event_time"):
                position.time.CopyFrom(self._report.event_time)

    def _read_arrival(self, arrival: EstimatedArrival, heading: Destination) -> None:
        """At the store before the pickup, at the customer after it; on the way back there is no member for it."""
        estimates = self._patch.estimates
        time = self._values.utc("/estimated_arrival/time_utc", arrival.time_utc)
        if time is None:
            pass
        elif heading is Destination.STORE:
            stamp(estimates.pickup_time, time)
        elif heading is Destination.CUSTOMER:
            stamp(estimates.dropoff_time, time)
        else:
            self._keep("estimated_arrival", "time_utc", arrival.time_utc)
        distance = arrival.distance_meters
        if not distance:
            return
        pointer = "/estimated_arrival/distance_meters"
        if not _METERS.fullmatch(distance):
            self._issues.append(issue(pointer, "unreadable_number", f"not a distance in metres: {distance[:40]!r}"))
            return
        meters = Decimal(distance)
        estimates.remaining_distance_meters = int(meters.to_integral_value(ROUND_HALF_EVEN))
        if meters != estimates.remaining_distance_meters:
            # Only told, not kept beside the delivery: that would make an event of every ping.
            self._issues.append(issue(pointer, "rounded", f"{distance[:40]} is kept in whole metres"))

    def _read_details(self, details: DeliveryDetails) -> None:
        proofs = (
            (PROOF_KIND_SIGNATURE, self._values.page("/delivery_details/signature", details.signature), ""),
            (PROOF_KIND_PHOTO, self._values.page("/delivery_details/photo", details.photo), ""),
            (PROOF_KIND_REMARKS, "", details.remarks or ""),
        )
        for kind, url, text in proofs:
            if url or text:
                proof = self._patch.proofs.add(kind=kind, url=url, text=text)
                if self._proof_time is not None:
                    stamp(proof.create_time, self._proof_time)
        if details.delivery_fee:
            self._read_fee(details.delivery_fee)
        self._patch.return_reason = details.return_reason or ""

    def _read_fee(self, fee: str) -> None:
        """What the driver is paid, in the source's currency: Skipcart does not name one."""
        pointer, currency = "/delivery_details/delivery_fee", self._context.default_currency
        if not currency:
            self._issues.append(issue(pointer, "no_currency", "the source has no default currency: kept as written"))
            self._keep("delivery_details", "delivery_fee", fee)
            return
        money = read_decimal(fee, currency)
        if isinstance(money, Unreadable):
            self._issues.append(unreadable(pointer, "unreadable_money", money))
            self._keep("delivery_details", "delivery_fee", fee)
            return
        pay = self._patch.driver_pay
        pay.currency_code, pay.units, pay.nanos = to_units_and_nanos(money)

    def _read_rest(self, meaning: Meaning) -> None:
        event = self._event
        if page := self._values.page("/tracking_url", event.tracking_url):
            self._patch.links.tracking_url = page
        if event.parking_slot and meaning.has_parking_slot:
            self._patch.parking_slot = event.parking_slot
        elif event.parking_slot:
            self._kept["parking_slot"] = event.parking_slot
        if self._kept and (fault := keep(self._patch, "skipcart", self._kept)):
            self._issues.append(fault)

    def _keep(self, group: str, name: str, value: str | None) -> None:
        self._kept.setdefault(group, {})[name] = value
