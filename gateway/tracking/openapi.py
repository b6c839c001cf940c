"""How the links of shipments look in the OpenAPI document: for people, and for programs that fetch labels."""

from gateway.openapi.errors import edge_responses
from gateway.openapi.fragments import Fragment, Json, json_content, schema_ref

TAG = "Tracking"

_TEXT: Json = {"schema": {"type": "string"}}
_BYTES: Json = {"schema": {"type": "string", "format": "binary"}}
_TOKEN: Json = {
    "name": "token",
    "in": "path",
    "required": True,
    "description": "The secret part of a link of a shipment.",
    "schema": {"type": "string", "minLength": 1},
}


def tracking_fragment() -> Fragment:
    """The tracking page, its QR code and the label."""
    leads_on: Json = {"302": {"description": "The carrier makes a label of its own, which is there."}}
    return Fragment(
        tags=[{"name": TAG, "description": "What the links of shipments lead to. Whoever has a link needs no token."}],
        paths={
            "/t/{token}": _read("page", "The page on which the recipient follows a shipment", {"text/html": _TEXT}),
            "/t/{token}/qr.svg": _read("qrCode", "A QR code that leads to that page", {"image/svg+xml": _TEXT}),
            "/labels/{token}.pdf": _read(
                "label", "The label, 4 by 6 inches", {"application/pdf": _BYTES}, more=leads_on
            ),
        },
    )


def _read(name: str, summary: str, content: Json, more: Json | None = None) -> Json:
    page: Json = {"content": {"text/html": _TEXT}}
    # What is no path at all is answered by the edge, as everywhere.
    nothing: Json = {"content": {"text/html": _TEXT, **json_content(schema_ref("EdgeError"))}}
    responses: Json = {
        "200": {"description": summary, "content": content},
        **(more or {}),
        "404": {"description": "No such link, or its shipment ended more than a day ago.", **nothing},
        "503": {"description": "Not now; try again after `Retry-After`.", **page},
        **edge_responses("500"),
    }
    told = {"operationId": f"tracking_{name}", "tags": [TAG], "summary": summary, "security": []}
    return {"parameters": [_TOKEN], "get": {**told, "responses": responses}}
