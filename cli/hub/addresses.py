"""Owns the addresses that a hub will serve: read, kept for it while it runs, and how to reach them; serves nothing.

A port is taken with a socket that never listens. That finds a port in use before anything is started, makes a
real number of port 0, and keeps the number for a process that is restarted.
"""

import errno
import socket
from typing import NamedTuple

from cli.hub.problems import HubNotStarted


class Address(NamedTuple):
    """A host and a port, as `host:port` or `[::1]:port`."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Raises ValueError with a message for people."""
        host, colon, port = text.rpartition(":")
        if not (colon and port.isascii() and port.isdecimal() and int(port) < 65536):
            raise ValueError(f"{text!r} is not host:port")
        if (":" in host) != (host.startswith("[") and host.endswith("]")):
            raise ValueError(f"{text!r}: an IPv6 address stands in brackets, as in [::1]:{port}")
        if not host.strip("[]"):
            raise ValueError(f"{text!r} names no host: 127.0.0.1 for this machine alone, 0.0.0.0 for all networks")
        return cls(host.strip("[]"), int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def reachable(self) -> "Address":
        """What a client on this machine connects to: nobody can connect to 0.0.0.0 everywhere."""
        return Address({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host), self.port)  # noqa: S104


class Reservation:
    """A port that is ours until `release`."""

    def __init__(self, taken: socket.socket, address: Address) -> None:
        self.address = address
        self._taken = taken

    @classmethod
    def take(cls, wish: Address, flag: str) -> "Reservation":
        """The address, with a real port; `flag` is where the user chose it. Raises HubNotStarted."""
        try:
            family = socket.getaddrinfo(wish.host, wish.port, type=socket.SOCK_STREAM)[0][0]
        except OSError as error:
            raise HubNotStarted(f"{flag} {wish}: there is no host {wish.host!r} ({error.strerror})") from None
        taken = socket.socket(family, socket.SOCK_STREAM)
        # Lets our processes listen there, and nobody beside a process that listens already.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((wish.host, wish.port))
        except OSError as error:
            taken.close()
            raise HubNotStarted(_why(wish, flag, error)) from None
        return cls(taken, Address(wish.host, taken.getsockname()[1]))

    def release(self) -> None:
        self._taken.close()


def _why(wish: Address, flag: str, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"port {wish.port} of {wish.host} is in use by another process: stop it, or choose another with "
                f"{flag} {Address(wish.host, 0)} (any free port)"
            )
        case errno.EACCES:
            return f"{flag} {wish}: you may not serve port {wish.port}: choose one above 1023"
        case errno.EADDRNOTAVAIL:
            return f"{flag} {wish}: {wish.host} is not an address of this machine"
        case _:
            return f"{flag} {wish}: {error.strerror}"
