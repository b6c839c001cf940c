"""Turns an authentic body into the message that the services store; whatever it holds, a message comes of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from crossdock.v1.webhook_pb2 import WebhookSource
from crossdock.v1.webhook_service_pb2 import IngestWebhookRequest

from gateway.dialects.inbound import InboundDialect, MalformedMessage
from gateway.strict_json import MalformedJson, loads
from gateway.webhooks.headers import kept_headers

MAX_MESSAGE_ID = 255
MAX_DEDUPE_KEY = 255
MAX_MALFORMED = 2000

_log = structlog.get_logger("crossdock.webhooks")


@dataclass(frozen=True, slots=True)
class Arrival:
    """An authentic webhook as it came. `message_id` is the sender's own, if it was signed."""

    receive_time_ns: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    remote_address: str
    message_id: str = ""


def message_of(dialect: InboundDialect, source: WebhookSource, arrival: Arrival) -> IngestWebhookRequest:
    """The message, with the report that it makes or the reason why it makes none."""
    message = IngestWebhookRequest(
        source_id=source.id,
        body=arrival.body,
        headers=kept_headers(arrival.headers, source.hmac_header),
        remote_address=arrival.remote_address,
        message_id=arrival.message_id[:MAX_MESSAGE_ID],
        mapping_version=dialect.mapping_version,
    )
    message.receive_time.FromNanoseconds(arrival.receive_time_ns)
    try:
        reading = dialect.read(loads(arrival.body, max_bytes=max(len(arrival.body), 1)), source, arrival.message_id)
        message.report.CopyFrom(reading.report)
        message.dedupe_key = _bounded(reading.dedupe_key)
    except (MalformedJson, MalformedMessage) as error:
        _mark_malformed(message, str(error))
    except Exception:  # noqa: BLE001  a fault of ours in a mapping must not cost the sender's bytes
        _log.exception("a dialect could not read a webhook", dialect=dialect.name, source_id=source.id)
        _mark_malformed(message, "internal mapping error")
    return message


def _bounded(key: str) -> str:
    if not key:
        raise ValueError("a reading without a dedupe key")
    return key if len(key) <= MAX_DEDUPE_KEY else hashlib.sha256(key.encode()).hexdigest()


def _mark_malformed(message: IngestWebhookRequest, why: str) -> None:
    message.ClearField("report")
    message.malformed = why[:MAX_MALFORMED]
    message.dedupe_key = hashlib.sha256(message.body).hexdigest()
