"""How much goes to one host at a time, and whether it answers; knows no subscription.

Many subscriptions may lead to one host. When that is slow or dead it must neither take all connections nor all leases
of this process, or it would slow down everybody else.
"""

import asyncio
from urllib.parse import urlsplit

CONNECTIONS = 60
"""Less than the egress keeps per host, so that nobody's time-out runs while they wait for a connection."""
SILENT_TRIES = 5
"""After so many tries in a row without an answer, one lease at a time is enough to see whether a host is back."""
MOST_REMEMBERED = 10_000


class Host:
    """One host and port: ``slots`` are its connections, ``leases`` who sends to it, ``silent`` tries without answer."""

    def __init__(self) -> None:
        self.slots = asyncio.Semaphore(CONNECTIONS)
        self.leases = 0
        self.silent = 0

    def note(self, *, answered: bool) -> None:
        """Tells how a try ended."""
        self.silent = 0 if answered else self.silent + 1

    def takes(self, places: int) -> bool:
        """Whether one more lease may send to it, of so many that this process can hold."""
        if self.silent >= SILENT_TRIES:
            return self.leases == 0
        return self.leases < max(1, places // 2)


class Hosts:
    """All hosts that this process sends to."""

    def __init__(self) -> None:
        self._hosts: dict[str, Host] = {}

    def of(self, url: str) -> Host:
        """The host that a URL leads to."""
        if len(self._hosts) > MOST_REMEMBERED:
            self._hosts = {name: host for name, host in self._hosts.items() if host.leases}
        return self._hosts.setdefault(name_of(url), Host())


def name_of(url: str) -> str:
    """`host:port` as it may be logged: a path may hold a secret."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def without_query(url: str) -> str:
    """The URL as attempts tell it: without user name, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
