"""What a subscription must be to be stored, and which events it wants; pure."""

import ipaddress
import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from crossdock.v1.event_pb2 import Event, EventKind
from crossdock.v1.subscription_pb2 import Subscription

from services.errors import Problem, Violation
from services.events.filters import compile_filter

DIALECTS = ("cloudevents", "skipcart", "hubrise", "evermile", "deliverysolutions", "ordatic")
ASSIGNED = frozenset(
    field.name for field in Subscription.DESCRIPTOR.fields if field.number >= Subscription.CURSOR_FIELD_NUMBER
) | {"id"}
"""Members that only the hub writes: the contract lists them behind `timeout`."""
SET_ONCE = ("dialect", "passive", "shipment_id")

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]{0,4096}")
_NOT_YOURS = re.compile(
    r"(?i)(webhook-|svix-|x-hubrise-|x-ds-|proxy-|:).*|"
    r"host|content-length|content-type|content-encoding|transfer-encoding|connection|keep-alive|te|trailer|upgrade|"
    r"expect|accept-encoding|user-agent"
)
"""Headers that HTTP or a signature uses."""


def require_valid(subscription: Subscription, *, plain_http: bool) -> None:
    """Raises INVALID_REQUEST with every member that cannot be, ADDRESS_NOT_ALLOWED for where we do not connect.

    ``plain_http``: the deployment allows addresses of its own network, and http.
    """
    if violations := tuple(_violations(subscription)):
        told = "; ".join(f"{violation.field}: {violation.description}" for violation in violations)
        raise Problem("INVALID_REQUEST", told, violations=violations)
    if subscription.url and not plain_http:
        host = urlsplit(subscription.url).hostname or ""
        if urlsplit(subscription.url).scheme.lower() != "https" or _is_private(host):
            raise Problem(
                "ADDRESS_NOT_ALLOWED",
                "subscription.url: only https to a public address is allowed here",
                {"field": "subscription.url", "host": host},
            )


def _violations(subscription: Subscription) -> Iterator[Violation]:
    if subscription.dialect not in DIALECTS:
        yield Violation("subscription.dialect", f"must be one of {', '.join(DIALECTS)}", "dialect.known")
    if subscription.passive:
        if subscription.url:
            yield Violation("subscription.url", "a passive subscription has none", "url.passive")
    elif problem := _unusable(subscription.url):
        yield Violation("subscription.url", problem, "url.usable")
    for position, header in enumerate(subscription.headers):
        here = f"subscription.headers[{position}]"
        if not _HEADER_NAME.fullmatch(header.name):
            yield Violation(f"{here}.name", "is no name of a header", "header.name")
        elif _NOT_YOURS.fullmatch(header.name):
            yield Violation(f"{here}.name", "is used by HTTP or by the signature", "header.reserved")
        elif header.name.lower() == "authorization" and subscription.dialect == "ordatic":
            yield Violation(f"{here}.name", "is the secret of this dialect", "header.reserved")
        if not _HEADER_VALUE.fullmatch(header.value):
            yield Violation(f"{here}.value", "must be printable ASCII", "header.value")


def _unusable(url: str) -> str:
    if not url:
        return "is required unless the subscription is passive"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is no web address"
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname or port == 0:
        return "is no http or https address"
    if parts.username is not None or parts.password is not None:
        return "must not hold credentials: use a header"
    if parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        return "must be ASCII without blanks and fragment"
    return ""


def _is_private(host: str) -> bool:
    """What can be said without asking anybody; every connection is checked again by the address that it has."""
    if host.lower().rstrip(".") == "localhost" or host.lower().endswith((".localhost", ".local", ".internal")):
        return True
    try:
        address = ipaddress.ip_address(host)
        return not address.is_global or address.is_multicast
    except ValueError:
        return bool(re.fullmatch(r"[0-9.]+|0[xX][0-9a-fA-F]+", host))


def wanted_by(subscription: Subscription) -> Callable[[Event], bool]:
    """The predicate of a subscription. Events about subscriptions are told only to who asks for that kind."""
    matches = compile_filter(subscription.filter, None)
    asks = EventKind.EVENT_KIND_SUBSCRIPTION_CHANGED in subscription.filter.kinds
    author = subscription.created_by if subscription.spare_echo else ""
    shipment_id = subscription.shipment_id

    def wanted(event: Event) -> bool:
        if event.kind == EventKind.EVENT_KIND_SUBSCRIPTION_CHANGED and not asks:
            return False
        if shipment_id and event.shipment_id != shipment_id:
            return False
        if author and event.actor.id == author:
            return False
        return matches(event)

    return wanted
