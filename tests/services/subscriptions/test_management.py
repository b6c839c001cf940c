"""What callers can do with subscriptions, and what they are told of secrets."""

import pytest
import sqlalchemy as sa
from crossdock.v1 import shipment_pb2, shipment_service_pb2
from crossdock.v1 import subscription_pb2 as pb
from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.shipment_service_pb2_grpc import ShipmentServiceStub
from crossdock.v1.subscription_pb2 import Subscription
from crossdock.v1.webhook_pb2 import HttpHeader
from google.protobuf.field_mask_pb2 import FieldMask

from services.config import Settings
from services.maintenance import maintain
from tests.services.answers import failure_of
from tests.services.subscriptions.conftest import Sender


async def test_a_secret_is_told_once_and_two_are_live_while_it_rotates(sender: Sender) -> None:
    made = await sender.create(dialect="cloudevents")
    shown = await sender.get(made.id)
    request = contract.RotateSubscriptionSecretRequest(subscription_id=made.id)
    rotated = (await sender.stub.RotateSubscriptionSecret(request, metadata=sender.world.account)).subscription
    await sender.deliveries(["a"])
    [lease] = await sender.lease()

    assert made.secrets[0].value.startswith("whsec_")
    assert [secret.value for secret in shown.secrets] == [""]
    assert [bool(secret.value) for secret in rotated.secrets] == [True, False]
    assert rotated.secrets[1].HasField("expire_time")
    assert [secret.value for secret in lease.subscription.secrets] == [rotated.secrets[0].value, made.secrets[0].value]


async def test_the_same_creation_twice_is_one_and_tells_its_secret_once(sender: Sender) -> None:
    request = contract.CreateSubscriptionRequest(
        subscription=Subscription(url="https://subscriber.example/hook"), request_id="r1"
    )

    first = await sender.stub.CreateSubscription(request, metadata=sender.world.account)
    second = await sender.stub.CreateSubscription(request, metadata=sender.world.account)

    assert first.subscription.id == second.subscription.id
    assert first.subscription.secrets[0].value
    assert not second.subscription.secrets[0].value


async def test_headers_with_credentials_are_told_to_the_gateway_alone_and_survive_an_update(sender: Sender) -> None:
    headers = [HttpHeader(name="X-Api-Key", value="of the subscriber"), HttpHeader(name="X-Store", value="7709")]
    made = await sender.create(headers=headers)
    change = Subscription(id=made.id, headers=made.headers, display_name="renamed")
    mask = FieldMask(paths=["headers", "display_name"])
    await sender.stub.UpdateSubscription(
        contract.UpdateSubscriptionRequest(subscription=change, update_mask=mask), metadata=sender.world.account
    )
    await sender.deliveries(["a"])
    [lease] = await sender.lease()

    assert [header.value for header in made.headers] == ["", "7709"]
    assert [header.value for header in lease.subscription.headers] == ["of the subscriber", "7709"]
    assert lease.subscription.tenant_id == sender.world.tenant_id
    assert lease.subscription.tenant_external_id == "acme"


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"url": ""}, "subscription.url"),
        ({"url": "ftp://subscriber.example"}, "subscription.url"),
        ({"url": "https://user:secret@subscriber.example"}, "subscription.url"),
        ({"url": "https://subscriber.example/#part"}, "subscription.url"),
        ({"url": "https://subscriber.example:0/"}, "subscription.url"),
        ({"url": "https://subscriber.example/ä"}, "subscription.url"),
        ({"passive": True}, "subscription.url"),
        ({"dialect": "klingon"}, "subscription.dialect"),
        ({"headers": [HttpHeader(name="Host", value="x")]}, "subscription.headers[0].name"),
        ({"headers": [HttpHeader(name="webhook-id", value="x")]}, "subscription.headers[0].name"),
        ({"headers": [HttpHeader(name="a b", value="x")]}, "subscription.headers[0].name"),
        ({"headers": [HttpHeader(name="x-a", value="a\r\nb: c")]}, "subscription.headers[0].value"),
        (
            {"dialect": "ordatic", "headers": [HttpHeader(name="Authorization", value="x")]},
            "subscription.headers[0].name",
        ),
    ],
)
async def test_what_cannot_be_is_refused_by_its_field(sender: Sender, members: dict[str, object], field: str) -> None:
    failure = await failure_of(sender.create(**members))

    assert failure.reason == "INVALID_REQUEST"
    assert [each.field for each in failure.violations] == [field]


class TestWithoutAllowance:
    """Where the deployment allows no address of its own network."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"egress_allow": ""})

    @pytest.mark.parametrize(
        "url",
        [
            "http://subscriber.example/hook",
            "https://127.0.0.1/hook",
            "https://localhost/hook",
            "https://10.0.0.1/hook",
            "https://[::1]/hook",
            "https://[::ffff:10.0.0.1]/hook",
            "https://169.254.169.254/latest/meta-data",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://hub.internal/",
            "https://224.0.0.1/",
        ],
    )
    async def test_an_address_of_our_own_network_is_refused(self, sender: Sender, url: str) -> None:
        failure = await failure_of(sender.create(url=url))

        assert failure.reason == "ADDRESS_NOT_ALLOWED"


async def test_what_is_set_once_cannot_be_changed(sender: Sender) -> None:
    made = await sender.create(dialect="hubrise")
    request = contract.UpdateSubscriptionRequest(subscription=Subscription(id=made.id, dialect="ordatic"))

    failure = await failure_of(sender.stub.UpdateSubscription(request, metadata=sender.world.account))

    assert failure.reason == "FIELD_IMMUTABLE"


async def test_who_is_posted_to_does_not_become_one_who_pulls(sender: Sender) -> None:
    made = await sender.create()
    request = contract.UpdateSubscriptionRequest(
        subscription=Subscription(id=made.id, passive=True), update_mask=FieldMask(paths=["passive", "url"])
    )

    failure = await failure_of(sender.stub.UpdateSubscription(request, metadata=sender.world.account))

    assert failure.reason == "FIELD_IMMUTABLE"
    assert failure.metadata["field"] == "subscription.passive"


async def test_a_subscription_of_a_shipment_ends_some_days_after_it(sender: Sender) -> None:
    wanted = shipment_pb2.Shipment(location_id=sender.world.location_id, hold=True)
    wanted.consignment.dropoff.address.postal_address.region_code = "US"
    ship = shipment_service_pb2.CreateShipmentRequest(shipment=wanted)
    stub = ShipmentServiceStub(sender.world.channel)
    shipment = (await stub.CreateShipment(ship, metadata=sender.world.account)).shipment
    made = await sender.create(shipment_id=shipment.id)
    other = await sender.create()
    cancel = shipment_service_pb2.CancelShipmentRequest(shipment_id=shipment.id)
    await stub.CancelShipment(cancel, metadata=sender.world.account)
    await sender.work_off()
    hub = sender.server.hub

    await maintain(hub)
    assert (await sender.get(made.id)).id == made.id
    async with hub.transaction() as connection:
        await connection.execute(sa.text("UPDATE shipments SET update_time = now() - interval '8 days'"))
    await maintain(hub)

    failure = await failure_of(sender.get(made.id))
    assert failure.reason == "NOT_FOUND"
    assert (await sender.get(other.id)).state == pb.SUBSCRIPTION_STATE_ACTIVE
