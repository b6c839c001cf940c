"""Where carriers may be: the addresses that somebody else chose and to which this deployment connects.

Names are resolved here and the addresses found are connected to, so that what was judged is what is called.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias

from runtime.addresses import Address, Network, is_public

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, as text; raises OSError."""

_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?")
_NUMBERS = re.compile(r"(0[xX][0-9A-Fa-f]*|[0-9]+)(\.(0[xX][0-9A-Fa-f]*|[0-9]*))*\.?")
"""What some resolvers take for an address, though it is not written as one."""


class NotAllowed(Exception):
    """The address is not one to which this deployment connects; the text says why."""


class Unreadable(ValueError):
    """The text is no address of a server."""


@dataclass(frozen=True)
class Target:
    """A server: a host in small letters, or an address, and a port."""

    host: str
    port: int

    @property
    def address(self) -> Address | None:
        """The address, where the host is one."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None


@dataclass(frozen=True)
class Allowed:
    """Hosts and networks of the deployment's own: not public, or spoken to in clear."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Allowed":
        """Reads hosts, addresses and networks with commas between them. Raises ValueError."""
        hosts, networks = set(), []
        for entry in filter(None, (each.strip().lower() for each in text.split(","))):
            if _HOST.fullmatch(entry) and not _NUMBERS.fullmatch(entry):
                hosts.add(entry)
            else:
                networks.append(ip_network(entry))
        return cls(frozenset(hosts), tuple(networks))

    def covers(self, target: Target, address: Address | None) -> bool:
        """Whether a target is one of them, by its name or by the address that it has."""
        return target.host in self.hosts or (address is not None and any(address in each for each in self.networks))


def read(text: str) -> Target:
    """Reads ``host:port`` or ``[address]:port``; no scheme, no path. Raises Unreadable."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdecimal() or not 0 < int(port[:6]) < 65536:
        raise Unreadable('must be "host:port"')
    if host.startswith("[") and host.endswith("]"):
        try:
            address = IPv6Address(host[1:-1])
        except ValueError:
            raise Unreadable("holds no address in its brackets") from None
        if address.scope_id is not None:
            raise Unreadable("has a zone, which means something on one machine alone")
        return Target(str(address), int(port))
    try:
        return Target(str(IPv4Address(host)), int(port))
    except ValueError:
        if not _HOST.fullmatch(host) or _NUMBERS.fullmatch(host):
            raise Unreadable("begins with no name of a host") from None
    return Target(host.lower().rstrip("."), int(port))


def require_allowed(target: Target, allowed: Allowed, *, plaintext: bool) -> None:
    """Raises NotAllowed for what can be judged without asking anybody; every connection is judged again."""
    address = target.address
    if allowed.covers(target, address):
        return
    if plaintext and (address is not None or not allowed.networks):
        raise NotAllowed("only TLS is spoken to it")
    local = target.host == "localhost" or target.host.endswith((".localhost", ".local", ".internal"))
    if (address is not None and not is_public(address)) or (local and not allowed.networks):
        raise NotAllowed("it is not a public address")


async def resolve(target: Target, allowed: Allowed, *, plaintext: bool, ask: Resolve | None = None) -> list[Address]:
    """The addresses at which a target may be called now. Raises NotAllowed when one of them may not, and OSError."""
    address = target.address
    found = [address] if address is not None else [ip_address(each) for each in await (ask or _ask)(target.host, 0)]
    for each in found:
        if allowed.covers(target, each):
            continue
        if plaintext:
            raise NotAllowed("only TLS is spoken to it")
        if not is_public(each):
            raise NotAllowed("it is not a public address")
    return found


async def _ask(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
