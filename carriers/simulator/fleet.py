"""The simulated carriers, as a table: who they are, what they sell, where they ride; knows no booking."""

from dataclasses import dataclass

from crossdock.v1.carrier_pb2 import CarrierCapability as Capability
from crossdock.v1.carrier_pb2 import ServiceLevel
from crossdock.v1.delivery_pb2 import DeliveryStatus


@dataclass(frozen=True)
class Level:
    """A level of service. Prices are in minor units of a currency with two decimals."""

    id: str
    type: str
    display_name: str
    base_price: int
    price_per_kilometer: int
    lead_minutes: int
    """From the booking to the pickup, at most."""

    @property
    def message(self) -> ServiceLevel:
        """As the contract writes it."""
        return ServiceLevel(id=self.id, type=self.type, display_name=self.display_name)


@dataclass(frozen=True)
class Carrier:
    """One carrier."""

    name: str
    display_name: str
    dialect: str
    levels: tuple[Level, ...]
    most_kilometers: int
    most_kilograms: int
    kilometers_per_hour: int
    vehicle: str
    booking_fee: int
    cancellation_fee: int
    """Once a driver is on the way; before that nothing."""
    capabilities: tuple[Capability.ValueType, ...]
    silent_statuses: tuple[DeliveryStatus.ValueType, ...]
    """What its webhooks have no word for, or do not send."""
    currencies: tuple[str, ...] = ("USD", "EUR", "GBP")


_ALWAYS = (Capability.CARRIER_CAPABILITY_CANCEL, Capability.CARRIER_CAPABILITY_WEBHOOKS)

FLEET: dict[str, Carrier] = {
    each.name: each
    for each in (
        Carrier(
            name="swift",
            display_name="Swift Couriers",
            dialect="skipcart",
            levels=(
                Level("express", "Delivery", "Express", 790, 120, 15),
                Level("standard", "Delivery", "Standard", 590, 90, 40),
            ),
            most_kilometers=25,
            most_kilograms=20,
            kilometers_per_hour=32,
            vehicle="Sedan",
            booking_fee=100,
            cancellation_fee=300,
            capabilities=(
                *_ALWAYS,
                Capability.CARRIER_CAPABILITY_AMEND,
                Capability.CARRIER_CAPABILITY_SCHEDULE,
            ),
            # Skipcart sends no `customer_refused`, and has no words for being near or at the door.
            silent_statuses=(
                DeliveryStatus.DELIVERY_STATUS_UNDELIVERABLE,
                DeliveryStatus.DELIVERY_STATUS_DROPOFF_APPROACHING,
                DeliveryStatus.DELIVERY_STATUS_DROPOFF_ARRIVED,
            ),
        ),
        Carrier(
            name="evergreen",
            display_name="Evergreen Logistics",
            dialect="evermile",
            levels=(
                Level("same_day", "Ground", "Same day", 490, 60, 90),
                Level("green", "Ground", "Green, by cargo bike", 540, 75, 120),
            ),
            most_kilometers=60,
            most_kilograms=200,
            kilometers_per_hour=24,
            vehicle="cargo_bike",
            booking_fee=50,
            cancellation_fee=200,
            capabilities=(
                *_ALWAYS,
                Capability.CARRIER_CAPABILITY_AMEND,
                Capability.CARRIER_CAPABILITY_RETURN,
                Capability.CARRIER_CAPABILITY_SCHEDULE,
            ),
            silent_statuses=(
                DeliveryStatus.DELIVERY_STATUS_PICKUP_APPROACHING,
                DeliveryStatus.DELIVERY_STATUS_PICKUP_ARRIVED,
                DeliveryStatus.DELIVERY_STATUS_DROPOFF_APPROACHING,
                DeliveryStatus.DELIVERY_STATUS_DROPOFF_ARRIVED,
                DeliveryStatus.DELIVERY_STATUS_RETURN_ARRIVED,
            ),
        ),
        Carrier(
            name="pronto",
            display_name="Pronto Riders",
            dialect="ordatic",
            levels=(Level("rider", "Delivery", "Rider", 450, 150, 20),),
            most_kilometers=8,
            most_kilograms=9,
            kilometers_per_hour=18,
            vehicle="pushbike",
            booking_fee=0,
            cancellation_fee=250,
            capabilities=_ALWAYS,
            # Ordatic tells five moments of a rider and no return at all.
            silent_statuses=(
                DeliveryStatus.DELIVERY_STATUS_PICKUP_APPROACHING,
                DeliveryStatus.DELIVERY_STATUS_PICKUP_ARRIVED,
                DeliveryStatus.DELIVERY_STATUS_PICKED_UP,
                DeliveryStatus.DELIVERY_STATUS_DROPOFF_APPROACHING,
                DeliveryStatus.DELIVERY_STATUS_DROPOFF_ARRIVED,
                DeliveryStatus.DELIVERY_STATUS_RETURNING,
                DeliveryStatus.DELIVERY_STATUS_RETURN_ARRIVED,
                DeliveryStatus.DELIVERY_STATUS_RETURNED,
            ),
        ),
    )
}
"""By name. Cheap and slow, dear and quick, near and far: there is something to choose."""
