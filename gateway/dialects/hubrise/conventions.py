"""What HubRise's API does with every request, whatever its route: calls from browsers, and methods in a header."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from gateway.dialects.hubrise.errors import ROUTING, Refused, of_http, render

_METHOD_HEADER = b"x-http-method-override"
_METHODS = frozenset(("GET", "POST", "PATCH", "PUT", "DELETE"))
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PATCH, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, X-Access-Token, X-Http-Method-Override, X-Request-Id",
    "Access-Control-Max-Age": "86400",
}
_EVERYWHERE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "X-Cursor-Next, Retry-After, X-Request-Id",
}


class Conventions:
    """An ASGI application around another one: answers OPTIONS, marks every answer for browsers, and takes the
    method of a POST from `X-Http-Method-Override`. A method that does not exist is a route that does not exist.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    @property
    def routes(self) -> Sequence[Any]:
        """The routes within, for those who name requests by them."""
        return self._app.routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_EVERYWHERE)
            await send(message)

        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers=_PREFLIGHT)(scope, receive, send_marked)
            return
        if scope["method"] == "POST" and (wanted := _override(scope)):
            if wanted not in _METHODS:
                await render(Refused(ROUTING))(scope, receive, send_marked)
                return
            scope["method"] = wanted
        await self._app(scope, receive, send_marked)


def envelope(code: HTTPStatus, message: str, _: str) -> Response:
    """The documented body for what the gateway refuses before the dialect has it; the request's id is in a header."""
    answer = render(of_http(code, message))
    answer.headers.update(_EVERYWHERE)
    return answer


def _override(scope: Scope) -> str:
    """The method that the header asks for; empty without header."""
    for name, value in scope["headers"]:
        if name == _METHOD_HEADER:
            return str(value, "latin-1").strip().upper()
    return ""
