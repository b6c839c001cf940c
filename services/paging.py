"""Pages of a list, forward and back; knows keys and order, nothing about what is listed.

A page token holds the key of the row at the page's edge, never an offset: rows that are written or removed
meanwhile neither repeat nor hide others. It is bound to the list (the type of its request) and to the
filters. It is not secret: the tenant and the caller's reach stand in the query itself, whatever the token
says.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import Problem, invalid

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000
MAX_PAGE_BYTES = 3 * 1024 * 1024
"""gRPC clients refuse answers above 4 MiB unless they are told otherwise; a page of large things is shorter."""
_BINDING_BYTES = 12


class ListRequest(Protocol):
    """A request of a list method, as far as pages go."""

    page_size: int
    page_token: str


class Page(NamedTuple):
    """The rows in the order of the list, and the tokens of its neighbours; empty where there is none."""

    rows: Sequence[sa.Row[Any]]
    next_token: str
    previous_token: str


@dataclass(frozen=True)
class _Edge:
    """Where a page begins: beyond a key (or at it, when ``inclusive``), following the list or against it."""

    key: tuple[Any, ...]
    backward: bool = False
    inclusive: bool = False


async def read_page(
    connection: AsyncConnection,
    query: sa.Select[Any],
    key: Sequence[sa.ColumnElement[Any]],
    request: Any,
    *,
    descending: bool = True,
    default: int = DEFAULT_PAGE_SIZE,
) -> Page:
    """One page of ``query``, which has all filters and neither order nor limit.

    ``key`` are columns that the query selects: together unique and never null, ordered all up or all down.
    The page's size and token, and the filters that a token is bound to, are taken from ``request``.
    """
    size = _page_size(request, default)
    binding = _binding(request)
    edge = _decode(request.page_token, binding, key) if request.page_token else None
    backward = edge is not None and edge.backward

    found = list((await connection.execute(_beyond(query, key, edge, descending).limit(size + 1))).all())
    rows = _bounded(found[:size])
    # A page that rows vanished from still leads back to where its reader came from.
    begin = _Edge(_key_of(rows[0], key)) if rows else edge
    ahead = _encode(_Edge(_key_of(rows[-1], key), backward), binding) if len(found) > len(rows) else ""
    behind = ""
    if edge is not None and begin is not None:
        opposite = _Edge(begin.key, not backward, inclusive=not rows and not edge.inclusive)
        probe = _beyond(query, key, opposite, descending).limit(1)
        if (await connection.execute(probe)).first() is not None:
            behind = _encode(opposite, binding)
    if backward:
        return Page(rows[::-1], behind, ahead)
    return Page(rows, ahead, behind)


def _bounded(rows: list[sa.Row[Any]]) -> list[sa.Row[Any]]:
    """The rows that fit into an answer which every client takes; at least one."""
    total = 0
    for position, row in enumerate(rows):
        total += len(row._mapping.get("document") or b"")
        if total > MAX_PAGE_BYTES and position:
            return rows[:position]
    return rows


def _page_size(request: ListRequest, default: int) -> int:
    if not 0 <= request.page_size <= MAX_PAGE_SIZE:
        raise invalid("page_size", f"must be between 0 and {MAX_PAGE_SIZE}", "int32.gte_lte")
    return request.page_size or default


def _beyond(
    query: sa.Select[Any], key: Sequence[sa.ColumnElement[Any]], edge: _Edge | None, descending: bool
) -> sa.Select[Any]:
    """The rows past the edge, those nearest to it first."""
    downward = descending != (edge is not None and edge.backward)
    if edge is not None:
        here = sa.tuple_(*key)
        there = sa.tuple_(*(sa.literal(value, column.type) for value, column in zip(edge.key, key, strict=True)))
        if downward:
            query = query.where(here <= there if edge.inclusive else here < there)
        else:
            query = query.where(here >= there if edge.inclusive else here > there)
    return query.order_by(*(column.desc() if downward else column.asc() for column in key))


def _key_of(row: sa.Row[Any], key: Sequence[sa.ColumnElement[Any]]) -> tuple[Any, ...]:
    return tuple(row._mapping[column] for column in key)


def _binding(request: Any) -> bytes:
    """What a token belongs to: the type of the request and everything in it but size and token."""
    filters = type(request)()
    filters.CopyFrom(request)
    filters.ClearField("page_size")
    filters.ClearField("page_token")
    name = request.DESCRIPTOR.full_name.encode()
    return hashlib.sha256(name + b"\0" + filters.SerializeToString(deterministic=True)).digest()[:_BINDING_BYTES]


def _encode(edge: _Edge, binding: bytes) -> str:
    flags = bytes([edge.backward | edge.inclusive << 1])
    values = json.dumps([_plain(value) for value in edge.key], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(binding + flags + values).decode().rstrip("=")


def _decode(token: str, binding: bytes, key: Sequence[sa.ColumnElement[Any]]) -> _Edge:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        flags, values = raw[_BINDING_BYTES], json.loads(raw[_BINDING_BYTES + 1 :])
        if raw[:_BINDING_BYTES] != binding or flags > 3 or len(values) != len(key):
            raise ValueError("of another list")
        parsed = tuple(_parse(value, column.type.python_type) for value, column in zip(values, key, strict=True))
    except (ValueError, TypeError, IndexError, OverflowError, RecursionError, binascii.Error):
        raise Problem(
            "INVALID_PAGE_TOKEN",
            "page_token is not one that this list gave for these filters",
            {"field": "page_token"},
        ) from None
    return _Edge(parsed, bool(flags & 1), bool(flags & 2))


def _plain(value: Any) -> str | int:
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str | int):
        return value
    raise TypeError(f"a list cannot be ordered by a {type(value).__name__}")


def _parse(value: Any, kind: type[Any]) -> Any:
    if kind is UUID and isinstance(value, str):
        return UUID(hex=value)
    if kind is datetime and isinstance(value, str):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("a moment without zone")
        return moment
    if type(value) is not kind or (kind is int and not -(2**63) <= value < 2**63):
        raise ValueError(f"not a {kind.__name__}")
    if kind is str and "\0" in value:
        raise ValueError("a text that no column holds")
    return value
