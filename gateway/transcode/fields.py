"""Finds a field by its dotted path from a message and sets it from text; knows neither paths of URLs nor queries."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.transcode.readers import is_map
from gateway.transcode.scalars import text_reader
from gateway.transcode.well_known import Filler, filler_of, text_filler_of


class UnknownField(ValueError):
    """No field has this path, or none that text could set; the message says why."""


@dataclass(frozen=True)
class TextField:
    """A field that text can set. `path` is spelt as in the contract."""

    path: str
    parents: tuple[str, ...]
    field: FieldDescriptor
    fill: Filler | None

    @classmethod
    def find(cls, descriptor: Descriptor, path: str) -> "TextField":
        """By a path in either spelling. Raises `UnknownField`."""
        *parents, last = path.split(".")
        names: list[str] = []
        for name in parents:
            field = _member(descriptor, name)
            names.append(field.name)
            inner = field.message_type
            if inner is None or field.is_repeated or filler_of(inner) is not None:
                raise UnknownField(f"goes on behind {field.name}, which has no members")
            descriptor = inner
        field = _member(descriptor, last)
        fill = None
        if field.message_type is not None:
            fill = text_filler_of(field.message_type)
            if fill is None or is_map(field):
                raise UnknownField("cannot be given as text")
        return cls(".".join([*names, field.name]), tuple(names), field, fill)

    def holder(self, message: Any) -> Any:
        """The message that has the field itself."""
        for name in self.parents:
            message = getattr(message, name)
        return message

    def set(self, message: Any, text: str) -> None:
        """Sets the field, or adds to it if it is a list. Raises ValueError with a few words."""
        holder, name = self.holder(message), self.field.name
        if self.fill is not None:
            part = getattr(holder, name)
            if self.field.is_repeated:
                part = part.add()
            part.SetInParent()
            self.fill(part, text)
        elif self.field.is_repeated:
            getattr(holder, name).append(_reader(self.field)(text))
        else:
            setattr(holder, name, _reader(self.field)(text))

    def get(self, message: Any) -> Any:
        """The present value."""
        return getattr(self.holder(message), self.field.name)


def _member(descriptor: Descriptor, name: str) -> FieldDescriptor:
    field = descriptor.fields_by_name.get(name) or descriptor.fields_by_camelcase_name.get(name)
    if field is None:
        raise UnknownField(f"is not a member of {descriptor.name}")
    return field


_reader = cache(text_reader)
