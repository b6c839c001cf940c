"""What a carrier asks for a consignment, or why it does not want it; pure: time and seed come in."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crossdock.v1.carrier_pb2 import CarrierCapability, Quote, Refusal
from crossdock.v1.consignment_pb2 import Consignment, Stop
from crossdock.v1.delivery_pb2 import DELIVERY_KIND_RETURN, DeliveryKind
from crossdock.v1.parcel_pb2 import WEIGHT_UNIT_POUND
from crossdock.v1.window_pb2 import WINDOW_KIND_COMMITTED, TimeWindow
from google.type.money_pb2 import Money

from carriers.simulator.chances import Chance
from carriers.simulator.fleet import Carrier, Level
from carriers.simulator.routes import Route, delivery_route
from carriers.simulator.times import stamp

VALID = timedelta(minutes=5)
GRACE = timedelta(seconds=10)
"""An offer is kept a little longer than it says: clocks differ."""
HAND_OVER = timedelta(minutes=3)
KILOGRAMS_PER_POUND = 0.45359237
SOON = timedelta(hours=6)


@dataclass(frozen=True)
class Wish:
    """What both a quote and a booking ask for."""

    kind: "DeliveryKind.ValueType"
    consignment: Consignment
    currency_code: str


@dataclass(frozen=True)
class Desk:
    """Where one carrier's prices are made."""

    carrier: Carrier
    seed: int

    def objection(self, wish: Wish, now: datetime) -> Refusal | None:
        """Why the carrier does not carry it at all."""
        carrier, route = self.carrier, self.route(wish.consignment)
        if wish.currency_code and wish.currency_code not in carrier.currencies:
            return _no("currency_not_served", f"prices are in {', '.join(carrier.currencies)}")
        if wish.kind == DELIVERY_KIND_RETURN and not self._can(CarrierCapability.CARRIER_CAPABILITY_RETURN):
            return _no("not_allowed", f"{carrier.display_name} fetches nothing back")
        if route.meters > carrier.most_kilometers * 1000:
            return _no("out_of_area", f"{route.meters} m is farther than {carrier.most_kilometers} km")
        if weight(wish.consignment) > carrier.most_kilograms:
            return _no("too_heavy", f"it weighs more than {carrier.most_kilograms} kg")
        start = wanted_from(wish.consignment.pickup)
        if start and start > now + SOON and not self._can(CarrierCapability.CARRIER_CAPABILITY_SCHEDULE):
            return _no("not_scheduled", "pickups are not booked ahead")
        return None

    def quote(self, wish: Wish, level: Level, now: datetime) -> Quote:
        """The offer at one level of service."""
        pickup, dropoff = self.windows(wish.consignment, level, now)
        expiry = stamp(now + VALID)
        price = self.price(wish, level)
        return Quote(
            id=f"q{expiry.seconds}-{level.id}-{Chance(self.seed, self.carrier.name, level.id).digits(str(price), 6)}",
            service_level=level.message,
            price=price,
            fee=money(self.carrier.booking_fee, wish.currency_code or self.carrier.currencies[0]),
            pickup_window=pickup,
            dropoff_window=dropoff,
            expire_time=expiry,
            distance_meters=self.route(wish.consignment).meters,
            vehicle_type=self.carrier.vehicle,
        )

    def price(self, wish: Wish, level: Level, rise_percent: int = 0) -> Money:
        """Base, distance, and a few cents of chance that are always the same for the same two places."""
        kilometers = self.route(wish.consignment).meters / 1000
        demand = round(self._chance(wish.consignment).between(f"demand {level.id}", 0, 60))
        cents = level.base_price + round(level.price_per_kilometer * kilometers) + demand + self.carrier.booking_fee
        return money(cents + cents * rise_percent // 100, wish.currency_code or self.carrier.currencies[0])

    def windows(self, consignment: Consignment, level: Level, now: datetime) -> tuple[TimeWindow, TimeWindow]:
        """When the goods will be picked up, and when handed out."""
        first = max(now, wanted_from(consignment.pickup) or now)
        last = first + timedelta(minutes=level.lead_minutes)
        ride = timedelta(hours=self.route(consignment).meters / 1000 / self.carrier.kilometers_per_hour)
        return _window(first, last), _window(first + ride + HAND_OVER, last + ride + HAND_OVER)

    def route(self, consignment: Consignment) -> Route:
        """The way that the goods will go."""
        return delivery_route(consignment, self._chance(consignment))

    def _chance(self, consignment: Consignment) -> Chance:
        places = (_words_of(consignment.pickup), _words_of(consignment.dropoff))
        return Chance(self.seed, self.carrier.name, *places)

    def _can(self, capability: "CarrierCapability.ValueType") -> bool:
        return capability in self.carrier.capabilities


def is_expired(quote_id: str, now: datetime) -> bool:
    """Whether an offer of ours may no longer be booked; one that is not ours never expires."""
    expiry = quote_id[1:].partition("-")[0]
    if not (quote_id.startswith("q") and expiry.isascii() and expiry.isdecimal() and len(expiry) < 12):
        return False
    return now.timestamp() > int(expiry) + GRACE.total_seconds()


def weight(consignment: Consignment) -> float:
    """All parcels, in kilograms."""
    return sum(
        parcel.weight.value * (KILOGRAMS_PER_POUND if parcel.weight.unit == WEIGHT_UNIT_POUND else 1.0)
        for parcel in consignment.parcels
    )


def wanted_from(stop: Stop) -> datetime | None:
    """The earliest moment of any window that was asked for."""
    starts = [each.start_time for each in stop.windows if each.HasField("start_time")]
    return min((each.ToDatetime(tzinfo=UTC) for each in starts), default=None)


def money(cents: int, currency_code: str) -> Money:
    """An amount of a currency with two decimals."""
    return Money(currency_code=currency_code, units=cents // 100, nanos=cents % 100 * 10_000_000)


def is_more(price: Money, limit: Money) -> bool:
    """Whether a price exceeds a limit; one in another currency does."""
    if price.currency_code != limit.currency_code:
        return True
    return (price.units, price.nanos) > (limit.units, limit.nanos)


def _window(start: datetime, end: datetime) -> TimeWindow:
    return TimeWindow(start_time=stamp(start), end_time=stamp(end), kind=WINDOW_KIND_COMMITTED)


def _words_of(stop: Stop) -> str:
    """What tells one place from another; times do not."""
    return stop.address.SerializeToString(deterministic=True).hex()


def _no(code: str, message: str) -> Refusal:
    return Refusal(code=code, message=message)
