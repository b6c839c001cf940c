"""The contract's comments as Markdown, by full name, read from the descriptor image; knows no HTTP and no schema."""

import importlib.resources
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet

Path = tuple[int, ...]

_IMAGE = importlib.resources.files("crossdock.v1") / "descriptors.binpb"
# The numbers of the descriptors' own fields, of which a location's path consists.
_FILE_MESSAGES, _FILE_ENUMS, _FILE_SERVICES = 4, 5, 6
_FIELDS, _NESTED, _NESTED_ENUMS = 2, 3, 4
_VALUES = _METHODS = 2

_CODE = re.compile(r"`[A-Za-z0-9_.]+`")
_UNDERSCORE = re.compile(r"(?<=[a-z0-9])_([a-z0-9])")


def read_comments() -> dict[str, str]:
    """What stands above each message, field, enum, value, service and method. Members are spelt as in JSON."""
    files = FileDescriptorSet.FromString(_IMAGE.read_bytes()).file
    return {name: text for file in files for name, text in _comments_of(file)}


def first_sentence(text: str) -> str:
    """The beginning of a comment that can stand alone."""
    sentence = re.split(r"(?<=[.])\s", " ".join(text.split()), maxsplit=1)[0]
    return sentence.removesuffix(".")


def _comments_of(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    found = {
        tuple(each.path): _markdown(each.leading_comments)
        for each in file.source_code_info.location
        if each.leading_comments
    }
    for name, path in _elements(file):
        if path in found:
            yield f"{file.package}.{name}", found[path]


def _elements(file: FileDescriptorProto) -> Iterator[tuple[str, Path]]:
    for place, message in enumerate(file.message_type):
        yield from _of_message(message, message.name, (_FILE_MESSAGES, place))
    yield from _with_members(file.enum_type, "value", (_FILE_ENUMS,), _VALUES)
    yield from _with_members(file.service, "method", (_FILE_SERVICES,), _METHODS)


def _of_message(message: DescriptorProto, name: str, path: Path) -> Iterator[tuple[str, Path]]:
    yield name, path
    for place, field in enumerate(message.field):
        yield f"{name}.{field.name}", (*path, _FIELDS, place)
    for place, nested in enumerate(message.nested_type):
        yield from _of_message(nested, f"{name}.{nested.name}", (*path, _NESTED, place))
    for each, inner in _with_members(message.enum_type, "value", (*path, _NESTED_ENUMS), _VALUES):
        yield f"{name}.{each}", inner


def _with_members(things: Iterable[Any], members: str, path: Path, number: int) -> Iterator[tuple[str, Path]]:
    for place, thing in enumerate(things):
        yield thing.name, (*path, place)
        for inner, member in enumerate(getattr(thing, members)):
            yield f"{thing.name}.{member.name}", (*path, place, number, inner)


def _markdown(comment: str) -> str:
    text = "\n".join(line.removeprefix(" ").rstrip() for line in comment.splitlines()).strip()
    return _CODE.sub(lambda code: camel(code[0]), text)


def camel(name: str) -> str:
    """A name of the contract, or a path of names, in lowerCamelCase; words in capitals stay."""
    return _UNDERSCORE.sub(lambda letter: letter[1].upper(), name)


def listed(values: Mapping[str, str]) -> str:
    """Names with their comments as a list."""
    return "\n".join(f"* `{name}`: {' '.join(text.split())}" for name, text in values.items())
