"""Parses requests and holds them against the rules of the contract; knows no method by its meaning but one pair.

The ingest methods take up to 17 MiB, since raw bodies do; all others 1 MiB.
"""

from collections.abc import Iterable
from typing import Any

import protovalidate

from services.errors import Problem, Violation
from services.interceptors.calls import Context, Method, Proceed
from services.storable import require_storable

MIB = 1024 * 1024
MAX_REQUEST_BYTES = 1 * MIB
MAX_INGEST_BYTES = 17 * MIB
# The gateway's reader has refused what cannot be stored, value by value: one such value must not cost a batch, and
# a walk through hundreds of reports would cost more than storing them.
INGEST = frozenset(f"/crossdock.v1.WebhookService/{name}" for name in ("IngestWebhook", "BatchIngestWebhooks"))
# These carry pictures, or readings of messages that do.
LARGE = INGEST | {"/crossdock.v1.WebhookService/ReplayWebhook", "/crossdock.v1.DeliveryService/StoreDeliveryProof"}


def validation(method: Method, proceed: Proceed) -> Proceed:
    """The layer: within it the request is a message that keeps every rule of the contract and can be stored."""
    parse, collect = method.parse, protovalidate.collect_violations
    ingests = method.name in INGEST
    limit = MAX_INGEST_BYTES if method.name in LARGE else MAX_REQUEST_BYTES

    async def validate(raw: bytes, context: Context) -> Any:
        if len(raw) > limit:
            raise _too_large(limit)
        request = parse(raw)
        if violations := collect(request):
            raise broken(violations)
        if not ingests:
            require_storable(request)
        return await proceed(request, context)

    return validate


def broken(found: Iterable[protovalidate.Violation]) -> Problem:
    """The problem that lists all violations, each with its field's path."""
    violations = tuple(Violation(field_path(each.proto), each.proto.message, each.proto.rule_id) for each in found)
    told = "; ".join(f"{each.field}: {each.description}" if each.field else each.description for each in violations)
    return Problem("INVALID_REQUEST", told, violations=violations)


def field_path(violation: Any) -> str:
    """The path as JSON users write it: ``delivery.parcels[0].name``, ``labels["a"]``."""
    path = ""
    for element in violation.field.elements if violation.field is not None else ():
        path += f".{element.field_name}" if path else element.field_name
        subscript = element.subscript
        if subscript is not None:
            path += f'["{subscript.value}"]' if subscript.field == "string_key" else f"[{subscript.value}]"
    return path


def _too_large(limit: int) -> Problem:
    told = f"the request may have {limit // MIB} MiB"
    return Problem("INVALID_REQUEST", told, violations=(Violation("", told, "max_bytes"),))
