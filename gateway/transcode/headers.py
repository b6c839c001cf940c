"""The request headers that mean something here: what is passed on to the services, and what fills fields."""

import re
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from starlette.types import Scope

from gateway.transcode.bindings import Binding
from gateway.transcode.fields import TextField, UnknownField
from gateway.transcode.refusals import Faults, Refusal, Violation, invalid

Metadata = tuple[tuple[str, str], ...]

PASSED_ON = frozenset({b"authorization", b"x-crossdock-tenant", b"traceparent", b"tracestate"})
_READ = frozenset(
    {
        b"accept",
        b"content-encoding",
        b"content-type",
        b"idempotency-key",
        b"if-match",
        b"if-none-match",
        b"last-event-id",
    }
)
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_ETAG = re.compile(r'"([^"\x00-\x20\x7f]*)"')


@dataclass(slots=True)
class Headers:
    """Those of one request; a header sent several times is one list, as HTTP has it."""

    metadata: Metadata
    values: dict[bytes, str] = field(default_factory=dict)

    def get(self, name: bytes) -> str:
        """The value; empty when it was not sent."""
        return self.values.get(name, "")


def read_headers(scope: Scope) -> Headers:
    """Raises `Refusal` when one that is passed on has characters that gRPC cannot carry."""
    metadata: list[tuple[str, str]] = []
    values: dict[bytes, str] = {}
    for name, raw in scope["headers"]:
        if name in PASSED_ON:
            text = raw.decode("latin-1")
            if not _PRINTABLE.fullmatch(text):
                header = name.decode("ascii")
                raise invalid(Violation("", f"the header {header} has characters beyond printable ASCII", "header"))
            metadata.append((name.decode("ascii"), text))
        elif name in _READ:
            text = raw.decode("latin-1")
            values[name] = f"{values[name]}, {text}" if name in values else text
    request_id = scope.get("state", {}).get("request_id")
    if request_id:
        metadata.append(("x-request-id", request_id))
    return Headers(tuple(metadata), values)


class HeaderFields:
    """Which fields of one binding's request the headers fill: `Idempotency-Key` and `If-Match`."""

    def __init__(self, binding: Binding) -> None:
        self._reads = binding.http_method == "GET"
        self._request_id = _text_field(binding.method.input_type, "request_id")
        self._etag = _etag_field(binding)

    @property
    def etag_path(self) -> str:
        """Where the etag of a change stands; empty when the method has none."""
        return self._etag.path if self._etag else ""

    def fill(self, headers: Headers, message: Any, faults: Faults) -> None:
        """Sets the fields; one that has another value already is a fault."""
        if self._request_id is not None and (key := headers.get(b"idempotency-key")):
            _agree(self._request_id, message, key, "the header Idempotency-Key", faults)
        if self._reads:
            return
        if b"if-none-match" in headers.values:
            faults.add("", "the header If-None-Match is for reading", "header.condition")
        condition = headers.get(b"if-match").strip()
        if condition in ("", "*"):
            return
        if self._etag is None:
            faults.add("", "this method cannot be made conditional with If-Match", "header.condition")
            return
        if condition.startswith("W/"):
            raise precondition_failed("a weak etag never matches")
        form = _ETAG.fullmatch(condition)
        if form is None:
            faults.add(self._etag.path, 'the header If-Match must be one etag, such as "3", or *', "header.condition")
        else:
            _agree(self._etag, message, form[1], "the header If-Match", faults)


def precondition_failed(message: str) -> Refusal:
    """The thing is not in the state that the caller requires."""
    return Refusal(grpc.StatusCode.ABORTED, "ETAG_MISMATCH", message, http_status=412)


def not_modified(headers: Headers, etag: str) -> bool:
    """Whether a reader has the present state already: `If-None-Match`, compared weakly."""
    condition = headers.get(b"if-none-match").strip()
    if not condition or not etag:
        return False
    return condition == "*" or etag in _ETAG.findall(condition)


def _agree(target: TextField, message: Any, text: str, source: str, faults: Faults) -> None:
    present = target.get(message)
    if present and present != text:
        faults.add(target.path, f"differs from {source}", "header.contradiction")
    else:
        target.set(message, text)


def _etag_field(binding: Binding) -> TextField | None:
    request = binding.method.input_type
    if binding.http_method in ("PATCH", "PUT") and binding.body not in ("", "*"):
        return _text_field(request, f"{binding.body}.etag")
    return _text_field(request, "etag")


def _text_field(descriptor: Descriptor, path: str) -> TextField | None:
    try:
        found = TextField.find(descriptor, path)
    except UnknownField:
        return None
    fits = found.field.type == FieldDescriptor.TYPE_STRING and not found.field.is_repeated
    return found if fits else None
