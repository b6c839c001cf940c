"""What subscribers are posted, in every dialect that is written, as webhooks of the document; knows no vendor."""

from collections.abc import Mapping
from datetime import UTC, datetime

from crossdock.v1.event_pb2 import DISPOSITION_APPLIED, EVENT_KIND_STATUS_CHANGED, Event
from crossdock.v1.subscription_pb2 import OutboundEvent, Subscription

from gateway.dialects.outbound import Message, OutboundDialect
from gateway.openapi.fragments import Fragment, Json
from gateway.sending.samples import samples

TAG = "SubscriptionService"
_AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
_SECRET = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="  # noqa: S105  it signs nothing that is sent
_ANSWERS: Mapping[str, str] = {
    "2XX": "Taken. The delivery's next message follows.",
    "410": "Nobody is here any more: the subscription is paused.",
    "429": "Too much: nothing more is sent before `Retry-After`.",
    "503": "Not now: as 429.",
    "default": "Refused, redirects included: tried again for days.",
}


def subscribers_fragment(dialects: Mapping[str, OutboundDialect]) -> Fragment:
    """One webhook a dialect, with the message that a test of a subscription posts as example."""
    return Fragment(webhooks={f"subscription.{name}": {"post": _operation(each)} for name, each in dialects.items()})


def _operation(dialect: OutboundDialect) -> Json:
    signed = dialect.signer(Message("evt_", _AT, b""), [_SECRET])
    return {
        "operationId": f"{dialect.name}_toSubscriber",
        "tags": [TAG],
        "summary": f"What a subscription of the dialect {dialect.name} is posted.",
        "description": "Posted to the `url` of a subscription for each event that its filter wants and the format has "
        "a message for: at least once, in order per delivery. An event keeps its id over all tries.",
        "parameters": [
            {"name": name, "in": "header", "required": True, "schema": {"type": "string"}} for name, _ in signed
        ],
        "requestBody": {
            "required": True,
            "content": {dialect.media_type: {"schema": dialect.schema, "example": _example(dialect)}},
        },
        "responses": {status: {"description": told} for status, told in _ANSWERS.items()},
    }


def _example(dialect: OutboundDialect) -> Json:
    event = Event(
        id="evt_01kg9w0000e008000000000001",
        number=3,
        kind=EVENT_KIND_STATUS_CHANGED,
        kinds=[EVENT_KIND_STATUS_CHANGED],
        disposition=DISPOSITION_APPLIED,
    )
    event.event_time.FromDatetime(_AT)
    event.record_time.FromDatetime(_AT)
    told = OutboundEvent(event=event, message_id=event.id)
    written = (dialect.writer(each, Subscription()) for each in samples(told))
    return next(document for document in written if document is not None)
