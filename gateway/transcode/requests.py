"""Makes a method's request message of an HTTP request's path, query, body and headers; compiled once per binding."""

from typing import Any

from google.protobuf import message_factory
from google.protobuf.message import Message

from gateway.transcode.bindings import Binding
from gateway.transcode.bodies import BodyReader
from gateway.transcode.fields import TextField
from gateway.transcode.headers import HeaderFields, Headers
from gateway.transcode.queries import QueryReader
from gateway.transcode.refusals import Faults, Violation, invalid
from gateway.transcode.templates import UnreadableText

MASK = "update_mask"


class RequestReader:
    """The requests of one binding."""

    def __init__(self, binding: Binding) -> None:
        descriptor = binding.method.input_type
        self._make: type[Message] = message_factory.GetMessageClass(descriptor)
        self._template = binding.template
        self._in_path = {each.path: TextField.find(descriptor, each.path) for each in binding.template.variables}
        in_path = frozenset(field.path for field in self._in_path.values())
        self._query = QueryReader(descriptor, in_path, binding.body)
        self._body = BodyReader(descriptor, binding.body)
        self._headers = HeaderFields(binding)
        mask = descriptor.fields_by_name.get(MASK)
        self._derives_mask = binding.http_method == "PATCH" and binding.body not in ("", "*") and mask is not None
        # Where the change goes and what it depends on are not part of the change.
        prefix = f"{binding.body}."
        unchanged = {*in_path, self._headers.etag_path}
        self._not_in_mask = frozenset(path.removeprefix(prefix) for path in unchanged if path.startswith(prefix))

    def read(self, segments: list[str], query: bytes, headers: Headers, body: bytes) -> Message:
        """The request. Raises `Refusal` with all that is wrong."""
        request: Any = self._make()
        faults = Faults()
        given = self._body.read(body, headers.get(b"content-type"), request, faults) if body else None
        self._read_path(segments, request, faults)
        asked = self._query.read(query, request, faults) if query else set()
        if self._derives_mask and given is not None and MASK not in asked:
            request.update_mask.CopyFrom(self._body.mask_of(given, self._not_in_mask))
        self._headers.fill(headers, request, faults)
        faults.raise_if_any()
        return request  # type: ignore[no-any-return]

    def _read_path(self, segments: list[str], request: Any, faults: Faults) -> None:
        try:
            values = self._template.values(segments)
        except UnreadableText as error:
            raise invalid(Violation("", f"the path cannot be read: {error}", "path.encoding")) from None
        for path, text in values:
            field = self._in_path[path]
            former = field.get(request)
            try:
                field.set(request, text)
            except ValueError as error:
                faults.add(field.path, str(error), "path.value")
                continue
            if former and former != field.get(request):
                faults.add(field.path, "differs from the one in the path", "path.contradiction")
