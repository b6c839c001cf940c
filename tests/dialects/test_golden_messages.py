"""Canonical events, the same for all dialects, and what each dialect tells of them: `<vendor>/written/<event>.json`.

`null` stands for no message. `make docs` writes the vendors' documents anew, to be read before they are committed.
"""

import json
import os
from pathlib import Path
from typing import Any

import protovalidate
import pytest
from crossdock.v1.subscription_pb2 import OutboundEvent, Subscription
from google.protobuf.json_format import Parse

from gateway.dialects.registry import OUTBOUND

HERE = Path(__file__).parent
EVENTS = sorted((HERE / "events").glob("*.json"))
VENDORS = sorted(folder.parent.name for folder in HERE.glob("*/written"))
UPDATE = os.environ.get("UPDATE_DOCS") == "1"


def outbound(path: Path) -> OutboundEvent:
    return Parse(path.read_text(), OutboundEvent())


@pytest.mark.parametrize("event", EVENTS, ids=lambda path: path.stem)
def test_a_canonical_event_keeps_the_rules_of_the_contract(event: Path) -> None:
    protovalidate.validate(outbound(event))


@pytest.mark.parametrize("event", EVENTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("vendor", VENDORS)
def test_an_event_is_told_in_the_documented_form(vendor: str, event: Path) -> None:
    expected = HERE / vendor / "written" / event.name

    written = OUTBOUND[vendor].writer(outbound(event), Subscription(dialect=vendor))

    # As text: the order of the members is part of the form.
    text = json.dumps(written, indent=2, ensure_ascii=False) + "\n"
    if UPDATE:
        expected.write_text(text)
    assert text == expected.read_text()


@pytest.mark.parametrize("vendor", VENDORS)
def test_there_is_no_document_without_an_event(vendor: str) -> None:
    assert {each.name for each in (HERE / vendor / "written").iterdir()} == {each.name for each in EVENTS}


@pytest.mark.parametrize("event", EVENTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("dialect", OUTBOUND)
def test_every_dialect_writes_json_or_nothing(dialect: str, event: Path) -> None:
    told = outbound(event)
    before = told.SerializeToString(deterministic=True)

    written: Any = OUTBOUND[dialect].writer(told, Subscription(dialect=dialect, tenant_external_id="demo"))

    assert written is None or json.loads(json.dumps(written, allow_nan=False)) == written
    assert told.SerializeToString(deterministic=True) == before
