"""Puts the OpenAPI document of a gateway together: the contract, the dialects that it serves, and its own routes."""

import importlib.metadata
import json
from collections.abc import Iterable, Mapping

from gateway.dialects.inbound import InboundDialect
from gateway.dialects.outbound import OutboundDialect
from gateway.dialects.rest import RestDialect
from gateway.openapi.comments import read_comments
from gateway.openapi.fragments import Json, merged
from gateway.openapi.operations import canonical_fragment
from gateway.openapi.processes import process_fragment
from gateway.openapi.subscribers import subscribers_fragment
from gateway.openapi.webhooks import webhooks_fragment
from gateway.tracking.openapi import tracking_fragment
from gateway.transcode.bindings import contract_services

VERSION = "3.1.0"
_DESCRIPTION = """\
Any carrier's events in, one truth kept, any documented format out.

* **Canonical JSON**, `/v1/…`: the contract `crossdock.v1` by the proto3 JSON mapping. Members without a value are left
  out of answers, and null in a request stands for one. A member or query field that is not documented is an error.
  64-bit integers are text. Whatever is read with GET can be asked for with HEAD.
* **Dialects**: the documented formats of others, as they are.
* **Webhooks**: what carriers post to us, and, as `subscription.…`, what we post to subscribers; each in its own format.

The same over gRPC, with streams and reflection: see the contract's protos.
"""


def document(
    dialects: Mapping[str, InboundDialect], rest: Iterable[RestDialect], outbound: Mapping[str, OutboundDialect]
) -> Json:
    """The whole document of a gateway with these dialects."""
    comments = read_comments()
    parts = merged(
        [
            canonical_fragment(contract_services(), comments),
            *(each.fragment() for each in rest),
            webhooks_fragment(dialects),
            subscribers_fragment(outbound),
            process_fragment(),
            tracking_fragment(),
        ]
    )
    return {
        "openapi": VERSION,
        "info": {
            "title": "Crossdock",
            "version": importlib.metadata.version("crossdock"),
            "description": _DESCRIPTION,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        **parts,
    }


def document_bytes(
    dialects: Mapping[str, InboundDialect], rest: Iterable[RestDialect], outbound: Mapping[str, OutboundDialect]
) -> bytes:
    """The document as JSON; the same bytes for the same release and dialects."""
    return json.dumps(document(dialects, rest, outbound), ensure_ascii=False, separators=(",", ":")).encode()
