"""Reads a query string into a request, strictly: a field per name, nested ones dotted, lists by repeating the name."""

from typing import Any

from google.protobuf.descriptor import Descriptor

from gateway.transcode.fields import TextField, UnknownField
from gateway.transcode.refusals import Faults
from gateway.transcode.templates import UnreadableText, decoded


class QueryReader:
    """The query of one binding. What the path or the body gives, the query may not."""

    def __init__(self, descriptor: Descriptor, in_path: frozenset[str], body: str) -> None:
        self._descriptor = descriptor
        self._in_path = in_path
        self._body = body

    def read(self, raw: bytes, message: Any, faults: Faults) -> set[str]:
        """Sets the fields, notes what is wrong, and gives the paths that were set, spelt as in the contract."""
        given: set[str] = set()
        for pair in raw.decode("latin-1").split("&") if raw else ():
            if not pair:
                continue
            name, _, value = pair.replace("+", " ").partition("=")
            try:
                name, value = decoded(name), decoded(value)
                field = self._field(name)
                name = field.path
                if field.path in given and not field.field.is_repeated:
                    raise ValueError("is given more than once")
                given.add(field.path)
                field.set(message, value)
            except UnknownField as error:
                faults.add(name, str(error), "query.unknown")
            except (UnreadableText, ValueError) as error:
                faults.add(name, str(error), "query.value")
        return given

    def _field(self, name: str) -> TextField:
        if self._body == "*":
            raise UnknownField("the members of this request belong in the body")
        field = TextField.find(self._descriptor, name)
        if field.path in self._in_path:
            raise UnknownField("is part of the path")
        if self._body and field.path.partition(".")[0] == self._body:
            raise UnknownField("belongs in the body")
        return field
