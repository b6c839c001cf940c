"""Who calls, and from which location: a token's level and a location's time zone, remembered for seconds.

What is remembered decides nothing about access: every request makes at least one call of the services with its
own token, and they say no to one that was revoked meanwhile.
"""

import hashlib
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, tzinfo
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crossdock.v1.access_service_pb2 import GetCallerRequest, GetCallerResponse
from crossdock.v1.location_pb2 import Location
from crossdock.v1.location_service_pb2 import GetLocationRequest, ListLocationsRequest

from gateway.services_client import Metadata, ServicesClient

SECONDS = 10.0
MAX_REMEMBERED = 10_000

Value = TypeVar("Value")


class Callers:
    """What the services say of tokens, and of locations as a token may see them."""

    def __init__(
        self, services: ServicesClient, *, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._services = services
        self._callers = _Remembered[GetCallerResponse](seconds, clock)
        self._locations = _Remembered[Location](seconds, clock)

    async def caller(self, token: str, metadata: Metadata) -> GetCallerResponse:
        """The token's level and location."""

        async def load() -> GetCallerResponse:
            return await self._services.access.GetCaller(
                GetCallerRequest(), metadata=metadata, timeout=self._services.seconds
            )

        return await self._callers.get(_digest(token), load)

    async def location(self, token: str, location_id: str, metadata: Metadata) -> Location:
        """A location within the token's reach."""

        async def load() -> Location:
            response = await self._services.locations.GetLocation(
                GetLocationRequest(location_id=location_id), metadata=metadata, timeout=self._services.seconds
            )
            return response.location

        return await self._locations.get(f"{_digest(token)} {location_id}", load)

    async def location_named(self, token: str, external_id: str, metadata: Metadata) -> Location:
        """A location within the token's reach by the tenant's own name for it; an empty one when there is none."""

        async def load() -> Location:
            response = await self._services.locations.ListLocations(
                ListLocationsRequest(external_id=external_id, page_size=1),
                metadata=metadata,
                timeout=self._services.seconds,
            )
            return response.locations[0] if response.locations else Location()

        return await self._locations.get(f"{_digest(token)} named {external_id}", load)


def zone_of(location: Location) -> tzinfo:
    """The time zone in which times are told; UTC for a location without."""
    try:
        return ZoneInfo(location.time_zone) if location.time_zone else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


class _Remembered(Generic[Value]):
    """Answers by key, each for some seconds; a failure is not remembered."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._known: dict[str, tuple[float, Value]] = {}

    async def get(self, key: str, load: Callable[[], Awaitable[Value]]) -> Value:
        known = self._known.get(key)
        if known is not None and known[0] > self._clock():
            return known[1]
        value = await load()
        self._known.pop(key, None)
        if len(self._known) >= MAX_REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[key] = (self._clock() + self._seconds, value)
        return value


def _digest(token: str) -> str:
    """Tokens themselves are not kept."""
    return hashlib.sha256(token.encode()).hexdigest()
