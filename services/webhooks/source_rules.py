"""What a webhook source must be to be stored; pure."""

from ipaddress import ip_network

from crossdock.v1.webhook_pb2 import AuthScheme, WebhookSource
from phonenumbers import SUPPORTED_REGIONS

from services.currencies import is_currency
from services.errors import Problem, Violation
from services.webhooks import fetching

ASSIGNED = frozenset({"id", "path", "secrets", "create_time", "update_time", "etag", "tenant_id"})
"""Members that only the hub writes."""

SET_ONCE = ("dialect", "auth_scheme")


def require_valid(source: WebhookSource) -> None:
    """Raises INVALID_REQUEST with everything that keeps the source from being stored."""
    if violations := tuple(_violations(source)):
        told = "; ".join(f"{violation.field} {violation.description}" for violation in violations)
        raise Problem("INVALID_REQUEST", told, violations=violations)


def _violations(source: WebhookSource) -> list[Violation]:
    found = [*fetching.violations(source)]
    if not source.dialect:
        found.append(Violation("source.dialect", "is required", "required"))
    if not source.auth_scheme:
        found.append(Violation("source.auth_scheme", "is required", "required"))
    if source.auth_scheme == AuthScheme.AUTH_SCHEME_HMAC_HEX and not source.hmac_header:
        found.append(Violation("source.hmac_header", "is required for AUTH_SCHEME_HMAC_HEX", "required"))
    if source.default_currency_code and not is_currency(source.default_currency_code):
        found.append(Violation("source.default_currency_code", "is no code of ISO 4217", "currency.known"))
    if source.default_region_code and source.default_region_code not in SUPPORTED_REGIONS:
        found.append(
            Violation(
                "source.default_region_code",
                "is no country with telephone numbers of its own",
                "region.known",
            )
        )
    for position, text in enumerate(source.allowed_networks):
        try:
            ip_network(text)
        except ValueError:
            found.append(
                Violation(
                    f"source.allowed_networks[{position}]",
                    f'{text!r} is no network in CIDR notation, such as "198.51.100.0/24"',
                    "network.cidr",
                )
            )
    return found
