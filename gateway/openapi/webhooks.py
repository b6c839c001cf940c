"""Inbound webhooks in the document: the paths of every dialect that is served, and the same under `webhooks`."""

import json
from collections.abc import Mapping

from gateway.dialects.inbound import InboundDialect
from gateway.openapi.errors import edge_responses
from gateway.openapi.fragments import Fragment, Json, json_content, model_schemas, schema_ref

TAG = "Webhooks"
_SOURCE = {
    "name": "sourceId",
    "in": "path",
    "required": True,
    "description": "The source, which is bound to a tenant and to the credentials that a message must carry.",
    "schema": {"type": "string", "minLength": 1},
}
_SECRET = {
    "name": "secret",
    "in": "path",
    "required": True,
    "description": "The secret of a source whose scheme is `AUTH_SCHEME_PATH_SECRET`.",
    "schema": {"type": "string", "minLength": 1, "format": "password"},
}
_HEADER_SCHEMES: Mapping[str, Json] = {
    "standardWebhooks": {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "Standard Webhooks (Svix): an HMAC over id, time and body, beside `webhook-id` and "
        "`webhook-timestamp`, or all three as `svix-*`.",
    },
    "staticAuthorization": {
        "type": "apiKey",
        "in": "header",
        "name": "authorization",
        "description": "A fixed value that the source has agreed with its sender.",
    },
    "basic": {"type": "http", "scheme": "basic", "description": "HTTP basic authentication."},
    "hmacHex": {
        "type": "apiKey",
        "in": "header",
        "name": "x-hmac-sha256",
        "description": "The hexadecimal HMAC-SHA256 of the body, in the header that the source's `hmacHeader` names.",
    },
}


def webhooks_fragment(dialects: Mapping[str, InboundDialect]) -> Fragment:
    """Two paths a dialect: with the secret as the last segment, and with credentials in a header."""
    paths: dict[str, Json] = {}
    webhooks: dict[str, Json] = {}
    schemas: dict[str, Json] = {}
    for dialect in dialects.values():
        base = f"/webhooks/{dialect.name}/{{sourceId}}"
        by_header: list[Json] = [{name: []} for name in _HEADER_SCHEMES]
        paths[base] = {
            "parameters": [_SOURCE],
            "post": {"operationId": f"{dialect.name}_receive", **_operation(dialect), "security": by_header},
        }
        paths[f"{base}/{{secret}}"] = {
            "parameters": [_SOURCE, _SECRET],
            "post": {"operationId": f"{dialect.name}_receiveBySecret", **_operation(dialect), "security": []},
        }
        webhooks[dialect.name] = {"post": {"operationId": f"{dialect.name}_webhook", **_operation(dialect)}}
        if dialect.described is not None:
            schemas |= model_schemas(f"{dialect.name}.", dialect.described.model)
    return Fragment(
        tags=[{"name": TAG, "description": "What carriers post, each in its own format, byte by byte kept."}],
        paths=paths,
        webhooks=webhooks,
        schemas=schemas,
        security_schemes=_HEADER_SCHEMES if dialects else {},
    )


def _operation(dialect: InboundDialect) -> Json:
    told = (
        "Thanked for with 2xx as soon as it is verified and committed, whatever it says: what is not as documented is "
        "kept and marked. A second copy is thanked for too and changes nothing."
    )
    if dialect.described is None:
        told += " This release stores the messages of this dialect and does not read them yet."
        content = json_content({"description": "As the sender documents it; see there."})
    else:
        told += f" The format is documented at {dialect.described.source}."
        name = f"{dialect.name}.{dialect.described.model.__name__}"
        content = json_content(schema_ref(name), example=dialect.described.example)
    return {
        "tags": [TAG],
        "summary": f"A message of {dialect.name}",
        "description": told,
        "requestBody": {"required": True, "content": content},
        "responses": {"200": _thanks(dialect), **edge_responses("401", "404", "408", "413", "500", "503")},
    }


def _thanks(dialect: InboundDialect) -> Json:
    answer: Json = {"description": "Stored."}
    if dialect.thanks_type is not None:
        text = dialect.thanks.decode()
        answer["content"] = {dialect.thanks_type: {"schema": {}, "example": _value(text, dialect.thanks_type)}}
    return answer


def _value(text: str, media_type: str) -> object:
    return json.loads(text) if media_type.endswith("json") else text
