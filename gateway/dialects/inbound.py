"""What an inbound dialect is: a name, a version, a reader and words of thanks; knows no vendor and no HTTP."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from crossdock.v1.report_pb2 import DeliveryReport
from crossdock.v1.webhook_pb2 import WebhookSource

from gateway.openapi.fragments import DescribedMessage


class MalformedMessage(ValueError):
    """The document is JSON, and not a message of the dialect. The sentence names the member and quotes nothing."""


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What a document does not say of itself."""

    source_id: str = ""
    """The source that sent it."""
    default_currency: str = ""
    """ISO 4217 code of amounts without currency; empty when the source does not say."""
    default_region: str = ""
    """ISO 3166 code of the country of telephone numbers without prefix; empty when the source does not say."""
    message_id: str = ""
    """The sender's id of the message, if it has one and signed it."""


@dataclass(slots=True)
class Reading:
    """What a dialect makes of a document."""

    report: DeliveryReport
    dedupe_key: str
    """Names the fact: two messages that tell the same have the same one, within their source."""


Reader: TypeAlias = Callable[[Any, ReadContext], Reading]
"""Reads what `gateway.strict_json` made of a body; pure. Raises nothing but `MalformedMessage`."""


@dataclass(slots=True)
class InboundDialect:
    """A format of webhooks that sources can send."""

    name: str
    """As it stands in sources and URLs ("skipcart")."""
    mapping_version: str
    """Counts up when the same document begins to mean something else ("skipcart/1")."""
    reader: Reader
    thanks: bytes = b""
    """The body of the 200 that tells the sender that its message is stored."""
    thanks_type: str | None = None
    """The media type of a body that is not empty."""
    described: DescribedMessage | None = None
    """What the OpenAPI document says of its messages."""
    carries_images: bool = False
    """Its messages may hold images, so that their bodies may be larger than others."""

    def read(self, document: Any, source: WebhookSource, message_id: str) -> Reading:
        """Read a document that a source sent. Raises `MalformedMessage`."""
        context = ReadContext(
            source_id=source.id,
            default_currency=source.default_currency_code,
            default_region=source.default_region_code,
            message_id=message_id,
        )
        return self.reader(document, context)


def fingerprint(document: Any) -> str:
    """SHA-256 of what a document says, in lower-case hex: order of members and white space do not count."""
    # `default` writes Decimal as text: 1.5 and "1.5" differ in no message that a sender means to be two.
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
