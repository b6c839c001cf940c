"""Real services behind a real gateway, with a source, and a line, for each carrier of a simulator."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import grpc
from crossdock.v1 import delivery_pb2, webhook_pb2, webhook_service_pb2
from crossdock.v1.carrier_pb2 import Booking, Carrier
from crossdock.v1.carrier_service_pb2_grpc import CarrierServiceStub
from sqlalchemy.ext.asyncio import AsyncConnection

from services.dispatching.calls import Certainty, Reply
from tests.carriers.worlds import World as Simulator
from tests.services.dispatching.stand_ins import NO
from tests.services.worlds import World

SECRETS: dict[str, tuple["webhook_pb2.AuthScheme.ValueType", str]] = {
    "skipcart": (webhook_pb2.AUTH_SCHEME_PATH_SECRET, "a-secret-in-the-path-of-the-url"),
    "evermile": (webhook_pb2.AUTH_SCHEME_STANDARD_WEBHOOKS, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    "ordatic": (webhook_pb2.AUTH_SCHEME_STATIC_AUTHORIZATION, "the value that was agreed on"),
}
DIALECTS = {"swift": "skipcart", "evergreen": "evermile", "pronto": "ordatic"}


class Hub:
    """A tenant's world and the simulator that serves it."""

    def __init__(self, world: World, simulator: Simulator) -> None:
        self.world = world
        self.simulator = simulator
        self.sources: dict[str, str] = {}

    async def connect(self, gateway_url: str) -> None:
        """Makes the sources, and tells each carrier where to post."""
        for carrier, dialect in DIALECTS.items():
            scheme, secret = SECRETS[dialect]
            source = webhook_pb2.WebhookSource(dialect=dialect, auth_scheme=scheme, default_currency_code="USD")
            request = webhook_service_pb2.CreateWebhookSourceRequest(source=source, secret=secret)
            made = (await self.world.webhooks.CreateWebhookSource(request, metadata=self.world.account)).source
            self.sources[carrier] = made.id
            in_path = f"/{secret}" if scheme == webhook_pb2.AUTH_SCHEME_PATH_SECRET else ""
            await self.simulator.configure(carrier, f"{gateway_url}{made.path}{in_path}", secret)

    async def delivery_of(self, booking: Booking) -> str:
        """The delivery as a dispatch would have it after the carrier's yes."""
        made = await self.world.delivery(carrier="Simulated", references=booking.references)
        return made.id

    async def stored(self, carrier: str) -> list[webhook_pb2.Webhook]:
        """The messages that came from a carrier."""
        request = webhook_service_pb2.ListWebhooksRequest(source_id=self.sources[carrier], page_size=1000)
        return list((await self.world.webhooks.ListWebhooks(request, metadata=self.world.account)).webhooks)

    async def status_of(self, delivery_id: str) -> str:
        """In a word."""
        found = await self.world.get(delivery_id)
        return delivery_pb2.DeliveryStatus.Name(found.status).removeprefix("DELIVERY_STATUS_")


class Lines:
    """How the hub finds and calls the simulated carriers, as ``services.dispatching.calls.Lines`` wants it."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._stub = CarrierServiceStub(hub.simulator.channel)

    async def find(self, _: AsyncConnection, __: UUID, refs: Sequence[str]) -> list[Carrier]:
        return [self._carrier(each) for each in refs if each in DIALECTS]

    async def call(self, _: UUID, carrier: Carrier, method: str, request: Any, limit: timedelta) -> Reply:
        metadata = self._hub.simulator.carrier(carrier.ref).metadata
        seconds = max(limit.total_seconds(), 0.001)
        try:
            return Reply(Certainty.YES, await getattr(self._stub, method)(request, metadata=metadata, timeout=seconds))
        except grpc.aio.AioRpcError as error:
            certainty = Certainty.NO if error.code() in NO else Certainty.UNCERTAIN
            return Reply(certainty, None, error.details() or error.code().name)

    def _carrier(self, name: str) -> Carrier:
        carrier = Carrier(ref=name, name=name.title(), dialect=DIALECTS[name], source_id=self._hub.sources[name])
        carrier.booking_timeout.FromTimedelta(timedelta(seconds=3))
        carrier.poll_interval.FromTimedelta(timedelta(seconds=1))
        return carrier
