"""The webhook routes: verify over the raw bytes, read, hand on, and thank only for what is committed.

| what comes | answer |
|---|---|
| verified and stored, whatever its content | the dialect's thanks, 2xx |
| a dialect that is not served | 404 |
| no such source, another dialect's source, a disabled one, credentials missing or wrong | 401, without telling which |
| too large, too slow | 413, 408 by the edge |
| services down or overloaded, or this process stopping | 503 with Retry-After |
"""

import time
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus

import structlog
from crossdock.v1.event_pb2 import Disposition
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from gateway.dialects.inbound import InboundDialect
from gateway.problems import problem
from gateway.verifiers import Refused, Verified, client_address, verify
from gateway.verifiers.addresses import Network
from gateway.webhooks.ingest import Ingest, NotStored
from gateway.webhooks.measures import WebhookMeasures
from gateway.webhooks.reading import Arrival, message_of
from gateway.webhooks.sources import Source, Sources, SourceUnavailable

_DISPOSITIONS = {value: name.removeprefix("DISPOSITION_").lower() for name, value in Disposition.items()}

_log = structlog.get_logger("crossdock.webhooks")


class Receiver:
    """The endpoint of the webhook routes, itself an ASGI application: Starlette's wrappers cost more than it does."""

    def __init__(
        self,
        dialects: Mapping[str, InboundDialect],
        sources: Sources,
        ingest: Ingest,
        measures: WebhookMeasures,
        trusted_proxies: tuple[Network, ...] = (),
    ) -> None:
        self._dialects = dialects
        self._sources = sources
        self._ingest = ingest
        self._measures = measures
        self._trusted_proxies = trusted_proxies
        self._thanks = {
            name: Response(dialect.thanks, HTTPStatus.OK, media_type=dialect.thanks_type)
            for name, dialect in dialects.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one webhook."""
        response = await self._answer(Request(scope), receive)
        await response(scope, receive, send)

    async def _answer(self, request: Request, receive: Receive) -> Response:
        dialect = self._dialects.get(request.path_params["dialect"])
        if dialect is None:
            return problem(request, HTTPStatus.NOT_FOUND, "no such dialect")
        bind_contextvars(dialect=dialect.name)
        try:
            source = await self._sources.find(request.path_params["source_id"])
        except SourceUnavailable:
            return problem(request, HTTPStatus.SERVICE_UNAVAILABLE, "cannot verify now: send it again")
        address = self._address_of(request)
        outcome = _verify(source, dialect, request, None, address)
        if isinstance(outcome, Refused):
            await _pass_over(receive)
            return self._refuse(request, dialect, outcome.reason)
        body = await _body_of(receive)
        outcome = outcome or _verify(source, dialect, request, body, address)
        if source is None or not isinstance(outcome, Verified):
            reason = outcome.reason if isinstance(outcome, Refused) else ""
            return self._refuse(request, dialect, reason)

        bind_contextvars(source_id=source.settings.id)
        arrival = Arrival(
            receive_time_ns=time.time_ns(),
            headers=request.scope["headers"],
            body=body,
            remote_address=address,
            message_id=outcome.message_id or "",
        )
        try:
            result = await self._ingest.store(message_of(dialect, source.settings, arrival))
        except NotStored:
            return problem(request, HTTPStatus.SERVICE_UNAVAILABLE, "not stored: send it again")
        disposition = _DISPOSITIONS.get(result.disposition, "unknown")
        request.scope["state"]["facts"] = {
            "disposition": disposition,
            "webhook_id": result.webhook_id,
            "delivery_id": result.delivery_id,
        }
        self._measures.stored.labels(dialect.name, disposition).inc()
        return self._thanks[dialect.name]

    def _refuse(self, request: Request, dialect: InboundDialect, reason: str) -> Response:
        bind_contextvars(refusal=reason)
        # Some reasons name a header that the source's owner chose; the label does not.
        label = f"header {reason.rpartition(' ')[2]}" if reason.startswith("header ") else reason
        self._measures.unverified.labels(dialect.name, label).inc()
        return problem(request, HTTPStatus.UNAUTHORIZED, "missing or wrong credentials, or no such source")

    def _address_of(self, request: Request) -> str:
        peer = request.client.host if request.client is not None else ""
        if not self._trusted_proxies:
            return _canonical(peer)
        forwarded = ",".join(request.headers.getlist("x-forwarded-for")) or None
        return client_address(peer, forwarded, self._trusted_proxies)


async def _body_of(receive: Receive) -> bytes:
    pieces = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _pass_over(receive: Receive) -> None:
    """The same, and nothing is kept: strangers fill no memory, and hear the answer when they have said all."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        if not message.get("more_body", False):
            return


@lru_cache(maxsize=4096)
def _canonical(peer: str) -> str:
    return client_address(peer, None, ())


def _verify(
    source: Source | None, dialect: InboundDialect, request: Request, body: bytes | None, address: str
) -> Verified | Refused | None:
    """Without body: None where it takes the body to tell."""
    if source is None:
        return Refused("unknown source")
    if source.settings.dialect != dialect.name:
        return Refused("source of another dialect")
    if source.settings.disabled:
        return Refused("source is disabled")
    if body is None and any(auth.scheme.signs_body for auth in source.auths):
        return None
    outcome: Verified | Refused = Refused("no live secret")
    for auth in source.auths:
        outcome = verify(
            auth,
            headers=request.scope["headers"],
            body=body or b"",
            path_secret=request.path_params.get("secret"),
            peer=address,
            now=time.time(),
        )
        if isinstance(outcome, Verified):
            break
    return outcome
