"""The way to a hub's gRPC: one channel, one stub per noun, the caller's token on every call; knows no command."""

from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Any, TypeVar

import grpc
from crossdock.v1.access_service_pb2_grpc import AccessServiceStub
from crossdock.v1.carrier_directory_service_pb2_grpc import CarrierDirectoryServiceStub
from crossdock.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from crossdock.v1.event_service_pb2_grpc import EventServiceStub
from crossdock.v1.location_service_pb2_grpc import LocationServiceStub
from crossdock.v1.order_service_pb2_grpc import OrderServiceStub
from crossdock.v1.shipment_service_pb2_grpc import ShipmentServiceStub
from crossdock.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from crossdock.v1.webhook_service_pb2_grpc import WebhookServiceStub
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from cli import certificates

Request = TypeVar("Request")
Response = TypeVar("Response")

CALL_SECONDS = 30.0
_OPTIONS: tuple[tuple[str, Any], ...] = (
    # A page of 1,000 things, or a stored webhook with its body.
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.max_send_message_length", 17 << 20),
    # A hub that vanished without a word is noticed while we watch it.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    # Back within two seconds of the hub.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


class HubClient:
    """An open channel; `async with` closes it."""

    def __init__(self, server: str, token: str = "", *, tls: bool = False, tenant_id: str = "") -> None:
        self._channel = (
            grpc.aio.secure_channel(server, certificates.credentials(), options=_OPTIONS)
            if tls
            else grpc.aio.insecure_channel(server, options=_OPTIONS)
        )
        metadata = [("authorization", f"Bearer {token}")] if token else []
        if tenant_id:
            metadata.append(("x-crossdock-tenant", tenant_id))
        self._metadata = tuple(metadata)
        self.access = AccessServiceStub(self._channel)
        self.carriers = CarrierDirectoryServiceStub(self._channel)
        self.deliveries = DeliveryServiceStub(self._channel)
        self.events = EventServiceStub(self._channel)
        self.locations = LocationServiceStub(self._channel)
        self.orders = OrderServiceStub(self._channel)
        self.shipments = ShipmentServiceStub(self._channel)
        self.subscriptions = SubscriptionServiceStub(self._channel)
        self.webhooks = WebhookServiceStub(self._channel)
        self._health = HealthStub(self._channel)

    async def __aenter__(self) -> "HubClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._channel.close(None)

    async def call(
        self,
        method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]",
        request: Request,
        seconds: float = CALL_SECONDS,
    ) -> Response:
        """One call, as the caller. Raises grpc.aio.AioRpcError."""
        return await method(request, metadata=self._metadata, timeout=seconds)

    async def stream(
        self, method: "grpc.aio.UnaryStreamMultiCallable[Request, Response]", request: Request
    ) -> AsyncGenerator[Response, None]:
        """The answers of a stream, which has no deadline."""
        call = method(request, metadata=self._metadata)
        try:
            async for answer in call:
                yield answer
        finally:
            call.cancel()

    async def health(self, seconds: float = 5.0) -> str:
        """`SERVING`, `NOT_SERVING` or another word of grpc.health.v1. Raises grpc.aio.AioRpcError."""
        answer = await self._health.Check(health_pb2.HealthCheckRequest(), timeout=seconds)
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))
