"""Where this deployment connects though it is not public, or not https: the setting's grammar and its meaning; pure.

An entry is a host, `*.domain`, an address or a network, with `:port` where only that port is meant and `http://`
before it where the clear protocol may be spoken: `hooks.internal`, `10.1.0.0/16:8443`, `http://127.0.0.1`,
`[fd00::]/8`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from gateway.egress.destinations import Destination
from runtime.addresses import Address, Network, is_public

_USUAL_PORTS = frozenset({80, 443})
_FIRST_FREE_PORT = 1024
"""Below it live mail, file shares and shells, which an HTTP request could be made to talk to."""

_ENTRY = re.compile(
    r"(?P<scheme>https?://)?"
    r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\](?P<six_bits>/[0-9]+)?"
    r"|(?P<four>[0-9.]+(?:/[0-9]+)?)"
    r"|(?P<suffix>\*\.)?(?P<host>[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)


@dataclass(frozen=True)
class Allowance:
    """One entry: a name or a network, a port or any, and whether the clear protocol may be spoken there."""

    host: str
    subdomains: bool
    network: Network | None
    port: int | None
    clear: bool

    def covers(self, destination: Destination, address: Address) -> bool:
        """Whether the entry speaks of this destination at this address."""
        if self.port is not None and self.port != destination.port:
            return False
        if self.network is not None:
            return address in self.network
        if self.subdomains:
            return destination.host.endswith(f".{self.host}")
        return destination.host == self.host


@dataclass(frozen=True)
class Allowances:
    """All entries together."""

    entries: tuple[Allowance, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "Allowances":
        """Read entries; raise ValueError on one that is none, host bits of a network included."""
        return cls(tuple(_parse(text.strip()) for text in texts if text.strip()))

    def refusal(self, destination: Destination, address: Address) -> str:
        """Why the destination is not connected to at this address; empty when it is."""
        granted = [each for each in self.entries if each.covers(destination, address)]
        if not granted and not is_public(address):
            return f"{destination.host} is not a public address"
        if destination.scheme == "http" and not any(each.clear for each in granted):
            return f"{destination.host} is spoken to over https only"
        if (
            destination.port < _FIRST_FREE_PORT
            and destination.port not in _USUAL_PORTS
            and not any(each.port == destination.port for each in granted)
        ):
            return f"port {destination.port} is for other things than http"
        return ""


def parse_address(text: str) -> Address:
    """Read what a resolver gives: one address, perhaps with a zone."""
    return IPv6Address(text) if ":" in text else IPv4Address(text)


def _parse(text: str) -> Allowance:
    # An IPv6 address or network without a port may stand without brackets.
    if text.count(":") > 1 and "[" not in text:
        return Allowance("", False, IPv6Network(text), None, False)
    found = _ENTRY.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no host, address or network")
    network: IPv4Network | IPv6Network | None = None
    if found["six"]:
        network = IPv6Network(found["six"] + (found["six_bits"] or ""))
    elif found["four"]:
        network = ip_network(found["four"])
    port = int(found["port"]) if found["port"] else None
    if port is not None and not 0 < port < 65536:
        raise ValueError(f"{text!r} names no port")
    return Allowance((found["host"] or "").lower(), bool(found["suffix"]), network, port, found["scheme"] == "http://")
