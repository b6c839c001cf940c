"""The gateway's routes for machines and readers, which belong to no contract and no dialect, as a fragment."""

from gateway.openapi.errors import edge_responses
from gateway.openapi.fragments import Fragment, Json, json_content

TAG = "Process"


def process_fragment() -> Fragment:
    """Health, metrics, and this document itself."""
    text: Json = {"schema": {"type": "string"}}
    file = {"name": "file", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    files = {"text/javascript": text, "text/css": text, "image/png": text}
    metrics = {"text/plain": text, "application/openmetrics-text": text}
    return Fragment(
        tags=[{"name": TAG, "description": "This process, for supervisors, load balancers and readers."}],
        paths={
            "/healthz": _read("healthz", "Whether this process lives", json_content(_status("ok"))),
            "/readyz": _read("readyz", "Whether it serves", json_content(_status("ready")), "503"),
            "/metrics": _read("metrics", "What it counts, for Prometheus", metrics),
            "/openapi.json": _read("openapi", "This document", json_content({"type": "object"}), cached=True),
            "/docs": _read("docs", "This document as a page", {"text/html": text}, cached=True),
            "/docs/{file}": {
                "parameters": [file],
                **_read("docsFile", "A file of that page", files, "404", cached=True),
            },
        },
    )


def _status(word: str) -> Json:
    return {"type": "object", "properties": {"status": {"const": word}}, "required": ["status"]}


def _read(name: str, summary: str, content: Json, *refusals: str, cached: bool = False) -> Json:
    responses: Json = {"200": {"description": summary, "content": content}}
    if cached:
        responses["304"] = {"description": "The caller has the present state."}
    responses |= edge_responses(*refusals, "500")
    told = {"operationId": f"process_{name}", "tags": [TAG], "summary": summary, "security": []}
    return {"get": {**told, "responses": responses}}
