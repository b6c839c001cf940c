"""Makes of an event the bytes and headers that a subscriber gets; knows no HTTP client and no clock."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from crossdock.v1.subscription_pb2 import SEND_CAUSE_TEST, OutboundEvent, Subscription

from gateway.dialects.outbound import Document, Message, OutboundDialect
from gateway.sending.samples import samples

AGENT = "Crossdock-Webhooks/1"


class NoSuchDialect(Exception):
    """This gateway does not write the subscription's dialect."""


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A message before it is known when it goes out."""

    id: str
    body: bytes
    dialect: OutboundDialect


def write(told: OutboundEvent, subscription: Subscription, dialects: Mapping[str, OutboundDialect]) -> Unsigned | None:
    """The message; None when the dialect has none for this event. Raises NoSuchDialect, and whatever a writer raises.

    A test is told with something made up that the dialect, and the subscriber's role in it, has words for.
    """
    dialect = dialects.get(subscription.dialect or "cloudevents")
    if dialect is None:
        raise NoSuchDialect(f"this gateway does not write {subscription.dialect}")
    document = _document(told, subscription, dialect)
    if document is None:
        return None
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return Unsigned(told.message_id or told.event.id, body, dialect)


def headers(message: Unsigned, subscription: Subscription, now: datetime) -> dict[str, str]:
    """The headers of a try that begins now, signed with the secrets that are live. Raises `UnusableSecret`."""
    live = [
        secret.value
        for secret in subscription.secrets
        if not secret.HasField("expire_time") or secret.expire_time.ToDatetime(UTC) > now
    ]
    signed = message.dialect.signer(Message(message.id, now, message.body), live)
    fixed = {header.name.lower(): header.value for header in subscription.headers}
    return {"user-agent": AGENT} | fixed | {"content-type": message.dialect.media_type} | dict(signed)


def _document(told: OutboundEvent, subscription: Subscription, dialect: OutboundDialect) -> Document | None:
    if told.cause != SEND_CAUSE_TEST:
        return dialect.writer(told, subscription)
    return next(
        (document for each in samples(told) if (document := dialect.writer(each, subscription)) is not None), None
    )
