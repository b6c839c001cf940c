"""The way to a carrier simulator's `SimulatorService`: one channel, the key on every call; knows no command."""

from types import TracebackType
from typing import TypeVar

import grpc
from crossdock.simulator.v1.simulator_service_pb2_grpc import SimulatorServiceStub

Request = TypeVar("Request")
Response = TypeVar("Response")
CALL_SECONDS = 30.0


class SimulatorClient:
    """An open channel; `async with` closes it."""

    def __init__(self, address: str, key: str = "") -> None:
        self._channel = grpc.aio.insecure_channel(address, options=(("grpc.max_receive_message_length", 64 << 20),))
        self._metadata = (("authorization", f"Bearer {key}"),) if key else ()
        self.stub = SimulatorServiceStub(self._channel)

    async def __aenter__(self) -> "SimulatorClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._channel.close(None)

    async def call(self, method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]", request: Request) -> Response:
        """One call. Raises grpc.aio.AioRpcError."""
        return await method(request, metadata=self._metadata, timeout=CALL_SECONDS)
