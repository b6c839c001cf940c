"""A proxy between the services and their carriers that breaks calls as networks and servers do; knows no booking.

Calls pass two stages: a relay of bytes, which can cut one connection in the middle of a call, and a gRPC server, which
knows where one call ends and the next begins. A carrier that is registered with the authorization "Bearer swift.key#7"
belongs to life 7: what happens to its calls follows from that life's dice alone, whoever else calls meanwhile.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from enum import Enum
from typing import Any, NamedTuple

import grpc

Context = grpc.aio.ServicerContext[bytes, bytes]


class Fault(Enum):
    """What goes wrong with one call."""

    NONE = "nothing"
    REFUSE = "refused, and not passed on"
    HANG = "never answered, and not passed on"
    CUT_BEFORE = "the connection ends before the request is passed on"
    LATE = "passed on only after the caller has given up"
    CUT_AFTER = "the connection ends after the request was passed on"
    DROP = "passed on, and never answered"
    ERROR = "passed on, and answered with an error"
    TWICE = "passed on twice"


DONE = frozenset((Fault.CUT_AFTER, Fault.DROP, Fault.ERROR))
"""The carrier does what it is asked, and the caller does not hear of it."""


class Call(NamedTuple):
    """One call as it passes: the ``number``-th of its life, carrier and method, from 0."""

    life: str
    carrier: str
    method: str
    number: int


Choose = Callable[[Call], Fault]


def calm(_: Call) -> Fault:
    """Nothing goes wrong."""
    return Fault.NONE


def dice(shares: Mapping[str, float], seed: int = 0) -> Choose:
    """Faults for a share of the calls of each method. The same call of the same life always meets the same."""
    faults = [each for each in Fault if each is not Fault.NONE]

    def choose(call: Call) -> Fault:
        thrown = random.Random(f"{seed} {call}")
        return thrown.choice(faults) if thrown.random() < shares.get(call.method, 0) else Fault.NONE

    return choose


class FaultProxy:
    """``choose`` says what goes wrong with a call, and may be set at any time; ``calls`` are all that came."""

    def __init__(self, carriers: grpc.aio.Channel) -> None:
        self.address = ""
        self.choose: Choose = calm
        self.calls: list[Call] = []
        self._carriers = carriers
        self._counts: dict[tuple[str, str, str], int] = {}
        self._kept: set[asyncio.Task[Any]] = set()
        self._pairs: dict[int, tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = {}
        self._inner = 0

    def count(self, life: str, method: str) -> int:
        """How many calls of a method there were in a life."""
        return sum(each.life == life and each.method == method for each in self.calls)

    async def serve(self, method: str, request: bytes, context: Context) -> bytes:
        """One call."""
        told = str(dict(context.invocation_metadata() or ()).get("authorization", ""))
        authorization, _, life = told.partition("#")
        place = (life, authorization.removeprefix("Bearer ").partition(".")[0], method.rpartition("/")[2])
        call = Call(*place, self._counts.get(place, 0))
        self._counts[place] = call.number + 1
        self.calls.append(call)
        fault = self.choose(call)

        async def pass_on() -> bytes:
            way = self._carriers.unary_unary(method, None, None)
            answer: bytes = await way(request, metadata=(("authorization", authorization),))
            return answer

        if fault is Fault.REFUSE:
            await context.abort(grpc.StatusCode.UNAVAILABLE, fault.value)
        if fault is Fault.CUT_BEFORE:
            self._cut(context)
        if fault in (Fault.HANG, Fault.CUT_BEFORE, Fault.LATE):
            try:
                await asyncio.Event().wait()
            finally:
                if fault is Fault.LATE:
                    self._keep(pass_on())
        try:
            answer = await pass_on()
            if fault is Fault.TWICE:
                answer = await pass_on()
        except grpc.aio.AioRpcError as error:
            await context.abort(error.code(), error.details() or "")
        if fault is Fault.ERROR:
            await context.abort(grpc.StatusCode.INTERNAL, fault.value)
        if fault is Fault.CUT_AFTER:
            self._cut(context)
        if fault in DONE:
            await asyncio.Event().wait()
        return answer

    def _cut(self, context: Context) -> None:
        """Ends the connection that a call came on, without a word."""
        for writer in self._pairs.get(int(context.peer().rpartition(":")[2]), ()):
            writer.transport.abort()

    def _keep(self, work: Coroutine[Any, Any, bytes]) -> None:
        async def quietly() -> None:
            with suppress(grpc.aio.AioRpcError):
                await work

        task = asyncio.create_task(quietly())
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the services."""
        task = asyncio.current_task()
        assert task is not None, "asyncio makes one for each connection"
        self._kept.add(task)
        back, on = await asyncio.open_connection("127.0.0.1", self._inner)
        port = on.get_extra_info("sockname")[1]
        self._pairs[port] = (writer, on)
        await asyncio.gather(_pump(reader, on), _pump(back, writer))
        del self._pairs[port]
        self._kept.discard(task)

    async def close(self) -> None:
        """Ends every connection; what is still to be passed on is passed on."""
        for writer in [writer for pair in self._pairs.values() for writer in pair]:
            writer.transport.abort()
        await asyncio.gather(*self._kept)

    def start(self, address: str, inner: int) -> None:
        """Tells where the relay listens, and on which port the second stage."""
        self.address, self._inner = address, inner


class _Everything(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # it takes none when it runs
    """All methods, as bytes."""

    def __init__(self, proxy: FaultProxy) -> None:
        self._proxy = proxy

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        method = handler_call_details.method

        async def serve(request: bytes, context: Context) -> bytes:
            return await self._proxy.serve(method, request, context)

        return grpc.unary_unary_rpc_method_handler(serve)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Bytes in one direction, until either side ends."""
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def running_proxy(carriers: grpc.aio.Channel) -> AsyncIterator[FaultProxy]:
    """A proxy in front of the server at the other end of a channel; calm until it is told otherwise."""
    proxy = FaultProxy(carriers)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Everything(proxy),))
    inner = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    relay = await asyncio.start_server(proxy.relay, "127.0.0.1", 0)
    proxy.start(f"127.0.0.1:{relay.sockets[0].getsockname()[1]}", inner)
    try:
        yield proxy
    finally:
        relay.close()
        await proxy.close()
        await server.stop(0)
