from typing import Any, cast

import pytest
from crossdock.v1.access_service_pb2 import GetCallerResponse
from crossdock.v1.location_pb2 import Location
from crossdock.v1.location_service_pb2 import GetLocationResponse

from gateway.dialects import callers
from gateway.dialects.callers import Callers, zone_of
from gateway.services_client import ServicesClient


class Services:
    """Counts what it is asked."""

    seconds = 10.0

    def __init__(self) -> None:
        self.access = self.locations = self
        self.asked: list[str] = []
        self.fails = False

    async def GetCaller(self, request: Any, **_: Any) -> GetCallerResponse:
        self.asked.append("caller")
        if self.fails:
            raise ConnectionError
        return GetCallerResponse()

    async def GetLocation(self, request: Any, **_: Any) -> GetLocationResponse:
        self.asked.append(request.location_id)
        return GetLocationResponse(location=Location(id=request.location_id))


@pytest.fixture
def services() -> Services:
    return Services()


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def known(services: Services, now: list[float]) -> Callers:
    return Callers(cast(ServicesClient, services), seconds=10, clock=lambda: now[0])


async def test_a_caller_is_asked_for_again_after_its_time(known: Callers, services: Services, now: list[float]) -> None:
    for now[0] in (0.0, 9.9, 10.1):
        await known.caller("token", ())

    assert services.asked == ["caller"] * 2


async def test_what_one_token_sees_another_must_ask_for(known: Callers, services: Services) -> None:
    for token in ("one", "one", "other"):
        await known.location(token, "loc_1", ())

    assert services.asked == ["loc_1"] * 2


async def test_a_failure_is_not_remembered(known: Callers, services: Services) -> None:
    services.fails = True
    with pytest.raises(ConnectionError):
        await known.caller("token", ())
    services.fails = False

    await known.caller("token", ())

    assert services.asked == ["caller"] * 2


async def test_the_memory_is_bounded(known: Callers, services: Services) -> None:
    for number in range(callers.MAX_REMEMBERED + 1):
        await known.caller(str(number), ())
    services.asked.clear()

    await known.caller("0", ())
    await known.caller(str(callers.MAX_REMEMBERED), ())

    assert services.asked == ["caller"]


@pytest.mark.parametrize("name", ["", "Nowhere/City", "../etc/passwd"])
def test_a_location_without_a_zone_that_we_know_is_told_times_in_utc(name: str) -> None:
    assert str(zone_of(Location(time_zone=name))) == "UTC"
