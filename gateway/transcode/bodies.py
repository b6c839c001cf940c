"""Reads a request's body: its content type, strict JSON, and the message or field that it fills."""

from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from gateway import strict_json
from gateway.transcode.readers import is_map, reader_of
from gateway.transcode.refusals import Faults, Refusal, Violation, invalid
from gateway.transcode.well_known import filler_of

_TYPES = frozenset({"application/json", "application/merge-patch+json"})
MAX_BYTES = 8 << 20
"""Of JSON; the edge has a limit of its own, and the services refuse messages above theirs."""


class BodyReader:
    """The body of one binding: the whole request (`*`), a field of it, or none."""

    def __init__(self, descriptor: Descriptor, body: str) -> None:
        self._body = body
        self._field = descriptor.fields_by_name[body] if body not in ("", "*") else None
        if self._field is not None and (self._field.is_repeated or self._field.message_type is None):
            raise ValueError(f"{descriptor.full_name}.{body}: a body must be a message")
        kind = descriptor if self._field is None else self._field.message_type
        assert kind is not None
        self._read = reader_of(kind)
        self._kind = kind

    def read(self, raw: bytes, content_type: str, message: Any, faults: Faults) -> Any:
        """Fills the request and gives the body as parsed, None for an empty one. Raises `Refusal` for no JSON."""
        if not raw:
            return None
        if not self._body:
            raise invalid(Violation("", "this method takes no body", "body.none"))
        _require_json(content_type)
        try:
            value = strict_json.loads(raw, max_bytes=MAX_BYTES)
        except strict_json.MalformedJson as error:
            raise invalid(Violation(self._path, f"the body is not JSON: {error}", "json.malformed")) from None
        if self._field is not None:
            part = getattr(message, self._field.name)
            part.SetInParent()
            self._read(part, value, self._path, faults)
        else:
            self._read(message, value, "", faults)
        return value

    def mask_of(self, value: Any, left_out: frozenset[str]) -> FieldMask:
        """The paths of the members that stand in the body; none of those that the path or a header gives."""
        return FieldMask(paths=[path for path in _paths(self._kind, value, "") if path not in left_out])

    @property
    def _path(self) -> str:
        return "" if self._field is None else self._field.name


async def receive_body(receive: Receive) -> bytes:
    """All of the body. Raises `ClientDisconnect` when the client leaves before its end."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        return message.get("body", b"")  # type: ignore[no-any-return]
    chunks = []
    while message["type"] == "http.request":
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
        message = await receive()
    raise ClientDisconnect


def _require_json(content_type: str) -> None:
    kind, _, parameters = content_type.lower().partition(";")
    charset = parameters.replace(" ", "").replace('"', "")
    if kind.strip() not in _TYPES and content_type:
        told = "the body must be application/json"
    elif charset not in ("", "charset=utf-8"):
        told = "the body must be in UTF-8"
    else:
        return
    refusal: Refusal = invalid(Violation("", told, "body.type"), http_status=415)
    refusal.headers["Accept"] = "application/json"
    raise refusal


def _paths(descriptor: Descriptor, value: Any, prefix: str) -> list[str]:
    """The deepest paths that a mask can name: not into lists, nor into messages with a JSON form of their own."""
    paths: list[str] = []
    for name, each in value.items() if type(value) is dict else ():
        field = descriptor.fields_by_name.get(name) or descriptor.fields_by_camelcase_name.get(name)
        if field is not None:  # else it is a fault, noted elsewhere
            paths += _paths_of_member(field, each, prefix + field.name)
    return paths


def _paths_of_member(field: FieldDescriptor, value: Any, path: str) -> list[str]:
    inner = field.message_type
    if inner is None or not value or type(value) is not dict:
        return [path]
    if is_map(field):
        # A key with a dot in it cannot be named in a mask.
        return [path] if any("." in key or not key for key in value) else [f"{path}.{key}" for key in value]
    return [path] if filler_of(inner) is not None else _paths(inner, value, f"{path}.")
