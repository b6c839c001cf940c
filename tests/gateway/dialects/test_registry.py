import time

import protovalidate
import pytest
from crossdock.v1.webhook_pb2 import WebhookSource

from gateway.dialects.inbound import InboundDialect
from gateway.dialects.registry import INBOUND
from gateway.dialects.unmapped import keep_unread
from gateway.strict_json import loads
from gateway.webhooks.reading import Arrival, message_of

KEPT_UNREAD = InboundDialect("unmapped", "unmapped/0", keep_unread)
"""A dialect that a release verifies and stores before it has a mapping for it."""


def test_every_documented_dialect_of_webhooks_is_registered() -> None:
    assert set(INBOUND) == {"skipcart", "evermile", "ordatic"}
    assert all(name == dialect.name for name, dialect in INBOUND.items())


def test_skipcart_is_thanked_in_its_own_words() -> None:
    skipcart = INBOUND["skipcart"]

    assert (skipcart.thanks, skipcart.thanks_type) == (b'{"statusCode":200}', "application/json")
    assert skipcart.mapping_version == "skipcart/1"


def test_a_dialect_without_a_mapping_says_so_and_moves_nothing() -> None:
    report = KEPT_UNREAD.read(loads(b'{"order":{"status":"Delivered"}}'), WebhookSource(id="src_1"), "msg_1").report

    assert report.unmapped
    assert not report.status
    assert not report.targets
    assert not report.HasField("patch")
    assert [each.code for each in report.issues] == ["no_mapping"]


def test_a_message_without_a_mapping_is_deduplicated_by_its_id_or_by_its_content() -> None:
    dialect, source = KEPT_UNREAD, WebhookSource(id="src_1")
    one, same, other = (loads(body) for body in (b'{"a":1,"b":2.50}', b'{ "b":2.50, "a":1 }', b'{"a":1,"b":2.5}'))

    assert dialect.read(one, source, "msg_1").dedupe_key == "msg_1"
    assert dialect.read(one, source, "").dedupe_key == dialect.read(same, source, "").dedupe_key
    assert dialect.read(one, source, "").dedupe_key != dialect.read(other, source, "").dedupe_key
    assert len(dialect.read(one, source, "m" * 300).dedupe_key) == 64


@pytest.mark.parametrize("name", sorted(INBOUND))
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"a":NaN}', b"\xff", b'{"skipcart_order_id":"1"}'])
def test_every_body_makes_a_message_that_can_be_stored(name: str, body: bytes) -> None:
    message = message_of(INBOUND[name], WebhookSource(id="src_1"), Arrival(time.time_ns(), [], body, "127.0.0.1"))

    protovalidate.validate(message)
    assert bool(message.malformed) != message.HasField("report")
    assert message.malformed != "internal mapping error"


def test_what_is_no_message_of_skipcart_is_malformed_with_its_reason() -> None:
    message = message_of(
        INBOUND["skipcart"], WebhookSource(id="src_1"), Arrival(time.time_ns(), [], b"{}", "127.0.0.1")
    )

    assert message.malformed == "neither skipcart_order_id nor partner_order_id names an order"
