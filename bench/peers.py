"""The servers to compare with, each a process of its own: the two that do nothing, and the baseline."""

import asyncio
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import IO

import httpx

READY_SECONDS = 30.0


class Peer:
    """A running server on a port of this machine."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def server(self) -> str:
        """Where it serves, as `host:port`."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where it serves, for HTTP."""
        return f"http://{self.server}"

    @classmethod
    async def grpc(cls, log: IO[str]) -> "Peer":
        """`bench.noop_grpc`."""
        port = _free_port()
        peer = await cls._start(["-m", "bench.noop_grpc", str(port)], {}, port, log)
        await peer._wait_until(peer._accepts)
        return peer

    @classmethod
    async def http(cls, app: str, environment: Mapping[str, str], log: IO[str], *flags: str) -> "Peer":
        """An ASGI application under uvicorn, on the loop and the parser that the gateway has."""
        port = _free_port()
        serve = ["-m", "uvicorn", app, "--port", str(port), "--loop", "uvloop", "--http", "httptools", *flags]
        peer = await cls._start(serve, environment, port, log)
        await peer._wait_until(peer._answers)
        return peer

    async def stop(self) -> None:
        """SIGTERM, and wait."""
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.wait()

    @classmethod
    async def _start(cls, argv: list[str], environment: Mapping[str, str], port: int, log: IO[str]) -> "Peer":
        process = await asyncio.create_subprocess_exec(
            sys.executable, *argv, env={**os.environ, **environment}, stdout=log, stderr=log
        )
        return cls(process, port)

    async def _wait_until(self, ready: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(READY_SECONDS):
            while not await ready():
                if self._process.returncode is not None:
                    raise RuntimeError(f"a server of the bench ended with status {self._process.returncode}")
                await asyncio.sleep(0.05)

    async def _accepts(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def _answers(self) -> bool:
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                await client.get(self.url)
            except httpx.HTTPError:
                return False
        return True


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
