"""The EventService: the log of the caller's tenant, page by page or as a stream."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
from crossdock.v1 import event_service_pb2 as pb
from crossdock.v1 import event_service_pb2_grpc
from sqlalchemy.ext.asyncio import AsyncConnection

from services import callers, times
from services.access.liveness import while_live
from services.callers import Caller
from services.errors import invalid
from services.events import log
from services.events.filters import compile_filter
from services.events.log import Cursor
from services.hub import Hub
from services.paging import MAX_PAGE_BYTES

Context = grpc.aio.ServicerContext[Any, Any]
DEFAULT_PAGE_SIZE = 100
SCAN = 5_000
"""How many events a page looks at, at most; a page of a rare kind may come back short or empty, with its cursor."""


class EventServicer(event_service_pb2_grpc.EventServiceServicer):
    """Events of the caller's tenant, within the caller's location where the token is bound to one."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def ListEvents(self, request: pb.ListEventsRequest, context: Context) -> pb.ListEventsResponse:
        """Reads the log from a cursor or a moment on."""
        caller = callers.current()
        wanted = compile_filter(request.filter, caller.location_id)
        size = request.page_size or DEFAULT_PAGE_SIZE
        response = pb.ListEventsResponse()
        async with self._hub.engine.connect() as connection:
            cursor = await _start(connection, caller, request) or log.BEGINNING
            looked = 0
            room = MAX_PAGE_BYTES
            while len(response.events) < size and looked < SCAN and room > 0:
                entries = await log.read(connection, cursor, size, caller.tenant)
                looked += size
                for entry in entries:
                    cursor = entry.cursor
                    if wanted(event := entry.parse()):
                        response.events.append(event)
                        room -= len(entry.document)
                        if len(response.events) == size or room <= 0:
                            break
                if len(entries) < size:
                    break
        response.next_cursor = cursor.encode()
        return response

    async def WatchEvents(
        self, request: pb.WatchEventsRequest, context: Context
    ) -> AsyncIterator[pb.WatchEventsResponse]:
        """Follows the log without end; a caller that sees little still gets cursors, with the heartbeats."""
        caller = callers.current()
        wanted = compile_filter(request.filter, caller.location_id)
        cursor = None
        if request.cursor or request.HasField("start_time"):
            async with self._hub.engine.connect() as connection:
                cursor = await _start(connection, caller, request)
        stream = self._hub.tailer.follow(caller.tenant, cursor)
        async for told in while_live(self._hub, caller, stream):
            if told.event is None:
                yield pb.WatchEventsResponse(cursor=told.cursor.encode(), heartbeat=True)
            elif wanted(told.event):
                yield pb.WatchEventsResponse(cursor=told.cursor.encode(), event=told.event)


async def _start(
    connection: AsyncConnection, caller: Caller, request: pb.ListEventsRequest | pb.WatchEventsRequest
) -> Cursor | None:
    """The cursor at which the caller wants to begin; None when it names no place."""
    moment = times.given_datetime(request, "start_time")
    if request.cursor and moment is not None:
        raise invalid("start_time", "cannot be combined with cursor", "start.exclusive")
    if request.cursor:
        return Cursor.decode(request.cursor)
    return None if moment is None else await log.before(connection, caller.tenant, moment)
