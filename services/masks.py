"""Partial updates: applies a ``FieldMask`` to a message; pure, knows no particular message.

A path that is named and not set in the update erases; an empty mask stands for every member that is set.
``*`` stands for all members that a caller may write. A path may go into messages (``contact.phone``) and
name one key of a map (``extensions.hubrise``), never one element of a list.
"""

from collections.abc import Collection, Iterable
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.field_mask_pb2 import FieldMask

from services.errors import Problem, Violation

EVERYTHING = "*"


def apply_mask(update: Any, onto: Any, mask: FieldMask, *, assigned: Collection[str]) -> set[str]:
    """Writes the named members of ``update`` into ``onto`` and returns the names of the top members touched.

    ``assigned`` are top members that only the hub writes: naming one is an error, sending one back is not.
    Raises INVALID_REQUEST with every path that does not fit, and then has written nothing.
    """
    paths = paths_of(update, mask, assigned=assigned)
    for path in paths:
        copy_path(update, onto, path)
    return {path.split(".")[0] for path in paths}


def paths_of(update: Any, mask: FieldMask, *, assigned: Collection[str]) -> list[str]:
    """The paths that an update is about. Raises INVALID_REQUEST with every path that does not fit."""
    if list(mask.paths) == [EVERYTHING]:
        return [field.name for field in update.DESCRIPTOR.fields if field.name not in assigned]
    if not mask.paths:
        return [field.name for field, _ in update.ListFields() if field.name not in assigned]
    _check(update.DESCRIPTOR, mask.paths, assigned)
    return list(mask.paths)


def is_set_at(message: Any, path: str) -> bool:
    """Whether the message has a value at a path of its own."""
    name, _, rest = path.partition(".")
    field = message.DESCRIPTOR.fields_by_name[name]
    if not _is_set(message, field) or not rest:
        return _is_set(message, field)
    value = getattr(message, name)
    return rest in value if _is_map(field) else is_set_at(value, rest)


def copy_path(update: Any, onto: Any, path: str) -> None:
    """Makes one path of ``onto`` what it is in ``update``, nothing included."""
    name, _, rest = path.partition(".")
    field = onto.DESCRIPTOR.fields_by_name[name]
    if not rest:
        onto.ClearField(name)
        if _is_set(update, field):
            _assign(update, onto, field)
    elif _is_map(field):
        _copy_key(getattr(update, name), getattr(onto, name), field, rest)
    elif _is_set(update, field) or onto.HasField(name):
        # Reading a member that is not set gives an empty message and sets nothing.
        copy_path(getattr(update, name), getattr(onto, name), rest)


def require_unchanged(before: Any, after: Any, names: Iterable[str], root: str) -> None:
    """Raises FIELD_IMMUTABLE for the first of the members that had a value, as a bool always has, and has another now.

    ``root`` is the member of the request that holds the update ("source").
    """
    for name in names:
        had, has = getattr(before, name), getattr(after, name)
        if had != has and (had or isinstance(had, bool)):
            path = f"{root}.{name}"
            raise Problem("FIELD_IMMUTABLE", f"{path} is set once and has another value", {"field": path})


def _check(descriptor: Descriptor, paths: Iterable[str], assigned: Collection[str]) -> None:
    wrong = {path: _wrong(descriptor, path.split("."), assigned) for path in paths}
    violations = tuple(
        Violation("update_mask", f"{path!r} {words}", "field_mask.path") for path, words in wrong.items() if words
    )
    if violations:
        told = "; ".join(violation.description for violation in violations)
        raise Problem("INVALID_REQUEST", f"update_mask: {told}", violations=violations)


def _wrong(descriptor: Descriptor, path: list[str], assigned: Collection[str]) -> str:
    """What is wrong with the path, in words; empty when nothing is."""
    if path[0] in assigned:
        return "is assigned by the hub and cannot be changed"
    kind: Descriptor | None = descriptor
    for depth, name in enumerate(path):
        if kind is None:
            return f"goes on behind {'.'.join(path[:depth])!r}, which has no members"
        field = kind.fields_by_name.get(name)
        if field is None:
            return f"is not a member of {kind.name}"
        rest = len(path) - depth - 1
        if rest and _is_map(field):
            return "" if rest == 1 and path[-1] else f"goes on behind a key of {name!r}"
        if rest and field.is_repeated:
            return f"goes into the list {name!r}, which can only be changed as a whole"
        kind = field.message_type
    return ""


def _copy_key(theirs: Any, ours: Any, field: FieldDescriptor, key: str) -> None:
    ours.pop(key, None)
    if key in theirs:
        value_type = field.message_type and field.message_type.fields_by_name["value"].message_type
        if value_type is None:
            ours[key] = theirs[key]
        else:
            ours[key].CopyFrom(theirs[key])


def _assign(update: Any, onto: Any, field: FieldDescriptor) -> None:
    value = getattr(update, field.name)
    if field.is_repeated:
        getattr(onto, field.name).MergeFrom(value)
    elif field.message_type is not None:
        getattr(onto, field.name).CopyFrom(value)
    else:
        setattr(onto, field.name, value)


def _is_set(message: Any, field: FieldDescriptor) -> bool:
    if field.is_repeated:
        return len(getattr(message, field.name)) > 0
    if field.has_presence:
        return bool(message.HasField(field.name))
    return bool(getattr(message, field.name) != field.default_value)


def _is_map(field: FieldDescriptor) -> bool:
    return bool(field.is_repeated and field.message_type and field.message_type.GetOptions().map_entry)
