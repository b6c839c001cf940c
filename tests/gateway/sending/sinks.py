"""A subscriber's HTTP server on loopback that keeps what it was sent, and answers as it is told to."""

import asyncio
import contextlib
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.gateway.egress.far_servers import answer, far_server, read_request

HOST = "127.0.0.1"
OK = answer("204 No Content", b"")


@dataclass(frozen=True)
class Heard:
    """One message as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    time: float = field(default_factory=time.monotonic)

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers.get("webhook-id", "")


Reply = Callable[[Heard, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Sink:
    """`heard` is what was answered with 2xx; `seen` also what was not."""

    port: int = 0
    heard: list[Heard] = field(default_factory=list)
    seen: list[Heard] = field(default_factory=list)
    replies: dict[str, bytes] = field(default_factory=dict)
    """Answers for paths; 204 for all others."""
    serve: Reply | None = None
    """Answers by itself, instead."""

    def url(self, path: str = "/hook") -> str:
        return f"http://{HOST}:{self.port}{path}"

    def at(self, path: str) -> list[Heard]:
        return [each for each in self.heard if each.path == path]

    def ids(self, path: str = "/hook") -> set[str]:
        return {each.id for each in self.at(path)}

    def numbers(self, path: str = "/hook") -> dict[str, list[int]]:
        """The numbers of each delivery's events in the order in which they came for the first time."""
        numbers: dict[str, list[int]] = defaultdict(list)
        met = set()
        for each in self.at(path):
            if each.id not in met:
                met.add(each.id)
                event = each.document["data"]["event"]
                numbers[event["deliveryId"]].append(int(event["number"]))
        return numbers


@contextlib.asynccontextmanager
async def running_sink(**members: Any) -> AsyncIterator[Sink]:
    sink = Sink(**members)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head, body = await read_request(reader)
            request, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            heard = Heard(request.split(" ")[1], headers, body)
            sink.seen.append(heard)
            if sink.serve is not None:
                await sink.serve(heard, writer)
                continue
            reply = sink.replies.get(heard.path, OK)
            if reply.startswith(b"HTTP/1.1 2"):
                sink.heard.append(heard)
            writer.write(reply)
            await writer.drain()

    async with far_server(serve, HOST) as far:
        sink.port = far.port
        yield sink
