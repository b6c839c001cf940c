"""Writes a method's response as the bytes of an answer, with the etag of what is shown; knows no request.

That is JSON, except where the contract answers with `google.api.HttpBody`.
"""

import json
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from gateway.transcode.bindings import Binding
from gateway.transcode.writers import writer_of

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)

JSON = "application/json"


def encoded(value: Any) -> bytes:
    """JSON without spaces, in UTF-8."""
    return _ENCODER.encode(value).encode()


RAW = "google.api.HttpBody"
"""A member of this kind is the answer itself, with a media type of its own."""


class AnswerWriter:
    """The answers of one binding: the whole response, or the member that `response_body` names."""

    raw = False
    """Whether answers are bytes of any media type instead of JSON."""

    def __init__(self, binding: Binding) -> None:
        output = binding.method.output_type
        self._write = writer_of(output)
        self._member: Callable[[Any], Any] | None = None
        self._json_name = self._name = ""
        shown = output
        if binding.response_body:
            field = output.fields_by_name[binding.response_body]
            self._name, self._json_name = field.name, field.json_name
            if field.message_type is None or field.is_repeated:
                raise ValueError(f"{field.full_name}: a response body must be a message")
            self._member = writer_of(field.message_type)
            shown = field.message_type
            if shown.full_name == RAW:
                self.raw, shown = True, output
        etag = shown.fields_by_name.get("etag")
        self._has_etag = etag is not None and etag.type == FieldDescriptor.TYPE_STRING

    def write(self, response: Any) -> tuple[bytes, str]:
        """The bytes, and the etag; empty when there is none."""
        if self.raw:
            return getattr(response, self._name).data, response.etag if self._has_etag else ""
        if self._member is None:
            return encoded(self._write(response)), response.etag if self._has_etag else ""
        shown = getattr(response, self._name)
        return encoded(self._member(shown)), shown.etag if self._has_etag else ""

    def media_type(self, response: Any) -> str:
        """The media type of a response's bytes."""
        return str(getattr(response, self._name).content_type) if self.raw else JSON

    def write_item(self, response: Any) -> bytes:
        """One message of a stream."""
        return self.write(response)[0]
