"""What a carrier must be to be stored; pure."""

from collections.abc import Iterator

import protovalidate
from crossdock.v1.carrier_pb2 import Carrier
from crossdock.v1.carrier_service_pb2 import DescribeCarrierResponse

from services.carriers import targets
from services.carriers.targets import Allowed
from services.errors import Problem, Violation

ASSIGNED = frozenset({"circuit_state", "record", "create_time", "update_time", "etag"})
"""Members that only the hub writes."""
DESCRIBED = ("dialect", "capabilities", "service_levels", "silent_statuses")
"""What a carrier says of itself, where nobody has said it."""


def require_valid(carrier: Carrier, allowed: Allowed) -> None:
    """Raises INVALID_REQUEST with everything that keeps it from being stored, else ADDRESS_NOT_ALLOWED."""
    if violations := tuple(_violations(carrier)):
        told = "; ".join(f"{each.field}: {each.description}" for each in violations)
        raise Problem("INVALID_REQUEST", told, violations=violations)
    target = targets.read(carrier.address)
    try:
        targets.require_allowed(target, allowed, plaintext=carrier.plaintext)
    except targets.NotAllowed as reason:
        metadata = {"field": "carrier.address", "host": target.host}
        raise Problem("ADDRESS_NOT_ALLOWED", f"carrier.address: {reason}", metadata) from None


def _violations(carrier: Carrier) -> Iterator[Violation]:
    for name in ("ref", "name", "address"):
        if not getattr(carrier, name):
            yield Violation(f"carrier.{name}", "is required", "required")
    if carrier.address:
        try:
            targets.read(carrier.address)
        except targets.Unreadable as reason:
            yield Violation("carrier.address", str(reason), "address.readable")
    if not (carrier.authorization.isascii() and (carrier.authorization.isprintable())):
        yield Violation("carrier.authorization", "must be printable ASCII", "authorization.printable")
    if carrier.source_id and not carrier.dialect:
        yield Violation("carrier.dialect", "is required where there is a source", "dialect.required")
    seen = set()
    for position, level in enumerate(carrier.service_levels):
        if level.id in seen:
            path = f"carrier.service_levels[{position}].id"
            yield Violation(path, "stands twice", "service_level.unique")
        seen.add(level.id)


def fill(carrier: Carrier, said: DescribeCarrierResponse) -> bool:
    """Fills what is not set with what the carrier says of itself; changes nothing, False, when that cannot be."""
    filled = Carrier()
    filled.CopyFrom(carrier)
    for name in DESCRIBED:
        if not getattr(filled, name):
            filled.MergeFrom(Carrier(**{name: getattr(said, name)}))
    if protovalidate.collect_violations(filled):
        return False
    carrier.CopyFrom(filled)
    return True
