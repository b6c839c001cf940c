"""One step of one booking as something to be told: what happened, when, where; pure, and knows no vendor's word."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from crossdock.simulator.v1 import simulator_pb2 as books
from crossdock.v1.carrier_pb2 import Booking
from crossdock.v1.report_pb2 import DeliveryReport

from carriers.simulator.chances import Chance
from carriers.simulator.fleet import Carrier
from carriers.simulator.happenings import HAPPENINGS, Happening, Meaning
from carriers.simulator.journeys import Step
from carriers.simulator.times import moment, stamp


@dataclass(frozen=True)
class Fact:
    """What a webhook tells of a booking."""

    carrier: Carrier
    booking: books.SimulatedBooking
    step: Step
    chance: Chance
    time: datetime
    arrival: datetime | None
    """When the next stop is reached, as it looks now."""

    @property
    def happening(self) -> Happening:
        """What happened."""
        return self.step.happening

    @property
    def meaning(self) -> Meaning:
        """What that makes of the booking."""
        return HAPPENINGS[self.step.happening]


def fact_of(carrier: Carrier, seed: int, booking: books.SimulatedBooking, step: Step, skew: timedelta) -> Fact:
    """The step at its moment: on the journey's clock, which runs at its pace, and off by the skew."""
    start = moment(booking.journey.start_time) + skew
    pace = booking.journey.pace or 1.0
    chance = Chance(seed, carrier.name, booking.booking.reference)
    arrival = None if step.arrival_seconds is None else start + timedelta(seconds=step.arrival_seconds / pace)
    return Fact(carrier, booking, step, chance, start + timedelta(seconds=step.at_seconds / pace), arrival)


def apply(fact: Fact, booking: Booking) -> None:
    """Makes the booking tell it, as `GetBooking` answers from then on."""
    booking.state = fact.meaning.state
    booking.report.CopyFrom(report_of(fact, booking.report))


def report_of(fact: Fact, before: DeliveryReport) -> DeliveryReport:
    """What a webhook would tell, in the contract's words. The driver stays known to the end."""
    meaning, step = fact.meaning, fact.step
    report = DeliveryReport(event_time=stamp(fact.time), status=meaning.status, ping=meaning.ping)
    if meaning.reason:
        report.reason.code = meaning.reason
        report.reason.actor.kind = meaning.by
    patch = report.patch
    if step.driver:
        patch.courier.external_id = step.driver.id
        patch.courier.name = f"{step.driver.first_name} {step.driver.last_name}"
        patch.courier.first_name, patch.courier.last_name = step.driver.first_name, step.driver.last_name
        patch.courier.phone.raw = step.driver.phone
    elif fact.happening is not Happening.DRIVER_LOST and before.patch.HasField("courier"):
        patch.courier.CopyFrom(before.patch.courier)
    if step.place:
        patch.position.latitude, patch.position.longitude = (f"{degrees:.6f}" for degrees in step.place)
        patch.position.time.CopyFrom(report.event_time)
    if fact.arrival and meaning.status < HAPPENINGS[Happening.PICKED_UP].status:
        patch.estimates.pickup_time.CopyFrom(stamp(fact.arrival))
    elif fact.arrival and meaning.status < HAPPENINGS[Happening.DELIVERED].status:
        patch.estimates.dropoff_time.CopyFrom(stamp(fact.arrival))
    if step.left_meters is not None:
        patch.estimates.remaining_distance_meters = step.left_meters
    return report
