"""Path templates of `google.api.http` and the table that finds one for a path; knows no message and no HTTP answer.

The grammar is that of google/api/http.proto: literals, `*`, `**` (last), variables such as `{name}`, `{name=a/*}` and
`{name=**}`, and a `:verb` at the end. As in Envoy, what follows the last colon of a path is a verb only if some
template has that verb; an identifier that ends so is sent with `%3A`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import unquote

T = TypeVar("T")

_TOKEN = re.compile(r"\{(?P<path>[a-z_][a-z0-9_.]*)(?:=(?P<inner>[^{}]+))?\}|(?P<plain>[^/{}:]+)")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SLASH = re.compile("%2[fF]")


class UnreadableTemplate(ValueError):
    """The contract has a path template that does not follow the grammar."""


class UnreadableText(ValueError):
    """Percent-encoded text that is not UTF-8, or not percent-encoded properly."""


@dataclass(frozen=True)
class Variable:
    """Which segments, from `start` to before `end` (None: all that remain), are the value of a field's path."""

    path: str
    start: int
    end: int | None


@dataclass(frozen=True)
class Template:
    """A template taken apart: `segments` are literals, `*` and, as the last one, `**`."""

    text: str
    segments: tuple[str, ...]
    verb: str
    variables: tuple[Variable, ...]

    @classmethod
    def parse(cls, text: str) -> "Template":
        """Raises `UnreadableTemplate`."""
        rest = text
        segments: list[str] = []
        variables: list[Variable] = []
        while rest.startswith("/"):
            token = _TOKEN.match(rest, 1)
            if token is None:
                raise UnreadableTemplate(f"{text!r}: expected a segment at {rest!r}")
            if token["path"] is None:
                segments.append(token["plain"])
            else:
                start = len(segments)
                segments += (token["inner"] or "*").split("/")
                end = None if segments[-1] == "**" else len(segments)
                variables.append(Variable(token["path"], start, end))
            rest = rest[token.end() :]
        verb = rest[1:] if rest.startswith(":") else ""
        if not segments or (rest and not re.fullmatch(r":[^/:{}]+", rest)) or "**" in segments[:-1]:
            raise UnreadableTemplate(f"{text!r}: not a path template")
        return cls(text, tuple(segments), verb, tuple(variables))

    def values(self, segments: list[str]) -> list[tuple[str, str]]:
        """The variables' paths and values in a path's raw segments. Raises `UnreadableText`."""
        return [(each.path, _value(segments[each.start : each.end], each)) for each in self.variables]


@dataclass
class _Node(Generic[T]):
    literals: dict[str, "_Node[T]"] = field(default_factory=dict)
    one: "_Node[T] | None" = None
    leaves: dict[str, dict[str, T]] = field(default_factory=dict)
    """By verb, then by HTTP method; those of `**` have the verb's name behind two stars."""


class Table(Generic[T]):
    """What is registered for a template and an HTTP method, found by a path. Literals win over stars."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()
        self._verbs: set[str] = set()

    def add(self, template: Template, method: str, target: T) -> None:
        """Registers; the first one for the same paths and method wins, and the later one raises ValueError."""
        node = self._root
        tail = ""
        for segment in template.segments:
            if segment == "**":
                tail = "**"
            elif segment == "*":
                node.one = node.one or _Node()
                node = node.one
            else:
                node = node.literals.setdefault(segment, _Node())
        leaf = node.leaves.setdefault(tail + template.verb, {})
        if method in leaf:
            raise ValueError(f"{method} {template.text} is registered already")
        leaf[method] = target
        self._verbs.add(template.verb)

    def find(self, path: str) -> tuple[list[str], list[dict[str, T]]]:
        """The raw segments of a path as it was sent, and what its templates have by HTTP method, the best first."""
        segments = path[1:].split("/")
        before, colon, verb = segments[-1].rpartition(":")
        if colon and verb in self._verbs:
            segments[-1] = before
        else:
            verb = ""
        return segments, list(_matches(self._root, segments, 0, verb))


def decoded(text: str) -> str:
    """Percent-decoded text. Raises `UnreadableText`."""
    if "%" not in text:
        return text
    if _BAD_ESCAPE.search(text):
        raise UnreadableText("a % must be followed by two hexadecimal digits")
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise UnreadableText("not UTF-8") from None


def _matches(node: _Node[T], segments: list[str], position: int, verb: str) -> Iterator[dict[str, T]]:
    if position == len(segments):
        if verb in node.leaves:
            yield node.leaves[verb]
    else:
        segment = segments[position]
        if segment in node.literals:
            yield from _matches(node.literals[segment], segments, position + 1, verb)
        if node.one is not None and segment:
            yield from _matches(node.one, segments, position + 1, verb)
    if "**" + verb in node.leaves:
        yield node.leaves["**" + verb]


def _value(segments: list[str], variable: Variable) -> str:
    if variable.end is not None and variable.end - variable.start == 1:
        return decoded(segments[0])
    # In a value of several segments an encoded slash stays encoded, else nobody could tell it from a separator.
    return "/".join("%2F".join(decoded(part) for part in _SLASH.split(segment)) for segment in segments)
