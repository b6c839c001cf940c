"""Reads stored messages by the present mapping and has them processed again; prints nothing and knows no flag."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

import grpc
from crossdock.v1 import webhook_service_pb2 as contract
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.webhook_pb2 import Webhook, WebhookSource
from google.protobuf.message import Message

from cli.hub_client import HubClient

_BOOKKEEPING = frozenset({"etag", "update_time", "last_event_number"})
"""Members of a delivery that change with every change."""


@dataclass
class Replayed:
    """A message before and after; `problem` says why it was left alone."""

    before: Webhook
    after: Webhook | None = None
    problem: str = ""
    previous: Delivery = field(default_factory=Delivery)
    """The delivery before; empty when none was known."""
    delivery: Delivery = field(default_factory=Delivery)
    """The delivery afterwards; empty when the message was left as it is, or has found none."""

    @property
    def changed(self) -> list[str]:
        """The members of the delivery that are others now, in the order of the contract."""
        if not self.delivery.id:
            return []
        return [each for each in _differing(self.previous, self.delivery) if each not in _BOOKKEEPING]


@dataclass(frozen=True)
class Wish:
    """How messages are to be processed."""

    as_stored: bool = False
    """By the reading of the first time, not by today's mapping."""
    dry_run: bool = False


async def replay_all(hub: HubClient, ids: Iterable[str], wish: Wish) -> AsyncIterator[Replayed]:
    """One after the other, in this order: what is said later may build on what was said before."""
    sources: dict[str, WebhookSource] = {}
    for webhook_id in ids:
        yield await _replay_one(hub, webhook_id, sources, wish)


async def _replay_one(hub: HubClient, webhook_id: str, sources: dict[str, WebhookSource], wish: Wish) -> Replayed:
    request = contract.GetWebhookRequest(webhook_id=webhook_id)
    before = (await hub.call(hub.webhooks.GetWebhook, request)).webhook
    asked = contract.ReplayWebhookRequest(webhook_id=webhook_id, validate_only=wish.dry_run)
    if not wish.as_stored:
        if before.source_id not in sources:
            ask = contract.GetWebhookSourceRequest(source_id=before.source_id)
            sources[before.source_id] = (await hub.call(hub.webhooks.GetWebhookSource, ask)).source
        if problem := _read_again(before, sources[before.source_id], asked):
            return Replayed(before, problem=problem)
    try:
        done = await hub.call(hub.webhooks.ReplayWebhook, asked)
    except grpc.aio.AioRpcError as error:
        # One that is refused for what is in it must not keep the others from being processed.
        if error.code() is not grpc.StatusCode.INVALID_ARGUMENT:
            raise
        return Replayed(before, problem=f"its reading was refused: {error.details()}")
    return Replayed(before, done.webhook, previous=done.previous_delivery, delivery=done.delivery)


def _read_again(webhook: Webhook, source: WebhookSource, wish: contract.ReplayWebhookRequest) -> str:
    """Puts today's reading into `wish`; says why when there is none."""
    from gateway.dialects.registry import INBOUND
    from gateway.webhooks.reading import Arrival, message_of

    dialect = INBOUND.get(webhook.dialect)
    if dialect is None:
        return f"the dialect {webhook.dialect!r} is not known here"
    arrival = Arrival(
        receive_time_ns=webhook.receive_time.ToNanoseconds(),
        headers=[(each.name.encode("latin-1"), each.value.encode("latin-1", "replace")) for each in webhook.headers],
        body=webhook.body,
        remote_address=webhook.remote_address,
        message_id=webhook.message_id,
    )
    read = message_of(dialect, source, arrival)
    if not read.HasField("report"):
        return f"it cannot be read: {read.malformed}"
    wish.report.CopyFrom(read.report)
    wish.mapping_version = read.mapping_version
    wish.dedupe_key = read.dedupe_key
    return ""


def _differing(before: Message, after: Message) -> list[str]:
    old = {each.name: value for each, value in before.ListFields()}
    new = {each.name: value for each, value in after.ListFields()}
    return [each.name for each in after.DESCRIPTOR.fields if old.get(each.name) != new.get(each.name)]
