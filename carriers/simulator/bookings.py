"""A carrier's counter: books, looks up, amends and calls off, as the contract's comments want it; knows no gRPC.

Nothing here waits, so no two calls about one reference can meet.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from crossdock.simulator.v1 import simulator_pb2 as books
from crossdock.v1 import carrier_service_pb2 as contract
from crossdock.v1.carrier_pb2 import (
    BOOKING_STATE_CANCELLED,
    BOOKING_STATE_CLOSED,
    BOOKING_STATE_LIVE,
    Booking,
    CarrierCapability,
    Refusal,
)
from crossdock.v1.delivery_pb2 import StatusReason

from carriers.simulator.chances import Chance
from carriers.simulator.documents import DIALECTS
from carriers.simulator.facts import Fact, apply
from carriers.simulator.fleet import Carrier, Level
from carriers.simulator.happenings import HAPPENINGS, WITH_GOODS, Happening
from carriers.simulator.journeys import Step
from carriers.simulator.ledger import Ledger
from carriers.simulator.misbehaviours import in_force, skew
from carriers.simulator.offers import Desk, Wish, is_expired, is_more, money
from carriers.simulator.times import moment, stamp
from carriers.simulator.writing import write_webhook

LEAD = timedelta(seconds=1)
"""A booking that is driven by itself sets out this much later: the hub first hears that it is booked."""

_STATUSES_WITH_GOODS = frozenset(HAPPENINGS[each].status for each in WITH_GOODS)


@dataclass(frozen=True)
class Called:
    """A cancellation's answer, and the webhook that tells it where the carrier sends one."""

    answer: contract.CancelBookingResponse
    booking: books.SimulatedBooking | None = None
    webhook: books.SentWebhook | None = None


class Counter:
    """The counter of one carrier."""

    def __init__(self, carrier: Carrier, seed: int, ledger: Ledger) -> None:
        self.carrier = carrier
        self._seed = seed
        self._ledger = ledger
        self._desk = Desk(carrier, seed)

    def quote(self, request: contract.QuoteRequest, now: datetime) -> contract.QuoteResponse:
        """Every level that is asked for, or why there is none."""
        wish = Wish(request.kind, request.consignment, request.currency_code)
        if objection := self._desk.objection(wish, now):
            return contract.QuoteResponse(refusals=[objection])
        wanted = [each for each in self.carrier.levels if each.id in (request.service_level_ids or [each.id])]
        if not wanted:
            known = ", ".join(each.id for each in self.carrier.levels)
            refusal = Refusal(code="unknown_service_level", message=f"there are {known}")
            return contract.QuoteResponse(refusals=[refusal])
        return contract.QuoteResponse(quotes=[self._desk.quote(wish, each, now) for each in wanted])

    def book(self, request: contract.BookRequest, now: datetime) -> tuple[contract.BookResponse, bool]:
        """The answer, and whether a booking was made now."""
        if known := self._ledger.find(self.carrier.name, request.reference):
            known.book_count += 1
            self._ledger.save(known)
            if known.void:
                return _declined("cancelled", "it was called off before it was booked"), False
            return contract.BookResponse(booking=known.booking), False
        wrong = in_force(self._ledger.settings(self.carrier.name))
        if now > moment(request.book_before):
            return _declined("too_late", "the moment before which to book has passed"), False
        if wrong.decline_code:
            return _declined(wrong.decline_code, "the carrier does not want it"), False
        if is_expired(request.quote_id, now):
            return _declined("quote_expired", "the offer has expired: ask for another"), False
        level = self._level(request.service_level_id)
        if level is None:
            return _declined(
                "unknown_service_level", f"no level of service is called {request.service_level_id}"
            ), False
        wish = Wish(request.kind, request.consignment, request.max_price.currency_code)
        if objection := self._desk.objection(wish, now):
            return contract.BookResponse(declined=objection), False
        price = self._desk.price(wish, level, wrong.price_rise_percent)
        if request.HasField("max_price") and is_more(price, request.max_price):
            return _declined("price_changed", f"it costs {price.units}.{price.nanos // 10_000_000:02} now"), False
        made = books.SimulatedBooking(carrier=self.carrier.name, request=request, book_count=1)
        made.booking.CopyFrom(self._made(request, level, now))
        made.booking.price.CopyFrom(price)
        made.booking.fee.CopyFrom(money(self.carrier.booking_fee, price.currency_code))
        self._ledger.save(made)
        return contract.BookResponse(booking=made.booking), True

    def look_up(self, reference: str, now: datetime) -> contract.GetBookingResponse:
        """Found, or surely absent."""
        known = self._ledger.find(self.carrier.name, reference)
        if known is None or known.void:
            return contract.GetBookingResponse(absent=contract.BookingAbsence(time=stamp(now)))
        return contract.GetBookingResponse(booking=known.booking)

    def amend(self, request: contract.AmendBookingRequest, now: datetime) -> contract.AmendBookingResponse:
        """As it shall be, or as it was."""
        known = self._ledger.find(self.carrier.name, request.reference)
        if known is None or known.void:
            return contract.AmendBookingResponse(absent=contract.BookingAbsence(time=stamp(now)))
        if request.request_id in known.amendments:
            return contract.AmendBookingResponse(booking=known.booking)
        if refusal := self._why_not_amend(known, request, now):
            return contract.AmendBookingResponse(refused=refusal)
        known.request.consignment.CopyFrom(request.consignment)
        known.request.order_number = request.order_number
        known.request.order_attributes.CopyFrom(request.order_attributes)
        known.amendments.append(request.request_id)
        level = self._level(known.booking.service_level.id) or self.carrier.levels[0]
        pickup, dropoff = self._desk.windows(request.consignment, level, moment(known.booking.create_time))
        known.booking.pickup_window.CopyFrom(pickup)
        known.booking.dropoff_window.CopyFrom(dropoff)
        self._ledger.save(known)
        return contract.AmendBookingResponse(booking=known.booking)

    def cancel(self, reference: str, reason: StatusReason, now: datetime) -> Called:
        """Called off, or not, and why."""
        known = self._ledger.find(self.carrier.name, reference)
        if known is None or known.void:
            if known is None:
                void = books.SimulatedBooking(
                    carrier=self.carrier.name, void=True, booking=Booking(reference=reference)
                )
                self._ledger.save(void)
            absence = contract.BookingAbsence(time=stamp(now))
            return Called(contract.CancelBookingResponse(absent=absence))
        booking = known.booking
        if booking.state == BOOKING_STATE_CANCELLED:
            return Called(self._cancellation(known))
        wrong = in_force(self._ledger.settings(self.carrier.name), known)
        if booking.report.status in _STATUSES_WITH_GOODS or booking.state == BOOKING_STATE_CLOSED:
            refusal = Refusal(code="already_picked_up", message="the driver has the goods")
            return Called(contract.CancelBookingResponse(refused=refusal))
        if wrong.refuse_cancellation:
            refusal = Refusal(code="refused", message="the carrier calls nothing off today")
            return Called(contract.CancelBookingResponse(refused=refusal))
        with self._ledger.together():
            fact = self._fact(known, Happening.CALLED_OFF, now + skew(wrong))
            known.journey.running = False
            apply(fact, booking)
            if reason.code or reason.message:
                booking.report.reason.CopyFrom(reason)
            self._ledger.save(known)
            webhook = write_webhook(self._ledger, fact)
        return Called(self._cancellation(known), known, webhook)

    def _made(self, request: contract.BookRequest, level: Level, now: datetime) -> Booking:
        chance = Chance(self._seed, self.carrier.name, request.reference)
        dialect = DIALECTS[self.carrier.dialect]
        booking = Booking(
            reference=request.reference,
            id=dialect.booking_id(chance),
            state=BOOKING_STATE_LIVE,
            service_level=level.message,
            tracking_number=f"{self.carrier.name[:3].upper()}{chance.digits('tracking number', 10)}",
            create_time=stamp(now),
        )
        booking.references.extend(dialect.references(booking.reference, booking.id))
        booking.links.tracking_url = f"https://track.{self.carrier.name}.example/{booking.tracking_number}"
        pickup, dropoff = self._desk.windows(request.consignment, level, now)
        booking.pickup_window.CopyFrom(pickup)
        booking.dropoff_window.CopyFrom(dropoff)
        made = books.SimulatedBooking(carrier=self.carrier.name, request=request, booking=booking)
        apply(self._fact(made, Happening.BOOKED, now), booking)
        return booking

    def _cancellation(self, known: books.SimulatedBooking) -> contract.CancelBookingResponse:
        cancelled = contract.BookingCancellation(time=known.booking.report.event_time)
        # Something is charged once a driver was found; nothing when it was the carrier's own doing.
        ours = known.booking.report.reason.code == HAPPENINGS[Happening.GIVEN_UP].reason
        if known.booking.report.patch.HasField("courier") and not ours:
            fee = money(self.carrier.cancellation_fee, known.booking.price.currency_code)
            cancelled.fee.CopyFrom(fee)
        return contract.CancelBookingResponse(cancelled=cancelled)

    def _why_not_amend(
        self, known: books.SimulatedBooking, request: contract.AmendBookingRequest, now: datetime
    ) -> Refusal | None:
        if CarrierCapability.CARRIER_CAPABILITY_AMEND not in self.carrier.capabilities:
            return Refusal(code="not_allowed", message=f"{self.carrier.display_name} changes no bookings")
        if known.booking.report.status in _STATUSES_WITH_GOODS:
            return Refusal(code="already_picked_up", message="the driver has the goods")
        if known.booking.state != BOOKING_STATE_LIVE:
            return Refusal(code="not_live", message="the booking is over")
        wanted, agreed = request.consignment.pickup.address, known.request.consignment.pickup.address
        if known.journey.steps_done > 1 and wanted != agreed:
            return Refusal(code="driver_on_the_way", message="the driver is on the way to the pickup as it was")
        wish = Wish(known.request.kind, request.consignment, known.booking.price.currency_code)
        return self._desk.objection(wish, now)

    def _fact(self, known: books.SimulatedBooking, happening: Happening, time: datetime) -> Fact:
        chance = Chance(self._seed, self.carrier.name, known.booking.reference)
        return Fact(self.carrier, known, Step(-1.0, happening), chance, time, None)

    def _level(self, service_level_id: str) -> Level | None:
        if not service_level_id:
            return self.carrier.levels[0]
        return next((each for each in self.carrier.levels if each.id == service_level_id), None)


def _declined(code: str, message: str) -> contract.BookResponse:
    return contract.BookResponse(declined=Refusal(code=code, message=message))
