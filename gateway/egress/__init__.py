"""The way out: HTTP to addresses that partners and carriers name, and to nothing inside unless a setting says so."""

from gateway.egress.allowances import Allowances
from gateway.egress.answers import Answer
from gateway.egress.client import Egress
from gateway.egress.failures import BadHeader, BadUrl, Blocked, EgressFailed, TimedOut, TooLarge, Unreachable

__all__ = [
    "Allowances",
    "Answer",
    "BadHeader",
    "BadUrl",
    "Blocked",
    "Egress",
    "EgressFailed",
    "TimedOut",
    "TooLarge",
    "Unreachable",
]
