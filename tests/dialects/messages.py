"""Vendors' messages on their way through the hub in tests: read, folded as the services fold them, written again."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.event_pb2 import Event
from crossdock.v1.location_pb2 import Location
from crossdock.v1.report_pb2 import DeliveryReport
from crossdock.v1.subscription_pb2 import OutboundEvent, Subscription
from crossdock.v1.webhook_pb2 import WebhookSource
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.dialects.inbound import Reading
from gateway.dialects.outbound import Document
from gateway.dialects.registry import INBOUND, OUTBOUND
from gateway.strict_json import loads
from services.deliveries import inputs, lifecycle

HERE = Path(__file__).parent
SOURCE = WebhookSource(id="src_1", default_currency_code="EUR", default_region_code="FR")
LATER = 60
"""How many seconds after it happened the hub hears of something."""


def samples(dialect: str) -> list[Path]:
    """A dialect's inbound golden documents: those with a report beside them."""
    return [path for path in sorted((HERE / dialect).glob("*.json")) if path.with_suffix(".report.json").exists()]


def read(dialect: str, document: Any, message_id: str = "") -> Reading:
    """As the gateway reads it. Raises `MalformedMessage`."""
    return INBOUND[dialect].read(document, SOURCE, message_id)


def sample(path: Path) -> tuple[Any, DeliveryReport]:
    """A golden document, and what it says."""
    document = loads(path.read_bytes())
    return document, read(path.parent.name, document).report


def happened(report: DeliveryReport) -> Iterator[OutboundEvent]:
    """What a report makes of a delivery that was known for a minute, each event as subscribers are to be told it."""
    at = report.event_time.seconds if report.HasField("event_time") else 1_700_000_000
    delivery, _ = lifecycle.start(Delivery(id="dlv_1"), now=Timestamp(seconds=at - 60), source_id="src_1")
    delivery.references.extend(report.targets)
    now = Timestamp(seconds=at + LATER)
    heard = inputs.receive(report, now, delivery.create_time, webhook_id="whk_1", source_id="src_1")
    outcome = lifecycle.apply(delivery, [heard], last_key=b"", now=now)
    for event in outcome.events:
        event.id = f"evt_{event.number}"
        yield outbound(event, outcome.delivery, report)


def outbound(event: Event, delivery: Delivery, report: DeliveryReport) -> OutboundEvent:
    """An event with what stands around it."""
    told = OutboundEvent(event=event, delivery=delivery, message_id=event.id, attempt_number=1)
    if report.HasField("order_patch"):
        told.order.CopyFrom(report.order_patch)
    told.location.CopyFrom(Location(id="loc_1", external_id="7709", time_zone="Europe/Paris", currency_code="EUR"))
    return told


def written(dialect: str, told: Iterable[OutboundEvent]) -> list[Document]:
    """What a dialect tells of some events."""
    subscription = Subscription(dialect=dialect, tenant_external_id="demo")
    documents = (OUTBOUND[dialect].writer(each, subscription) for each in told)
    return [document for document in documents if document is not None]


def leaves(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a document that is no list and no object, by its pointer; numbers as most readers see them."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, f"{pointer}/{name}")
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from leaves(each, f"{pointer}/{position}")
    else:
        yield pointer, float(value) if isinstance(value, Decimal) else value
