"""The one way out: HTTP requests to addresses that somebody else chose; knows nothing of what is sent.

No redirect is followed, no proxy variable read, no cookie kept, nothing inflated. Connections are kept and used again.
"""

import asyncio
import re
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp

from gateway.egress.allowances import Allowances
from gateway.egress.answers import KEPT_HEADERS, Answer
from gateway.egress.destinations import Destination, read_destination
from gateway.egress.failures import BadHeader, EgressFailed, TimedOut, TooLarge, Unreachable
from gateway.egress.gate import Gate, Resolve, SystemResolver

EXCERPT_BYTES = 2048
DRAINED_BYTES = 65_536
"""How much of an answer is read past its excerpt to keep the connection; a longer one is cut off."""

IDLE_SECONDS = 4.0
"""Shorter than the five seconds after which many servers close: they must not close while we write."""

CONNECTIONS_PER_HOST = 64
_CHUNK = 65_536
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class Egress:
    """A client for the whole process, for the event loop of its first request; ended with `close`.

    `authority` is a PEM file whose certificates are trusted beside the system's. `resolve` replaces the system's
    resolver. Every method raises one of `EgressFailed` and nothing else.
    """

    def __init__(
        self,
        allowances: Allowances,
        *,
        authority: Path | None = None,
        connect_seconds: float = 5.0,
        resolve: Resolve | None = None,
        agent: str = "crossdock",
    ) -> None:
        self._system = SystemResolver() if resolve is None else None
        self._gate = Gate(allowances, resolve or self._system)  # type: ignore[arg-type]  # one of them is there
        self._trust = _trust(authority)
        self._connect_seconds = connect_seconds
        self._agent = agent
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        timeout_seconds: float,
        repeatable: bool = False,
        excerpt_bytes: int = EXCERPT_BYTES,
    ) -> Answer:
        """Post bytes and read the beginning of the answer, whatever its status; `timeout_seconds` is for all of it.

        `repeatable` allows one second try when a kept connection turns out to be gone, which may post twice.
        """
        try:
            return await self._ask("POST", url, headers, body, timeout_seconds, excerpt_bytes, DRAINED_BYTES)
        except _Stale as stale:
            if not repeatable:
                raise Unreachable(str(stale)) from None
        try:
            return await self._ask("POST", url, headers, body, timeout_seconds, excerpt_bytes, DRAINED_BYTES)
        except _Stale as stale:
            raise Unreachable(str(stale)) from None

    async def get(self, url: str, headers: Mapping[str, str], *, timeout_seconds: float, max_bytes: int) -> Answer:
        """Read a whole answer, whatever its status; raises TooLarge, early, when it has more than `max_bytes`."""
        try:
            answer = await self._ask("GET", url, headers, None, timeout_seconds, max_bytes, None)
        except _Stale as stale:
            raise Unreachable(str(stale)) from None
        if not answer.complete:
            raise TooLarge(f"the answer has more than {max_bytes} bytes")
        return answer

    async def close(self) -> None:
        """End every connection; requests under way fail."""
        if self._session is not None:
            await self._session.close()
        if self._system is not None:
            self._system.close()

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=self._gate,
                    socket_factory=self._gate.make_socket,
                    use_dns_cache=False,
                    ssl=self._trust,
                    limit=0,
                    limit_per_host=CONNECTIONS_PER_HOST,
                    keepalive_timeout=IDLE_SECONDS,
                ),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_seconds),
                headers={"accept-encoding": "identity", "user-agent": self._agent},
                skip_auto_headers=("accept", "content-type"),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                read_bufsize=_CHUNK,
                trace_configs=[_reuse_told()],
            )
        return self._session

    async def _ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        seconds: float,
        kept_bytes: int,
        drained_bytes: int | None,
    ) -> Answer:
        destination = read_destination(url)
        _check(headers)
        going = self._gate.destination.set(destination)
        started = time.monotonic()
        way = SimpleNamespace(reused=False)
        try:
            if destination.address is not None:
                self._gate.check(destination.host)
            async with asyncio.timeout(seconds):
                response = await self._connected().request(
                    method,
                    destination.url,
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                    trace_request_ctx=way,
                )
                try:
                    kept, complete = await _read(response, kept_bytes, drained_bytes)
                finally:
                    # An answer that is not read to its end takes its connection with it.
                    if not response.content.at_eof():
                        response.close()
                    response.release()
        except TimeoutError:
            raise TimedOut(_time_out(time.monotonic() - started, seconds)) from None
        except EgressFailed:
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            told = _failure(error, destination)
            stale = way.reused and isinstance(error, aiohttp.ClientOSError | aiohttp.ServerDisconnectedError)
            raise (_Stale if stale else Unreachable)(told) from None
        finally:
            self._gate.destination.reset(going)
        return Answer(
            status=response.status,
            headers={name: response.headers[name] for name in KEPT_HEADERS if name in response.headers},
            body=kept,
            complete=complete,
            latency_seconds=time.monotonic() - started,
        )


class _Stale(EgressFailed):
    """A kept connection was gone when it was used again."""


async def _read(response: aiohttp.ClientResponse, kept_bytes: int, drained_bytes: int | None) -> tuple[bytes, bool]:
    """The first bytes of an answer and whether they are all; reads on to its end for `drained_bytes` more."""
    if drained_bytes is None and (response.content_length or 0) > kept_bytes:
        return b"", False
    kept, seen = bytearray(), 0
    while chunk := await response.content.readany():
        seen += len(chunk)
        kept += chunk[: kept_bytes - len(kept)]
        if seen > kept_bytes + (drained_bytes or 0):
            break
    return bytes(kept), seen <= kept_bytes


def _check(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise BadHeader("a header has characters that cannot be sent")
        if name.lower() in _OURS:
            raise BadHeader(f"the header {name.lower()} is set by the client alone")


def _failure(error: Exception, destination: Destination) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return f"{destination.host} has no address"
        case aiohttp.ClientConnectorCertificateError():
            return f"the certificate of {destination.host} is not trusted"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return f"{destination.host}:{destination.port} does not speak TLS with us"
        case aiohttp.ClientConnectorError():
            return f"{destination.host}:{destination.port} takes no connection"
        case aiohttp.ClientOSError() | aiohttp.ServerDisconnectedError() | OSError():
            return f"{destination.host}:{destination.port} ended the connection without an answer"
    return f"{destination.host}:{destination.port} does not answer in HTTP"


def _time_out(took: float, seconds: float) -> str:
    return "no connection in time" if took < seconds else f"no whole answer within {seconds:g} seconds"


def _trust(authority: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if authority is not None:
        context.load_verify_locations(cafile=authority)
    return context


def _reuse_told() -> aiohttp.TraceConfig:
    """Tells a request whether its connection was used before."""
    told = aiohttp.TraceConfig()

    async def reused(_session: Any, context: SimpleNamespace, _params: Any) -> None:
        context.trace_request_ctx.reused = True

    told.on_connection_reuseconn.append(reused)
    return told
