"""Says whether a webhook comes from its source: a module per scheme, over the raw bytes, before any parsing.

No scheme raises on hostile input, and every comparison with a secret takes constant time.
"""

from gateway.verifiers.addresses import client_address, parse_networks
from gateway.verifiers.sources import Refused, Scheme, SourceAuth, Verified
from gateway.verifiers.verification import verify

__all__ = [
    "Refused",
    "Scheme",
    "SourceAuth",
    "Verified",
    "client_address",
    "parse_networks",
    "verify",
]
