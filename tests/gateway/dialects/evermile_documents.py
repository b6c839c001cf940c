"""The golden documents of Evermile, and how they are read in tests."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import protovalidate
from crossdock.v1.report_pb2 import DeliveryReport
from crossdock.v1.webhook_pb2 import WebhookSource
from crossdock.v1.webhook_service_pb2 import IngestWebhookRequest
from google.protobuf.json_format import MessageToDict

from gateway.dialects.inbound import Reading
from gateway.dialects.registry import INBOUND
from gateway.strict_json import loads
from services.storable import require_storable

Path_ = tuple[str | int, ...]
STATUS: Path_ = ("order", "status")

FOLDER = Path(__file__).resolve().parents[2] / "dialects" / "evermile"
SAMPLES = sorted(file for file in FOLDER.glob("*.json") if not file.stem.endswith(".report"))
SOURCE = WebhookSource(id="src_1", default_currency_code="GBP", default_region_code="GB")
EVERMILE = INBOUND["evermile"]

ORDER, TRACKING, EVERY_MEMBER = (
    "documented_order",
    "documented_live_tracking",
    "documented_order_with_every_member",
)
"""The three documented examples, verbatim."""


def expected_of(sample: Path) -> Path:
    return sample.with_suffix(".report.json")


def document(name: str) -> dict[str, Any]:
    """A golden document, to be changed at will."""
    read: dict[str, Any] = loads((FOLDER / f"{name}.json").read_bytes())
    return read


def read(told: Any, source: WebhookSource = SOURCE, message_id: str = "") -> Reading:
    return EVERMILE.read(told, source, message_id)


def read_sample(sample: Path) -> Reading:
    return read(loads(sample.read_bytes()))


def canonical(report: DeliveryReport) -> str:
    return json.dumps(MessageToDict(report), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def members(told: Any, above: Path_ = ()) -> Iterator[Path_]:
    """The place of every value in a document, in the entries of its lists too."""
    for name, value in told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ():
        yield (*above, name)
        yield from members(value, (*above, name))


def changed(told: dict[str, Any], field: Path_, value: Any) -> dict[str, Any]:
    """The document with another value in one place; `...` takes the member away."""
    copy = deepcopy(told)
    holder: Any = copy
    for name in field[:-1]:
        holder = holder[name]
    if value is ...:
        del holder[field[-1]]
    else:
        holder[field[-1]] = value
    return copy


FIELDS = {name: list(members(document(name))) for name in (ORDER, TRACKING, EVERY_MEMBER)}


def pointer_of(field: Path_) -> str:
    return "/" + "/".join(map(str, field))


def pointers(reading: Reading) -> list[tuple[str, str]]:
    return [(each.pointer, each.code) for each in reading.report.issues]


def extension_of(reading: Reading) -> dict[str, Any]:
    return MessageToDict(reading.report.patch.extensions["evermile"])


def require_accepted(reading: Reading) -> None:
    """As the services would: a report that breaks a rule of the contract would be refused, and its message unread."""
    request = IngestWebhookRequest(source_id="src_1", dedupe_key=reading.dedupe_key, report=reading.report)
    protovalidate.validate(request)
    require_storable(request)
    assert IngestWebhookRequest.FromString(request.SerializeToString()) == request


def reversed_members(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: reversed_members(each) for name, each in reversed(value.items())}
    if isinstance(value, list):
        return [reversed_members(each) for each in value]
    return value


def value_at(told: Any, field: Path_) -> Any:
    for name in field:
        told = told[name]
    return told
