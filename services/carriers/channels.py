"""Channels to carriers: made when they are needed, kept while they are used, ended when idle; knows no method."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from typing import Any, NamedTuple

import grpc

from runtime.addresses import Address
from services.carriers import targets
from services.carriers.targets import Allowed, Resolve, Target

IDLE_SECONDS = 60.0
LONGEST_SECONDS = 300.0
"""After this a channel is made anew, to where the name then leads."""
LONGEST_SEARCH_SECONDS = 5.0
"""How long a name may be looked for."""
MAX_ANSWER_BYTES = 4 * 1024 * 1024

_OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.max_receive_message_length", MAX_ANSWER_BYTES),
    ("grpc.max_metadata_size", 16 * 1024),
    # A call is sent once: whether it may be sent again is the dispatch's decision.
    ("grpc.enable_retries", 0),
    # No proxy variable and no service configuration of the name's owner leads elsewhere.
    ("grpc.enable_http_proxy", 0),
    ("grpc.service_config_disable_resolution", 1),
    # Two accounts at one address share no connection: the calls of one must not wait for the other's.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)


class Line(NamedTuple):
    """Where a carrier is and who we are there."""

    address: str
    plaintext: bool
    authorization: str


@dataclass
class _Kept:
    channel: grpc.aio.Channel
    made: float
    used: float
    under_way: int = field(default=0)


class Channels:
    """The channels of one process, for the event loop of its first call."""

    def __init__(
        self,
        allowed: Allowed,
        authority: bytes | None = None,
        *,
        ask: Resolve | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed = allowed
        self._authority = authority
        self._ask = ask
        self._clock = clock
        self._kept: dict[Line, _Kept] = {}
        self._retired: list[_Kept] = []
        self._making: dict[Line, asyncio.Task[_Kept]] = {}

    @asynccontextmanager
    async def use(self, line: Line) -> AsyncIterator[grpc.aio.Channel]:
        """A channel for one call. Raises NotAllowed, Unreadable, and OSError for a name that leads nowhere."""
        await self._retire()
        kept = self._kept.get(line) or await self._made(line)
        kept.under_way += 1
        try:
            yield kept.channel
        finally:
            kept.under_way -= 1
            kept.used = self._clock()

    async def close(self) -> None:
        """Ends all of them; calls under way fail."""
        making = list(self._making.values())
        for task in making:
            task.cancel()
        await asyncio.gather(*making, return_exceptions=True)
        every = [*self._kept.values(), *self._retired]
        self._kept.clear()
        self._retired.clear()
        await asyncio.gather(*(each.channel.close(None) for each in every))

    def __len__(self) -> int:
        return len(self._kept) + len(self._retired)

    async def _retire(self) -> None:
        """Lets go of what is idle or old; what is still used is ended by a later call."""
        now = self._clock()
        for line, kept in list(self._kept.items()):
            if now - kept.made > LONGEST_SECONDS or (not kept.under_way and now - kept.used > IDLE_SECONDS):
                self._retired.append(self._kept.pop(line))
        over = [each for each in self._retired if not each.under_way]
        self._retired = [each for each in self._retired if each.under_way]
        for each in over:
            await each.channel.close(None)

    async def _made(self, line: Line) -> _Kept:
        """A new one, made once for all who want it at the same time: none of them is waited for by the others."""
        making = self._making.get(line)
        if making is None:
            making = self._making[line] = asyncio.create_task(self._keep(line))
            making.add_done_callback(lambda _: self._making.pop(line, None))
        return await asyncio.shield(making)

    async def _keep(self, line: Line) -> _Kept:
        async with asyncio.timeout(LONGEST_SEARCH_SECONDS):
            channel = await self._make(line)
        kept = self._kept[line] = _Kept(channel, self._clock(), self._clock())
        return kept

    async def _make(self, line: Line) -> grpc.aio.Channel:
        target = targets.read(line.address)
        addresses = await targets.resolve(target, self._allowed, plaintext=line.plaintext, ask=self._ask)
        where = _uri(addresses, target.port)
        options = [*_OPTIONS, ("grpc.default_authority", line.address)]
        if line.plaintext:
            return grpc.aio.insecure_channel(where, options)
        credentials = grpc.ssl_channel_credentials(self._authority)
        return grpc.aio.secure_channel(where, credentials, [*options, _name_of(target)])


def _uri(addresses: list[Address], port: int) -> str:
    """Addresses of one family as gRPC wants them; IPv4 where there are both."""
    six = [each for each in addresses if isinstance(each, IPv6Address)]
    four = [each for each in addresses if not isinstance(each, IPv6Address)]
    if four:
        return "ipv4:" + ",".join(f"{each}:{port}" for each in four)
    return "ipv6:" + ",".join(f"[{each}]:{port}" for each in six)


def _name_of(target: Target) -> tuple[str, str]:
    """For whom the certificate must be: the name that was given, not the address to which it led."""
    return ("grpc.ssl_target_name_override", target.host)
