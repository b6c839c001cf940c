"""The way to the services: one channel, one stub per noun; knows no route and no dialect.

Calls fail at once while the services cannot be reached (no `wait_for_ready`): whoever asked us is answered 503
and asks again.
"""

from typing import Any

import grpc
from crossdock.v1.access_service_pb2_grpc import AccessServiceStub
from crossdock.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from crossdock.v1.event_service_pb2_grpc import EventServiceStub
from crossdock.v1.location_service_pb2_grpc import LocationServiceStub
from crossdock.v1.order_service_pb2_grpc import OrderServiceStub
from crossdock.v1.shipment_service_pb2_grpc import ShipmentServiceStub
from crossdock.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from crossdock.v1.webhook_service_pb2_grpc import WebhookServiceStub
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from gateway.config import Settings

Metadata = tuple[tuple[str, str], ...]

_MIB = 1 << 20
_OPTIONS: tuple[tuple[str, Any], ...] = (
    # One webhook's body, and how it was read.
    ("grpc.max_send_message_length", 17 * _MIB),
    # A page of 1,000 things, or a stored webhook with its body.
    ("grpc.max_receive_message_length", 64 * _MIB),
    # A services process that vanished without a word is noticed within half a minute.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # Back within two seconds of the services.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


class ServicesClient:
    """Stubs over one channel. Calls made for somebody pass their own metadata; our own pass `system`."""

    def __init__(self, channel: grpc.aio.Channel, system_token: str = "", seconds: float = 10.0) -> None:
        self.channel = channel
        self.seconds = seconds
        self.system: Metadata = (("authorization", f"Bearer {system_token}"),) if system_token else ()
        self.access = AccessServiceStub(channel)
        self.deliveries = DeliveryServiceStub(channel)
        self.events = EventServiceStub(channel)
        self.locations = LocationServiceStub(channel)
        self.orders = OrderServiceStub(channel)
        self.shipments = ShipmentServiceStub(channel)
        self.subscriptions = SubscriptionServiceStub(channel)
        self.webhooks = WebhookServiceStub(channel)
        self._health = HealthStub(channel)

    @classmethod
    def connect(cls, settings: Settings) -> "ServicesClient":
        """A client of the services that the settings name; it connects at the first call."""
        if settings.services_tls:
            credentials = _credentials(settings)
            channel = grpc.aio.secure_channel(settings.services, credentials, options=_OPTIONS)
        else:
            channel = grpc.aio.insecure_channel(settings.services, options=_OPTIONS)
        return cls(channel, settings.system_token.get_secret_value(), settings.services_seconds)

    async def ready(self, seconds: float = 1.0) -> bool:
        """Whether the services answer, and say that they can write to their database."""
        try:
            answer = await self._health.Check(health_pb2.HealthCheckRequest(), timeout=seconds)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def close(self) -> None:
        """End the channel; calls under way are cancelled."""
        await self.channel.close(None)


def _credentials(settings: Settings) -> grpc.ChannelCredentials:
    files = (settings.services_tls_authority, settings.services_tls_key, settings.services_tls_certificate)
    return grpc.ssl_channel_credentials(*(None if path is None else path.read_bytes() for path in files))
