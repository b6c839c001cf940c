"""Real services behind a real gateway, with a source, and a place in the directory, for each carrier of a simulator."""

from datetime import timedelta

from crossdock.v1 import delivery_pb2, webhook_pb2, webhook_service_pb2
from crossdock.v1.carrier_directory_service_pb2 import CreateCarrierRequest
from crossdock.v1.carrier_directory_service_pb2_grpc import CarrierDirectoryServiceStub
from crossdock.v1.carrier_pb2 import Booking, Carrier

from tests.carriers.worlds import World as Simulator
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

    async def register(self, poll: timedelta = timedelta(seconds=1)) -> None:
        """Gives each carrier its place in the directory; silent bookings are looked up after ``poll``."""
        directory = CarrierDirectoryServiceStub(self.world.channel)
        for name, dialect in DIALECTS.items():
            carrier = Carrier(ref=name, name=name.title(), dialect=dialect, source_id=self.sources[name])
            carrier.address, carrier.plaintext = self.simulator.address, True
            carrier.authorization = self.simulator.carrier(name).metadata[0][1]
            carrier.booking_timeout.FromTimedelta(timedelta(seconds=30))
            carrier.quote_timeout.FromTimedelta(timedelta(seconds=30))
            carrier.poll_interval.FromTimedelta(poll)
            await directory.CreateCarrier(CreateCarrierRequest(carrier=carrier), metadata=self.world.account)

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
