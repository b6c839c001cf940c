"""Finds the template of the route that served a request, so that labels and logs hold no ids and no secrets.

Neither Starlette nor FastAPI leaves the whole template in the scope: included routers lack their prefix, and
plain routes inside FastAPI leave nothing. Both leave the endpoint, from which the route is looked up here.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from starlette.types import Scope

UNMATCHED = "unmatched"


class RouteTemplates:
    """The application's routes by endpoint, read at the first request, when all of them are known."""

    def __init__(self, routes: Callable[[], Iterable[Any]]) -> None:
        self._routes = routes
        # By identity: a mounted application may have no hash.
        self._by_endpoint: dict[int, list[tuple[re.Pattern[str], str]]] | None = None

    def template_of(self, scope: Scope) -> str:
        """Give the template, such as `/orders/{order_id}`, of a request that was served, or "unmatched"."""
        if self._by_endpoint is None:
            self._by_endpoint = {}
            for endpoint, template in _endpoints(self._routes(), ""):
                self._by_endpoint.setdefault(id(endpoint), []).append((_pattern(template), template))
        candidates = self._by_endpoint.get(id(scope.get("endpoint")), [])
        if len(candidates) == 1:
            return candidates[0][1]
        for pattern, template in candidates:
            if pattern.fullmatch(scope["path"]):
                return template
        return UNMATCHED


def _endpoints(routes: Iterable[Any], prefix: str) -> Iterator[tuple[Any, str]]:
    for route in routes:
        if hasattr(route, "effective_route_contexts"):  # FastAPI: a router that was included, with its prefix
            for context in route.effective_route_contexts():
                yield context.endpoint, prefix + context.path
            continue
        path, inner = getattr(route, "path", ""), getattr(route, "routes", None)
        if inner:
            yield from _endpoints(inner, prefix + path)
        if hasattr(route, "endpoint"):
            yield route.endpoint, prefix + path
        elif hasattr(route, "app"):
            yield route.app, prefix + path + "/{path}"


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]*\})", template)
    return re.compile("".join(_part_pattern(part) for part in parts))


def _part_pattern(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    return ".*" if part == "{path}" or part.endswith(":path}") else "[^/]+"
