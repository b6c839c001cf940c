"""How what a source only links to is fetched: which hosts it names, and with which headers; pure, fetches nothing."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from crossdock.v1.webhook_pb2 import FetchHeader, WebhookSource

from services.errors import Violation, invalid

_PORTS = {"https": 443, "http": 80}
_OF_THE_CONNECTION = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def violations(source: WebhookSource) -> Iterable[Violation]:
    """What keeps a source's headers from being sent."""
    names = [header.name for header in source.fetch_headers]
    for place, name in enumerate(names):
        path = f"source.fetch_headers[{place}].name"
        if name in _OF_THE_CONNECTION:
            yield Violation(path, "is set by the connection itself", "header.reserved")
        if name in names[:place]:
            yield Violation(path, "stands there twice", "header.unique")
    if names and not source.fetch_hosts:
        yield Violation("source.fetch_hosts", "is required with fetch_headers: they go nowhere else", "required")


def taken(source: WebhookSource, present: Iterable[FetchHeader]) -> list[FetchHeader]:
    """Takes the values out of a source; gives the headers with values, those without one as they are at present.

    Raises INVALID_REQUEST for a header that has none.
    """
    known = {header.name: header.value for header in present}
    headers = []
    for place, header in enumerate(source.fetch_headers):
        value = header.value or known.get(header.name, "")
        if not value:
            raise invalid(f"source.fetch_headers[{place}].value", "is required for a new header", "required")
        headers.append(FetchHeader(name=header.name, value=value))
        header.ClearField("value")
    return headers


def names_host(source: WebhookSource, url: str) -> bool:
    """Whether the source names the host, and the port, of this URL."""
    try:
        parts = urlsplit(url)
        wanted = ((parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0))
    except ValueError:
        return False
    for named in source.fetch_hosts:
        name, _, port = named.lower().partition(":")
        if (name, int(port or _PORTS["https"])) == wanted:
            return True
    return False
