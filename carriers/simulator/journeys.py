"""The plan of a journey: what happens when, where, and with which driver; pure, the same for the same booking."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from crossdock.simulator.v1 import simulator_pb2 as books

from carriers.simulator.chances import Chance
from carriers.simulator.fleet import Carrier
from carriers.simulator.happenings import Happening
from carriers.simulator.offers import Desk
from carriers.simulator.routes import Place, Route, approach

PING_SECONDS = 30
FIND_DRIVER_SECONDS = 90
SET_OUT_SECONDS = 20
WAIT_SECONDS = 120
DEPART_SECONDS = 5
AT_DOOR_SECONDS = 60
PROOF_SECONDS = 2
NEAR_SHARE = 0.9
"""One is near for the last tenth of a way."""

_GIVEN = ("Trey", "Mira", "Jonas", "Aiko", "Priya", "Luis", "Nadia", "Sam")
_FAMILY = ("Johnson", "Weber", "Okafor", "Tanaka", "Rossi", "Lindqvist", "Haddad", "Moreau")
_MAKES = (("Tesla", "3"), ("Toyota", "Corolla"), ("Honda", "Fit"), ("Ford", "Focus"))
_COLORS = ("Black", "White", "Red", "Blue", "Silver")


class Driver(NamedTuple):
    """Who rides. The telephone number is masked, as carriers tell it."""

    id: str
    first_name: str
    last_name: str
    phone: str
    make: str
    model: str
    color: str
    license_plate: str


@dataclass(frozen=True, slots=True)
class Step:
    """One happening. Times are seconds on the clock of the journey."""

    at_seconds: float
    happening: Happening
    driver: Driver | None = None
    place: Place | None = None
    left_meters: int | None = None
    arrival_seconds: float | None = None
    """When the next stop is reached, as it looks now."""


def plan(booking: books.SimulatedBooking, desk: Desk, lateness: float = 1.0) -> tuple[Step, ...]:
    """All steps of the booking's scenario. Plans of two scenarios are alike up to where the scenarios part."""
    scenario = booking.journey.scenario or books.SCENARIO_DELIVERED
    chance = Chance(desk.seed, desk.carrier.name, booking.booking.reference)
    steps = _Plan(desk, booking, chance).steps(scenario)
    return tuple(
        replace(
            step,
            at_seconds=step.at_seconds * lateness,
            arrival_seconds=None if step.arrival_seconds is None else step.arrival_seconds * lateness,
        )
        for step in steps
    )


def driver_of(chance: Chance, number: int) -> Driver:
    """The booking's first, second … driver."""
    word = f"driver {number}"
    make, model = chance.pick(f"{word} make", _MAKES)
    return Driver(
        id=chance.digits(word, 5),
        first_name=chance.pick(f"{word} given", _GIVEN),
        last_name=chance.pick(f"{word} family", _FAMILY),
        phone=f"XXX-XXX-{chance.digits(f'{word} phone', 4)}",
        make=make,
        model=model,
        color=chance.pick(f"{word} color", _COLORS),
        license_plate=f"SIM {chance.digits(f'{word} plate', 4)}",
    )


class _Plan:
    """A plan in the making."""

    def __init__(self, desk: Desk, booking: books.SimulatedBooking, chance: Chance) -> None:
        self._carrier: Carrier = desk.carrier
        self._way = desk.route(booking.request.consignment)
        self._approach = approach(booking.request.consignment, chance)
        self._drivers = [driver_of(chance, number) for number in (1, 2)]

    def steps(self, scenario: "books.Scenario.ValueType") -> Iterator[Step]:
        yield Step(0, Happening.BOOKED)
        now: float = FIND_DRIVER_SECONDS
        if scenario == books.SCENARIO_NO_DRIVER:
            yield Step(now * 4, Happening.NO_DRIVER)
            return
        driver = self._drivers[0]
        if scenario in (books.SCENARIO_NEW_DRIVER, books.SCENARIO_CANCELLED_BY_CARRIER):
            *most, last = self._to_pickup(now, driver)
            halfway = most[: len(most) // 2 + 1]
            yield from halfway
            now = halfway[-1].at_seconds + SET_OUT_SECONDS
            if scenario == books.SCENARIO_CANCELLED_BY_CARRIER:
                yield Step(now, Happening.GIVEN_UP)
                return
            yield Step(now, Happening.DRIVER_LOST)
            now, driver = now + FIND_DRIVER_SECONDS, self._drivers[1]
        for last in self._to_pickup(now, driver):
            yield last
        yield from self._with_goods(last.at_seconds + WAIT_SECONDS, driver, scenario)

    def _to_pickup(self, now: float, driver: Driver) -> Iterator[Step]:
        ride = self._seconds(self._approach)
        arrival = now + SET_OUT_SECONDS + ride
        meters = self._approach.meters
        yield Step(now, Happening.ASSIGNED, driver, self._approach.at(0), meters, arrival)
        now += SET_OUT_SECONDS
        yield Step(now, Happening.SET_OUT, driver, self._approach.at(0), meters, arrival)
        yield from self._ride(self._approach, now, driver, Happening.TO_PICKUP, Happening.NEAR_PICKUP)
        yield Step(arrival, Happening.AT_PICKUP, driver, self._approach.at(1), 0, arrival)

    def _with_goods(self, now: float, driver: Driver, scenario: "books.Scenario.ValueType") -> Iterator[Step]:
        meters, start, end = self._way.meters, self._way.at(0), self._way.at(1)
        arrival = now + DEPART_SECONDS + self._seconds(self._way)
        yield Step(now, Happening.PICKED_UP, driver, start, meters, arrival)
        now += DEPART_SECONDS
        yield Step(now, Happening.DEPARTED, driver, start, meters, arrival)
        yield from self._ride(self._way, now, driver, Happening.TO_DROPOFF, Happening.NEAR_DROPOFF)
        yield Step(arrival, Happening.AT_DOOR, driver, end, 0, arrival)
        now = arrival + AT_DOOR_SECONDS
        if scenario == books.SCENARIO_UNDELIVERABLE:
            yield Step(now, Happening.UNREACHABLE, driver, end)
        elif scenario == books.SCENARIO_RETURNED:
            yield Step(now, Happening.REFUSED, driver, end)
            yield from self._home(now + AT_DOOR_SECONDS, driver)
        else:
            left = scenario == books.SCENARIO_LEFT_AT_DOOR
            yield Step(now, Happening.LEFT_AT_DOOR if left else Happening.DELIVERED, driver, end, 0, now)
            yield Step(now + PROOF_SECONDS, Happening.PROVEN, driver, end, 0, now)

    def _home(self, now: float, driver: Driver) -> Iterator[Step]:
        back = self._way.back
        arrival = now + self._seconds(back)
        yield Step(now, Happening.RETURNING, driver, back.at(0), back.meters, arrival)
        yield Step(arrival, Happening.AT_STORE_AGAIN, driver, back.at(1), 0, arrival)
        yield Step(arrival + AT_DOOR_SECONDS, Happening.RETURNED, driver, back.at(1))

    def _ride(
        self, route: Route, start: float, driver: Driver, under_way: Happening, near: Happening
    ) -> Iterator[Step]:
        """A word every half a minute, and one on coming near; not the departure and not the arrival."""
        ride = self._seconds(route)
        moments = [(start + PING_SECONDS * number, under_way) for number in range(1, int(ride // PING_SECONDS) + 1)]
        moments.append((start + ride * NEAR_SHARE, near))
        for at_seconds, happening in sorted(moments, key=lambda each: each[0]):
            share = (at_seconds - start) / ride
            if share < 1:
                left = round(route.meters * (1 - share))
                yield Step(at_seconds, happening, driver, route.at(share), left, start + ride)

    def _seconds(self, route: Route) -> float:
        return max(1.0, route.meters / 1000 / self._carrier.kilometers_per_hour * 3600)
