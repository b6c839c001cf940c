"""Servicers that do what a test says, to be registered in place of the real ones."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from crossdock.v1.event_service_pb2 import WatchEventsRequest, WatchEventsResponse
from crossdock.v1.event_service_pb2_grpc import (
    EventServiceServicer,
    EventServiceStub,
    add_EventServiceServicer_to_server,
)
from crossdock.v1.location_service_pb2 import GetLocationRequest, GetLocationResponse
from crossdock.v1.location_service_pb2_grpc import (
    LocationServiceServicer,
    LocationServiceStub,
    add_LocationServiceServicer_to_server,
)

from services.registry import Registration

__all__ = ["EventServiceStub", "LocationServiceStub", "get_location", "watch_events"]


def get_location(serve: Callable[[GetLocationRequest], Awaitable[GetLocationResponse]]) -> Registration:
    """A LocationService whose GetLocation is ``serve`` and which has no other methods."""

    class Servicer(LocationServiceServicer):
        async def GetLocation(self, request: GetLocationRequest, context: Any) -> GetLocationResponse:
            return await serve(request)

    made: Any = Servicer  # the other methods stay as generated code has them
    return Registration("crossdock.v1.LocationService", add_LocationServiceServicer_to_server, lambda _: made())


def watch_events(serve: Callable[[WatchEventsRequest], AsyncIterator[WatchEventsResponse]]) -> Registration:
    """An EventService whose WatchEvents is ``serve`` and which has no other methods."""

    class Servicer(EventServiceServicer):
        async def WatchEvents(self, request: WatchEventsRequest, context: Any) -> AsyncIterator[WatchEventsResponse]:
            async for response in serve(request):
                yield response

    made: Any = Servicer  # the other methods stay as generated code has them
    return Registration("crossdock.v1.EventService", add_EventServiceServicer_to_server, lambda _: made())
