"""The golden documents of Ordatic, and how they are read in tests."""

import base64
import json
from pathlib import Path
from typing import Any

from crossdock.v1.report_pb2 import DeliveryReport
from crossdock.v1.webhook_pb2 import WebhookSource
from google.protobuf.json_format import MessageToDict

from gateway.dialects.inbound import Reading
from gateway.dialects.registry import INBOUND
from gateway.strict_json import loads

FOLDER = Path(__file__).resolve().parent
SAMPLES = sorted(file for file in FOLDER.glob("*.json") if not file.stem.endswith((".report", ".written")))
SOURCE = WebhookSource(id="src_1", default_currency_code="EUR", default_region_code="IT")
ORDATIC = INBOUND["ordatic"]
PNG = b"\x89PNG\r\n\x1a\n" + b"a picture of a bag at a door"


def document(name: str) -> dict[str, Any]:
    """A golden document, to be changed at will."""
    read: dict[str, Any] = loads((FOLDER / f"{name}.json").read_bytes())
    return read


def told(word: str, order: str = "68fa12", store: str = "7709", **members: Any) -> dict[str, Any]:
    """An event as Ordatic sends it."""
    return {"eventType": word, "storeId": store, "data": {"orderId": order, **members}}


def body(word: str, order: str = "68fa12", store: str = "7709", **members: Any) -> bytes:
    """The same, on the wire."""
    return json.dumps(told(word, order, store, **members)).encode()


def picture(image: bytes = PNG) -> str:
    """An image as Ordatic sends it."""
    return base64.b64encode(image).decode()


def read(said: Any, source: WebhookSource = SOURCE) -> Reading:
    return ORDATIC.read(said, source, "")


def read_sample(sample: Path) -> Reading:
    return read(loads(sample.read_bytes()))


def canonical(report: DeliveryReport) -> str:
    return json.dumps(MessageToDict(report), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
