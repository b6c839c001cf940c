"""The routes of the canonical face, made from the contract's descriptors, and who serves which path.

One Starlette route stands for all of them: it finds the binding in a table, where a row of regular expressions, one per
method of the contract, would cost more than the rest of the gateway's work.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from gateway.transcode.bindings import bindings_of, contract_services
from gateway.transcode.endpoints import Endpoint, Remedy, send_problem
from gateway.transcode.errors import problem_of_refusal
from gateway.transcode.refusals import Refusal
from gateway.transcode.templates import Table


def canonical_routes(
    channel: grpc.aio.Channel,
    seconds: float = 10.0,
    ending: asyncio.Event | None = None,
    services: Iterable[ServiceDescriptor] | None = None,
    remedies: Mapping[str, Remedy] | None = None,
) -> list[BaseRoute]:
    """The routes of all annotated methods of the contract, or of these services.

    `seconds` is how long a call may take; a stream may take for ever, or until `ending` is set. `remedies` are by the
    methods' full names as gRPC writes them.
    """
    bindings = bindings_of(contract_services() if services is None else services)
    ending = ending or asyncio.Event()
    known = remedies or {}
    return [
        CanonicalRoute(
            [Endpoint(each, channel, seconds, ending, known.get(each.grpc_path)) for each in bindings],
        )
    ]


@dataclass(frozen=True)
class Served:
    """One path template, for whoever looks at the application's routes."""

    path: str
    methods: frozenset[str]
    endpoint: Endpoint


class CanonicalRoute(BaseRoute):
    """Everything under the first segment of the contract's paths; what has no method is answered as a problem."""

    path = ""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self.routes: list[Served] = []
        self._table: Table[Endpoint] = Table()
        prefixes = set()
        for each in endpoints:
            binding = each.binding
            self._table.add(binding.template, binding.http_method, each)
            self.routes.append(Served(binding.template.text, frozenset({binding.http_method}), each))
            prefixes.add(f"/{binding.template.segments[0]}/")
        self._prefixes = tuple(prefixes)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Takes everything below its prefixes."""
        if scope["type"] == "http" and _path_within(scope, scope["path"]).startswith(self._prefixes):
            return Match.FULL, {}
        return Match.NONE, {}

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        """Nothing here has a name."""
        from starlette.routing import NoMatchFound

        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves the method that the path and the HTTP method name."""
        raw = scope.get("raw_path")
        path = raw.decode("latin-1") if raw is not None else quote(scope["path"], safe="/:@!$&'()*+,;=~-._%")
        path = _path_within(scope, path.partition("?")[0])
        segments, leaves = self._table.find(path)
        method = scope["method"]
        for leaf in leaves:
            endpoint = leaf.get(method) or (_unary(leaf.get("GET")) if method == "HEAD" else None)
            if endpoint is not None:
                scope["endpoint"] = endpoint
                await endpoint.serve(segments, scope, receive, send)
                return
        refusal = _other_methods(method, leaves) if leaves else _nothing(scope["path"])
        await send_problem(problem_of_refusal(refusal), send)


def _path_within(scope: Scope, path: str) -> str:
    return path.removeprefix(scope.get("root_path", ""))


def _unary(endpoint: Endpoint | None) -> Endpoint | None:
    return endpoint if endpoint is not None and not endpoint.binding.method.server_streaming else None


def _other_methods(method: str, leaves: list[dict[str, Endpoint]]) -> Refusal:
    allowed = sorted({each for leaf in leaves for each in leaf})
    if any(_unary(leaf.get("GET")) for leaf in leaves):
        allowed.append("HEAD")
    return Refusal(
        grpc.StatusCode.UNIMPLEMENTED,
        "METHOD_NOT_SERVED",
        f"this path takes {', '.join(allowed)}",
        {"method": method[:20]},
        http_status=405,
        headers={"Allow": ", ".join(allowed)},
    )


def _nothing(path: str) -> Refusal:
    told = path[:200]
    return Refusal(
        grpc.StatusCode.NOT_FOUND, "NOT_FOUND", f"nothing has the path {told}", {"resource": "path", "id": told}
    )
