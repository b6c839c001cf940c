"""An HTTP server that writes down what is posted and answers as it is told."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass
class Posted:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass
class FrontDoor:
    """`statuses` are the answers to come, one each; afterwards 200."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    posted: list[Posted] = field(default_factory=list)

    def words(self, member: str) -> list[str]:
        """One member of every document, in the order of arrival."""
        return [each.document[member] for each in self.posted]

    async def take(self, request: Request) -> Response:
        self.posted.append(Posted(request.url.path, dict(request.headers), await request.body()))
        return Response("so", self.statuses.pop(0) if self.statuses else 200)


@asynccontextmanager
async def open_door() -> AsyncIterator[FrontDoor]:
    """A door for as long as the test lasts."""
    door = FrontDoor()
    listener = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=[Route("/{path:path}", door.take, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, ws="none", lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    door.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield door
    finally:
        server.should_exit = server.force_exit = True
        await serving
