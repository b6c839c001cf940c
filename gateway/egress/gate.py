"""Stands where names become addresses and where sockets are made: nothing is connected that it has not judged.

A name is resolved once per connection, all its addresses are judged, and the socket goes to one of exactly those:
there is no second look-up that could answer otherwise. Knows nothing of HTTP.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.egress.allowances import Allowances, parse_address
from gateway.egress.destinations import Destination
from gateway.egress.failures import Blocked

Resolve = Callable[[str], Awaitable[list[str]]]
"""Gives the addresses of a name; raises OSError when there are none."""

RESOLVING_THREADS = 16


class SystemResolver:
    """The system's resolver in threads of its own, so that slow name servers keep nothing else waiting."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVING_THREADS, thread_name_prefix="resolve")

    async def __call__(self, host: str) -> list[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _look_up, host)
        return list(dict.fromkeys(found))

    def close(self) -> None:
        """Let go of the threads; those that wait for a name server end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Gate(AbstractResolver):
    """aiohttp's resolver and maker of sockets; `destination` is where the current task is going."""

    def __init__(self, allowances: Allowances, resolve: Resolve) -> None:
        self._allowances = allowances
        self._resolve = resolve
        self.destination: ContextVar[Destination] = ContextVar("egress_destination")

    def check(self, address: str) -> None:
        """Raise Blocked when the current destination may not be connected to at this address."""
        destination = self.destination.get()
        if refusal := self._allowances.refusal(destination, parse_address(address)):
            raise Blocked(refusal)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Resolve a name for aiohttp. One address that is not allowed blocks the name as a whole."""
        addresses = await self._resolve(host)
        if not addresses:
            raise OSError(None, "the name has no addresses")
        for address in addresses:
            self.check(address)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    def make_socket(self, info: tuple[Any, ...]) -> socket.socket:
        """Make the socket for one address: the last place before the connection, whatever led here."""
        family, kind, protocol, _, address = info
        self.check(address[0])
        return socket.socket(family, kind, protocol)

    async def close(self) -> None:
        """Nothing is held here."""


def _look_up(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]
