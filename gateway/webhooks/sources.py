"""Who may send webhooks: remembers for seconds what the services know of a source; knows no request.

So a flood of forgeries costs the services nothing, and a short outage of theirs turns nobody away: what was
known is believed for a while longer. The price is that a revoked secret is accepted for those seconds.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import grpc
import structlog
from crossdock.v1.webhook_pb2 import AuthScheme, WebhookSource
from crossdock.v1.webhook_service_pb2 import ResolveWebhookSourceRequest
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.services_client import ServicesClient
from gateway.verifiers import Scheme, SourceAuth, parse_networks
from gateway.webhooks.measures import WebhookMeasures
from runtime import typeid

MAX_REMEMBERED = 10_000
MAX_LOOK_UPS = 64
LOOK_UP_SECONDS = 2.0
# While the services do not answer, a known source is looked up again no more often than this.
RETRY_SECONDS = 1.0

_SCHEMES = {
    AuthScheme.AUTH_SCHEME_PATH_SECRET: Scheme.PATH_SECRET,
    AuthScheme.AUTH_SCHEME_STANDARD_WEBHOOKS: Scheme.STANDARD_WEBHOOKS,
    AuthScheme.AUTH_SCHEME_STATIC_AUTHORIZATION: Scheme.AUTHORIZATION,
    AuthScheme.AUTH_SCHEME_HMAC_HEX: Scheme.HMAC_HEADER,
    AuthScheme.AUTH_SCHEME_BASIC: Scheme.BASIC,
}

Value = TypeVar("Value")

_log = structlog.get_logger("crossdock.sources")


class SourceUnavailable(Exception):
    """The services do not say who this source is: our fault, to be tried again."""


@dataclass(frozen=True, slots=True)
class Source:
    """A source as it is now: `auths` are the ways to prove being it, any of which suffices."""

    settings: WebhookSource
    auths: tuple[SourceAuth, ...]


@dataclass(slots=True)
class _Known:
    settings: WebhookSource
    source: Source
    load_time: float
    fresh_until: float


class Sources:
    """The remembered sources. `clock` is in seconds since 1970, `monotonic` in seconds since whenever."""

    def __init__(
        self,
        services: ServicesClient,
        measures: WebhookMeasures,
        *,
        seconds: float = 5.0,
        stale_seconds: float = 600.0,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._services = services
        self._measures = measures
        self._seconds = seconds
        self._stale_seconds = stale_seconds
        self._clock = clock
        self._monotonic = monotonic
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._look_ups: dict[str, asyncio.Task[Source | None]] = {}

    async def find(self, source_id: str) -> Source | None:
        """The source, or None if there is none of this id; raises SourceUnavailable when nobody can say."""
        known = self._known.get(source_id)
        if known is not None and self._monotonic() < known.fresh_until:
            return known.source
        if known is None and (self._unknown.get(source_id, 0.0) > self._monotonic() or not _well_formed(source_id)):
            return None
        return await self._once(source_id)

    def _once(self, source_id: str) -> Awaitable[Source | None]:
        """One look-up for all who ask meanwhile; it goes on though one of them is cancelled."""
        look_up = self._look_ups.get(source_id)
        if look_up is None:
            if len(self._look_ups) >= MAX_LOOK_UPS and source_id not in self._known:
                raise SourceUnavailable
            look_up = asyncio.create_task(self._look_up(source_id))
            self._look_ups[source_id] = look_up
            look_up.add_done_callback(lambda _: self._look_ups.pop(source_id))
        return asyncio.shield(look_up)

    async def _look_up(self, source_id: str) -> Source | None:
        # Counted from before the call: what it misses must not be believed any longer than that.
        now = self._monotonic()
        request = ResolveWebhookSourceRequest(source_id=source_id)
        try:
            response = await self._services.webhooks.ResolveWebhookSource(
                request, metadata=self._services.system, timeout=LOOK_UP_SECONDS
            )
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                self._measures.source_look_ups.labels("unknown").inc()
                self._known.pop(source_id, None)
                _remember(self._unknown, source_id, now + self._seconds)
                return None
            self._measures.source_look_ups.labels("failed").inc()
            return self._stale(source_id, now, error)
        self._measures.source_look_ups.labels("found").inc()
        return self._keep(source_id, response.source, now, now)

    def _stale(self, source_id: str, now: float, error: grpc.aio.AioRpcError) -> Source:
        known = self._known.get(source_id)
        _log.warning("a source could not be looked up", source_id=source_id, code=error.code().name)
        if known is None or now - known.load_time > self._stale_seconds:
            raise SourceUnavailable
        source = self._keep(source_id, known.settings, known.load_time, now)
        self._known[source_id].fresh_until = self._monotonic() + min(RETRY_SECONDS, self._seconds)
        return source

    def _keep(self, source_id: str, settings: WebhookSource, load_time: float, now: float) -> Source:
        try:
            source = Source(settings, _auths(settings, self._clock()))
        except ValueError as error:
            _log.error("a source's settings make no sense", source_id=source_id, error=str(error))
            source = Source(settings, ())
        ends = [_seconds(secret.expire_time) for secret in settings.secrets if secret.HasField("expire_time")]
        left = min((end - self._clock() for end in ends if end > self._clock()), default=self._seconds)
        known = _Known(settings, source, load_time, now + min(self._seconds, left))
        _remember(self._known, source_id, known)
        return source


def _auths(settings: WebhookSource, now: float) -> tuple[SourceAuth, ...]:
    live = [
        secret.value
        for secret in settings.secrets
        if secret.value and (not secret.HasField("expire_time") or _seconds(secret.expire_time) > now)
    ]
    scheme = _SCHEMES.get(settings.auth_scheme)
    if not live or scheme is None:
        return ()
    networks = parse_networks(settings.allowed_networks)
    if scheme is Scheme.BASIC:
        pairs = [value.partition(":") for value in live]
        return tuple(
            SourceAuth(scheme, (password,), networks, username=user) for user, _, password in pairs if password
        )
    if scheme is Scheme.HMAC_HEADER:
        return (SourceAuth(scheme, tuple(live), networks, header_name=settings.hmac_header),)
    return (SourceAuth(scheme, tuple(live), networks),)


def _well_formed(source_id: str) -> bool:
    try:
        typeid.decode("src", source_id)
    except typeid.InvalidId:
        return False
    return True


def _seconds(time_of: Timestamp) -> float:
    return time_of.seconds + time_of.nanos / 1e9


def _remember(memory: OrderedDict[str, Value], key: str, value: Value) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > MAX_REMEMBERED:
        memory.popitem(last=False)
