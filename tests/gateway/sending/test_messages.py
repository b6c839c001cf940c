import itertools
from datetime import UTC, datetime, timedelta

import pytest
from crossdock.v1 import subscription_pb2 as pb
from crossdock.v1.subscription_pb2 import OutboundEvent, Subscription
from google.protobuf.json_format import ParseDict

from gateway.dialects.registry import OUTBOUND
from gateway.sending import messages
from runtime import typeid

NOW = datetime(2026, 1, 5, 14, 0, tzinfo=UTC)
KEY = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def made_up() -> OutboundEvent:
    """As the services make it up: an event, and nothing that it is about."""
    event = {
        "id": typeid.encode("evt", typeid.new_uuid7()),
        "number": 1,
        "kind": "EVENT_KIND_STATUS_CHANGED",
        "kinds": ["EVENT_KIND_STATUS_CHANGED"],
        "previousStatus": "DELIVERY_STATUS_DISPATCHED",
        "status": "DELIVERY_STATUS_DRIVER_ASSIGNED",
        "eventTime": "2026-01-05T14:00:00Z",
    }
    return ParseDict({"event": event, "cause": "SEND_CAUSE_TEST", "messageId": event["id"]}, OutboundEvent())


@pytest.mark.parametrize(
    ("dialect", "role", "style"),
    list(itertools.product(OUTBOUND, pb.SubscriberRole.values(), pb.PayloadStyle.values())),
)
def test_a_test_can_be_told_in_every_dialect_to_every_role(
    dialect: str, role: "pb.SubscriberRole.ValueType", style: "pb.PayloadStyle.ValueType"
) -> None:
    subscription = Subscription(dialect=dialect, role=role, payload_style=style)

    message = messages.write(made_up(), subscription, OUTBOUND)

    assert message is not None
    assert message.body.startswith(b"{")


def test_a_secret_that_ended_signs_nothing() -> None:
    subscription = Subscription(dialect="cloudevents")
    for seconds in (None, 60, -60):
        secret = subscription.secrets.add(value=KEY)
        if seconds is not None:
            secret.expire_time.FromDatetime(NOW + timedelta(seconds=seconds))
    message = messages.write(made_up(), subscription, OUTBOUND)
    assert message is not None

    signed = messages.headers(message, subscription, NOW)

    assert len(signed["webhook-signature"].split(" ")) == 2


def test_fixed_headers_do_not_replace_ours() -> None:
    subscription = Subscription(dialect="cloudevents", secrets=[pb.SubscriptionSecret(value=KEY)])
    for name in ("X-Shop", "User-Agent", "Content-Type", "webhook-id"):
        subscription.headers.add(name=name, value="theirs")
    message = messages.write(made_up(), subscription, OUTBOUND)
    assert message is not None

    made = messages.headers(message, subscription, NOW)

    assert (made["x-shop"], made["user-agent"]) == ("theirs", "theirs")
    assert made["content-type"] == "application/cloudevents+json"
    assert made["webhook-id"] == message.id


def test_a_dialect_that_is_not_known_is_said() -> None:
    with pytest.raises(messages.NoSuchDialect):
        messages.write(made_up(), Subscription(dialect="morse"), OUTBOUND)
