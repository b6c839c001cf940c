"""The golden documents of Skipcart, and how they are read in tests."""

import json
from pathlib import Path
from typing import Any

from crossdock.v1.report_pb2 import DeliveryReport
from crossdock.v1.webhook_pb2 import WebhookSource
from google.protobuf.json_format import MessageToDict

from gateway.dialects.inbound import Reading
from gateway.dialects.registry import INBOUND
from gateway.strict_json import loads

FOLDER = Path(__file__).resolve().parents[2] / "dialects" / "skipcart"
SAMPLES = sorted(file for file in FOLDER.glob("*.json") if not file.stem.endswith(".report"))
SOURCE = WebhookSource(id="src_1", default_currency_code="USD", default_region_code="US")
SKIPCART = INBOUND["skipcart"]


def expected_of(sample: Path) -> Path:
    return sample.with_suffix(".report.json")


def document(name: str) -> dict[str, Any]:
    """A golden document, to be changed at will."""
    read: dict[str, Any] = loads((FOLDER / f"{name}.json").read_bytes())
    return read


def read(told: Any, source: WebhookSource = SOURCE) -> Reading:
    return SKIPCART.read(told, source, "")


def read_sample(sample: Path) -> Reading:
    return read(loads(sample.read_bytes()))


def canonical(report: DeliveryReport) -> str:
    return json.dumps(MessageToDict(report), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
