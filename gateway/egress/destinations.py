"""Reads a URL strictly into where it leads; pure, resolves no names.

What browsers and resolvers read in several ways (decimal, octal and hexadecimal addresses, backslashes, user
names) is refused instead of being read in one of them.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from yarl import URL

from gateway.egress.failures import BadUrl
from runtime.addresses import Address

LONGEST_URL = 8192
_UNWRITABLE = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029\ufeff]")
_AUTHORITY = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(?::[0-9]{1,5})?")
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True)
class Destination:
    """Where a URL leads: `host` is a name in lower case without a last dot, or the text of `address`."""

    url: URL
    scheme: str
    host: str
    port: int
    address: Address | None


def read_destination(text: str) -> Destination:
    """Read a URL; raise BadUrl with a sentence on anything that is not plainly http or https to one host."""
    if len(text) > LONGEST_URL:
        raise BadUrl(f"the address is longer than {LONGEST_URL} characters")
    if _UNWRITABLE.search(text):
        raise BadUrl("the address has blanks, control characters or backslashes in it")
    try:
        # What is ASCII goes out as it was written: a signed address must not change by a byte.
        url = URL(text, encoded=text.isascii())
        scheme, host, port = url.scheme.lower(), (url.raw_host or "").lower(), url.port
        authority = url.raw_authority
    except ValueError:
        raise BadUrl("the address cannot be read as one") from None
    if scheme not in ("http", "https"):
        raise BadUrl("the address does not begin with https://")
    if "@" in authority:
        raise BadUrl("the address has a user name in it")
    if not _AUTHORITY.fullmatch(authority):
        raise BadUrl("the address has no plain host and port")
    if not host:
        raise BadUrl("the address has no host")
    if not port:
        raise BadUrl("port 0 cannot be reached")
    address = _literal(host)
    if address is None and (len(host) > 253 or not _NAME.fullmatch(host)):
        raise BadUrl("the host is no name of the internet")
    return Destination(url, scheme, host.rstrip(".") if address is None else str(address), port, address)


def _literal(host: str) -> Address | None:
    try:
        if ":" in host:
            return IPv6Address(host)
        if not _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
            return None
        return IPv4Address(host)
    except AddressValueError:
        raise BadUrl("the host is a number that is no address in its usual form") from None
