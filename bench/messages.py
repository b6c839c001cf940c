"""Skipcart's messages as the gateway hands them on, for loads without HTTP; the same mix as bench/wrk/webhooks.lua."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from crossdock.v1.webhook_pb2 import WebhookSource
from crossdock.v1.webhook_service_pb2 import BatchIngestWebhooksRequest

from bench.clients import SCRIPTS
from gateway.dialects.registry import INBOUND
from gateway.webhooks.reading import Arrival, message_of

_HEADERS = ((b"content-type", b"application/json"), (b"user-agent", b"Skipcart-Webhooks/1.0"))


def batches(source_id: str, tag: str, size: int) -> Iterator[bytes]:
    """Serialised requests, each with ``size`` messages, no two of which are alike."""
    source = WebhookSource(id=source_id, dialect="skipcart", default_currency_code="USD", default_region_code="US")
    bodies = _bodies(tag, width=size)
    while True:
        arrivals = (
            Arrival(time.time_ns(), _HEADERS, body, "127.0.0.1") for body, _ in zip(bodies, range(size), strict=False)
        )
        messages = [message_of(INBOUND["skipcart"], source, arrival) for arrival in arrivals]
        yield BatchIngestWebhooksRequest(webhooks=messages).SerializeToString()


def _bodies(tag: str, width: int) -> Iterator[bytes]:
    templates = (SCRIPTS / "skipcart.jsonl").read_text().splitlines()
    base = datetime.now(UTC) - timedelta(hours=1)
    group = 0
    while True:
        for stage, template in enumerate(templates):
            order = group - stage * width
            if order >= 0:
                told = f"{base + timedelta(minutes=5 * stage):%Y-%m-%dT%H:%M:%SZ}"
                known = {"@ORDER@": f"{tag}{order}", "@DRIVER@": f"{order % 500:04}", "@TIME@": told}
                yield re.sub("@[A-Z]+@", lambda found: known[found.group()], template).encode()  # noqa: B023
        group += 1
