"""The ASGI middleware that every request passes first and every answer last; knows no route and no dialect.

Add it with `app.add_middleware`, so that Starlette puts it inside its own error page and outside everything
else: then nothing that a route raises reaches a client or uvicorn's log.
"""

import time
from collections.abc import Callable
from http import HTTPStatus

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.edge.answers import dressed
from gateway.edge.bodies import CLIENT_CLOSED_REQUEST, BodyLimits, BoundedBody
from gateway.edge.envelopes import Envelopes
from gateway.edge.identities import request_id_of
from gateway.edge.measures import HttpMeasures
from gateway.edge.templates import RouteTemplates

_log = structlog.get_logger("crossdock.http")


class Edge:
    """Gives each request an id, bounds its body, dresses its answer, logs and counts it.

    The id stands in `scope["state"]["request_id"]`, in every answer's `X-Request-Id` and in every log line
    written meanwhile. `scope["state"]["envelope"]` makes errors in the form that the client reads. What a route
    leaves in `scope["state"]["facts"]` stands in the request's own line. Paths are not logged, since some carry a
    secret: routes are. `log_successes=False` leaves the log of requests that went well at debug level.
    `limits` says how large and slow the body may be, `envelopes` what an error looks like where.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limits: Callable[[Scope], BodyLimits],
        measures: HttpMeasures,
        templates: RouteTemplates,
        envelopes: Envelopes,
        log_successes: bool = True,
    ) -> None:
        self._app = app
        self._limits = limits
        self._measures = measures
        self._templates = templates
        self._envelopes = envelopes
        self._log_successes = log_successes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = request_id_of(scope)
        envelope = self._envelopes.of(scope["path"])
        scope.setdefault("state", {}).update(request_id=request_id, envelope=envelope)
        secure = scope.get("scheme") == "https"

        # It must not know the body, which holds it: each request would have to wait for the garbage collector.
        async def send_dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = dressed(message, request_id=request_id, secure=secure)
            await send(message)

        body = BoundedBody(self._limits(scope), envelope, request_id, receive, send_dressed)
        with (
            self._measures.in_flight.track_inprogress(),
            structlog.contextvars.bound_contextvars(request_id=request_id),
        ):
            try:
                if not await body.refuse_declared(scope):
                    await self._app(scope, body.receive, body.send)
            except ClientDisconnect:
                pass
            except Exception:  # noqa: BLE001  the last resort: nothing internal may reach a client
                if not body.refused:
                    _log.exception("a request failed", route=self._templates.template_of(scope))
                    if not body.status:
                        answer = envelope(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error", request_id)
                        await answer(scope, body.receive, body.send)
            finally:
                self._record(scope, body.status or CLIENT_CLOSED_REQUEST, time.perf_counter() - began)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        method, route = scope["method"], self._templates.template_of(scope)
        self._measures.observe(method, route, status, seconds)
        level = _log.info if self._log_successes or status >= 400 else _log.debug
        facts = scope["state"].get("facts", {})
        level("request", method=method, route=route, status=status, milliseconds=round(seconds * 1000, 1), **facts)
