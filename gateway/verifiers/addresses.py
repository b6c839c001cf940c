"""Where a request comes from, and whether its source may call from there; resolves no names."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
UNKNOWN = "unknown"


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read CIDRs and single addresses; raise ValueError on anything else, host bits included."""
    return tuple(_unmapped_network(ip_network(text.strip())) for text in texts)


def address_allowed(peer: str, networks: tuple[Network, ...]) -> bool:
    """Say whether the address, written as text, lies in one of the networks; no networks allow all."""
    if not networks:
        return True
    address = _parse(peer)
    return address is not None and _inside(address, networks)


def client_address(peer: str, forwarded_for: str | None, trusted_proxies: tuple[Network, ...]) -> str:
    """Give the rightmost address of `X-Forwarded-For` and peer that is not a trusted proxy.

    Only what a trusted proxy has written counts: everything left of the first stranger is that stranger's own
    claim. If a trusted proxy vouches for something that is no address, the answer is "unknown", which no
    network allows. Several headers are joined with commas, in their order. If all are trusted, the first of
    them is the client.
    """
    chain = [*(forwarded_for.split(",") if forwarded_for else []), peer]
    client = UNKNOWN
    for hop in reversed(chain):
        address = _parse(_without_port(hop.strip()))
        if address is None:
            return UNKNOWN
        client = str(address)
        if not _inside(address, trusted_proxies):
            break
    return client


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _inside(address: IPv4Address | IPv6Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def _unmapped_network(network: Network) -> Network:
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - 96))
    return network
