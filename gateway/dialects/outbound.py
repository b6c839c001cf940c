"""What an outbound dialect is: a name, a writer and a signer; knows no vendor, no HTTP client and no clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from crossdock.v1.subscription_pb2 import OutboundEvent, Subscription

Document: TypeAlias = dict[str, Any]
"""A JSON object as the dialect documents it. Its members stand in the documented order."""

Writer: TypeAlias = Callable[[OutboundEvent, Subscription], Document | None]
"""Writes what happened in the dialect's words; pure. `None`: the dialect, or the subscriber's role in it, has no
message for this event, and nothing needs to be sent."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it will be sent, which is what is signed."""

    id: str
    """The same over all tries."""
    time: datetime
    """When this try begins."""
    body: bytes


Signer: TypeAlias = Callable[[Message, Sequence[str]], list[tuple[str, str]]]
"""The headers that sign or authorise a message, from the live secrets, the newest first. Pure; names in lower case."""


@dataclass(frozen=True, slots=True)
class OutboundDialect:
    """A format in which subscribers can be told what happened."""

    name: str
    """As it stands in subscriptions ("skipcart")."""
    writer: Writer
    signer: Signer
    media_type: str = "application/json"
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "object"})
    """What the OpenAPI document says of its messages: JSON Schema."""
    carries_pictures: bool = False
    """Whether its messages hold the pictures of proofs themselves: its writer finds them in the delivery's proofs."""
