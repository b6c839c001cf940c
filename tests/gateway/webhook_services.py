"""A webhook service that remembers what it was sent and fails as it is told, and a gateway in front of it."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import grpc
import httpx
from crossdock.v1 import event_pb2, webhook_pb2
from crossdock.v1 import webhook_service_pb2 as contract
from crossdock.v1.report_pb2 import DeliveryReport
from crossdock.v1.webhook_service_pb2_grpc import WebhookServiceServicer, add_WebhookServiceServicer_to_server
from grpc_health.v1 import _async as health
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server
from pydantic import SecretStr

from gateway.config import Settings
from gateway.dialects.inbound import InboundDialect, MalformedMessage, ReadContext, Reading
from gateway.server import Server
from runtime import typeid

PATH_SECRET = "a-secret-in-the-path"
SYSTEM_TOKEN = "our-own-key"
BODY = b'{"id": 1, "say": "delivered"}'
UNKNOWN = typeid.encode("src", typeid.new_uuid7())


def read_plainly(document: Any, context: ReadContext) -> Reading:
    """Reads ``{"id": …, "say": …}``: the status word is kept raw. "explode" is a mapping with a mistake in it."""
    if not isinstance(document, dict):
        raise MalformedMessage("must be an object")
    if document["say"] == "explode":
        raise RuntimeError("canary-in-a-mapping")
    return Reading(DeliveryReport(status_raw=document["say"]), context.message_id or str(document["id"]))


DIALECTS = {
    name: InboundDialect(name, f"{name}/1", read_plainly, b'{"statusCode":200}', "application/json")
    for name in ("plain", "other")
}


class StandIn(WebhookServiceServicer):
    """``refuse`` looks at a batch before it is stored, and may raise an `Abort`."""

    def __init__(self) -> None:
        self.sources: dict[str, webhook_pb2.WebhookSource] = {}
        self.stored: list[contract.IngestWebhookRequest] = []
        self.batches: list[int] = []
        self.calls: Counter[str] = Counter()
        self.keys: set[tuple[str, str]] = set()
        self.refuse: Callable[[contract.BatchIngestWebhooksRequest], grpc.StatusCode | None] = lambda _: None
        self.lost: grpc.StatusCode | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    def add(self, **members: Any) -> webhook_pb2.WebhookSource:
        """A new source: of the dialect "plain" with a secret in its path, unless told otherwise."""
        members.setdefault("dialect", "plain")
        members.setdefault("auth_scheme", webhook_pb2.AUTH_SCHEME_PATH_SECRET)
        members.setdefault("secrets", [webhook_pb2.SourceSecret(id="sec_1", value=PATH_SECRET)])
        source = webhook_pb2.WebhookSource(id=typeid.encode("src", typeid.new_uuid7()), **members)
        self.sources[source.id] = source
        return source

    async def ResolveWebhookSource(
        self, request: contract.ResolveWebhookSourceRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> contract.ResolveWebhookSourceResponse:
        self.calls["resolve"] += 1
        await self._authenticate(context)
        if self.lost is not None:
            await context.abort(self.lost, "canary-in-details")
        if request.source_id not in self.sources:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such source")
        return contract.ResolveWebhookSourceResponse(source=self.sources[request.source_id])

    async def BatchIngestWebhooks(
        self, request: contract.BatchIngestWebhooksRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> contract.BatchIngestWebhooksResponse:
        self.calls["ingest"] += 1
        await self._authenticate(context)
        await self.gate.wait()
        code = self.refuse(request)
        if code is not None:
            await context.abort(code, "canary-in-details")
        self.batches.append(len(request.webhooks))
        self.stored += request.webhooks
        return contract.BatchIngestWebhooksResponse(results=[self._result(each) for each in request.webhooks])

    def _result(self, message: contract.IngestWebhookRequest) -> contract.IngestWebhookResponse:
        key = (message.source_id, message.dedupe_key)
        disposition = event_pb2.DISPOSITION_APPLIED
        if message.malformed:
            disposition = event_pb2.DISPOSITION_MALFORMED
        elif key in self.keys:
            disposition = event_pb2.DISPOSITION_DUPLICATE
        self.keys.add(key)
        return contract.IngestWebhookResponse(webhook_id="whk_1", disposition=disposition, delivery_id="dlv_1")

    async def _authenticate(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        metadata = dict(context.invocation_metadata() or ())
        if metadata.get("authorization") != f"Bearer {SYSTEM_TOKEN}":
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "no")


async def serve_stand_in(stand_in: StandIn, port: int = 0) -> tuple[grpc.aio.Server, int]:
    """Serve it on a port of loopback."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 17 << 20)])
    add_WebhookServiceServicer_to_server(stand_in, server)
    healthy = health.HealthServicer()
    await healthy.set("", HealthCheckResponse.SERVING)
    add_HealthServicer_to_server(healthy, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    return server, bound


@contextlib.asynccontextmanager
async def running_gateway(
    services: str, dialects: Mapping[str, Any] = DIALECTS, **settings: Any
) -> AsyncIterator[Server]:
    """A gateway on a free port, in front of the services at an address."""
    settings.setdefault("system_token", SecretStr(SYSTEM_TOKEN))
    settings.setdefault("sending", False)
    settings.setdefault("services_seconds", 60)
    server = await Server.start(Settings(http="127.0.0.1:0", services=services, notice_seconds=0, **settings), dialects)
    try:
        yield server
    finally:
        await server.stop(1)


def path_of(source: webhook_pb2.WebhookSource, secret: str | None = PATH_SECRET) -> str:
    return f"/webhooks/{source.dialect}/{source.id}" + (f"/{secret}" if secret else "")


def sample(gateway: Server, name: str, **labels: str) -> float:
    return gateway.registry.get_sample_value(name, labels) or 0


def in_flight(gateway: Server) -> float:
    return sample(gateway, "crossdock_http_requests_in_flight")


def secrets(*values: str) -> list[webhook_pb2.SourceSecret]:
    return [webhook_pb2.SourceSecret(id=f"sec_{value}", value=value) for value in values]


async def post(
    client: httpx.AsyncClient, source: webhook_pb2.WebhookSource, number: int, say: str = "delivered"
) -> int:
    body = json.dumps({"id": number, "say": say}).encode()
    with contextlib.suppress(httpx.RemoteProtocolError):
        return (await client.post(path_of(source), content=body)).status_code
    return 0


async def eventually(true: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  what is waited for happens elsewhere
            await asyncio.sleep(0.01)
