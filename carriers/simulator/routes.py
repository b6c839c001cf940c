"""The way between two places: as a bent line on the globe, with lengths in metres; pure, and knows no street."""

import math
from typing import NamedTuple

from crossdock.v1.consignment_pb2 import Consignment, Stop

from carriers.simulator.chances import Chance

EARTH_METERS = 6_371_000.0
METERS_PER_DEGREE = EARTH_METERS * math.pi / 180


class Place(NamedTuple):
    """Decimal degrees, WGS 84."""

    latitude: float
    longitude: float


class Route(NamedTuple):
    """A way through waypoints. Without `places` only its length is known."""

    places: tuple[Place, ...]
    meters: int

    def at(self, share: float) -> Place | None:
        """Where one is after this share of the way, from 0 to 1."""
        if not self.places:
            return None
        left = self.meters * min(max(share, 0.0), 1.0)
        for start, end in zip(self.places, self.places[1:], strict=False):
            length = distance(start, end)
            if left <= length:
                part = left / length if length else 0.0
                return Place(
                    start.latitude + (end.latitude - start.latitude) * part,
                    start.longitude + (end.longitude - start.longitude) * part,
                )
            left -= length
        return self.places[-1]

    @property
    def back(self) -> "Route":
        """The same way home."""
        return Route(self.places[::-1], self.meters)


def distance(start: Place, end: Place) -> float:
    """Along a great circle, in metres."""
    from_latitude, to_latitude = math.radians(start.latitude), math.radians(end.latitude)
    north = math.sin((to_latitude - from_latitude) / 2) ** 2
    east = math.sin(math.radians(end.longitude - start.longitude) / 2) ** 2
    both = min(1.0, north + math.cos(from_latitude) * math.cos(to_latitude) * east)
    return 2 * EARTH_METERS * math.asin(math.sqrt(both))


def delivery_route(consignment: Consignment, chance: Chance) -> Route:
    """From the pickup to the drop-off. Between places without positions it is of some length and leads nowhere."""
    start, end = _place_of(consignment.pickup), _place_of(consignment.dropoff)
    if start is None or end is None:
        return Route((), round(chance.between("length of the way", 1_000, 6_000)))
    return _bent(start, end, chance)


def approach(consignment: Consignment, chance: Chance) -> Route:
    """From where the driver happens to be to the pickup."""
    end = _place_of(consignment.pickup)
    meters = chance.between("distance of the driver", 700, 2_500)
    if end is None:
        return Route((), round(meters))
    angle = chance.between("direction of the driver", 0, 2 * math.pi)
    return _bent(_moved(end, meters * math.cos(angle), meters * math.sin(angle)), end, chance)


def _bent(start: Place, end: Place, chance: Chance) -> Route:
    """Two waypoints beside the straight line: streets are never straight."""
    beeline = distance(start, end)
    middle = []
    for number, share in enumerate((0.3, 0.7)):
        aside = beeline * chance.between(f"bend {number}", -0.12, 0.12)
        place = Place(
            start.latitude + (end.latitude - start.latitude) * share,
            start.longitude + (end.longitude - start.longitude) * share,
        )
        middle.append(_moved(place, aside, aside))
    places = (start, *middle, end)
    return Route(places, round(sum(map(distance, places, places[1:]))))


def _moved(place: Place, north_meters: float, east_meters: float) -> Place:
    # Towards the poles a degree of longitude has no length left: nobody rides there.
    shrunk = max(0.01, math.cos(math.radians(place.latitude)))
    latitude = place.latitude + north_meters / METERS_PER_DEGREE
    longitude = place.longitude + east_meters / (METERS_PER_DEGREE * shrunk)
    return Place(min(max(latitude, -90.0), 90.0), (longitude + 180.0) % 360.0 - 180.0)


def _place_of(stop: Stop) -> Place | None:
    if not stop.address.HasField("position"):
        return None
    return Place(stop.address.position.latitude, stop.address.position.longitude)
