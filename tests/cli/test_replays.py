"""Redrive with real processes: messages of an older mapping are read by today's, and take effect once."""

import asyncio
import json
from typing import Any

import grpc
import pytest
from crossdock.v1 import webhook_service_pb2 as contract
from crossdock.v1.report_pb2 import DeliveryReport
from crossdock.v1.webhook_service_pb2_grpc import WebhookServiceStub

from cli.demo.stage import json_document
from cli.hub.folders import Folder
from cli.hub.keys import find_system_token
from tests.cli.running_hubs import RunningHub

OLD = "skipcart/0"


def stored_by_an_older_mapping(hub: RunningHub, order: str, **members: Any) -> str:
    """A message as a gateway before today's would have stored it: with the body, and hardly understood."""
    told = {"skipcart_order_id": order, "partner_order_id": f"Partner_{order}"}
    body = json.dumps({**json_document("skipcart_delivered.json"), **told}).encode()
    path = hub.ready["sources"]["skipcart"]["url"].split("/")
    source = next(each for each in path if each.startswith("src_"))
    message = contract.IngestWebhookRequest(
        source_id=source, body=body, dedupe_key=f"old {order}", mapping_version=OLD, **members
    )

    async def ingest() -> str:
        metadata = (("authorization", f"Bearer {find_system_token(Folder(hub.data_dir))}"),)
        async with grpc.aio.insecure_channel(hub.ready["grpc"]) as channel:
            return (await WebhookServiceStub(channel).IngestWebhook(message, metadata=metadata)).webhook_id

    return asyncio.run(ingest())


def unmapped(order: str) -> DeliveryReport:
    report = DeliveryReport(status_raw="order_delivered", unmapped=True)
    report.targets.add(scope="skipcart.order", value=order, exclusive=True)
    return report


def everything(hub: RunningHub) -> list[Any]:
    """All that a replay could change, as an account sees it."""
    deliveries = hub.json("deliveries", "list", "--limit", "1000")["deliveries"]
    webhooks = [each["id"] for each in hub.json("webhooks", "list", "--limit", "1000")["webhooks"]]
    shown = [hub.json("webhooks", "show", each) for each in webhooks]
    explained = [hub.json("deliveries", "explain", each["id"]) for each in deliveries]
    return [deliveries, shown, explained]


def test_old_messages_take_effect_once_and_a_dry_run_takes_none(hub: RunningHub) -> None:
    hidden = stored_by_an_older_mapping(hub, "7001", malformed="not yet understood")
    unknown = stored_by_an_older_mapping(hub, "7002", report=unmapped("7002"))
    before = everything(hub)

    dry = hub.json("webhooks", "replay", "--mapping", OLD, "--dry-run")

    assert [(each["id"], each["dispositionBefore"], each["disposition"]) for each in dry["changes"]] == [
        (hidden, "DISPOSITION_MALFORMED", "DISPOSITION_APPLIED"),
        (unknown, "DISPOSITION_UNMAPPED", "DISPOSITION_APPLIED"),
    ]
    assert {each["status"] for each in dry["changes"]} == {"DELIVERY_STATUS_DELIVERED"}
    assert "status" in dry["changes"][0]["changedMembers"]
    assert everything(hub) == before

    done = hub.json("webhooks", "replay", "--mapping", OLD)
    after = everything(hub)

    assert [each["disposition"] for each in done["webhooks"]] == ["DISPOSITION_APPLIED"] * 2
    for order in ("7001", "7002"):
        assert hub.json("deliveries", "show", f"skipcart.order:{order}")["status"] == "DELIVERY_STATUS_DELIVERED"
    assert hub.json("webhooks", "replay", "--mapping", OLD) == {"webhooks": [], "changes": []}
    again = hub.json("webhooks", "replay", hidden, unknown)
    assert [each["changedMembers"] for each in again["changes"]] == [[], []]
    assert everything(hub) == after


def test_the_diff_is_told_to_people(hub: RunningHub) -> None:
    webhook_id = stored_by_an_older_mapping(hub, "7003", malformed="not yet understood")

    told = hub.crossdock("webhooks", "replay", webhook_id, "--dry-run").stdout

    assert told.splitlines()[0].split("\t") == [
        "id", "was", "would become", "delivery", "status", "changes", "why"
    ]  # fmt: skip
    assert told.splitlines()[1].split("\t")[:3] == [webhook_id, "malformed", "applied"]
    assert "- → delivered" in told


def test_only_what_the_filters_name_is_replayed(hub: RunningHub) -> None:
    first, second = (
        stored_by_an_older_mapping(hub, order, malformed="not yet understood") for order in ("7004", "7005")
    )

    def chosen(*flags: str) -> list[str]:
        found = hub.json("webhooks", "replay", "--dry-run", "--mapping", OLD, *flags)["changes"]
        return [each["id"] for each in found if each["id"] in (first, second)]

    assert chosen("--since", "1h") == [first, second], "the oldest first"
    assert chosen("--until", "1h") == []
    assert chosen("--limit", "1") == [second], "the youngest"
    assert chosen("--disposition", "unmapped") == []
    assert chosen("--source", "src_00000000000000000000000000") == []
    assert chosen("--disposition", "malformed", "--disposition", "expired") == [first, second]


@pytest.mark.parametrize("arguments", [(), ("whk_x", "--since", "7d")])
def test_a_replay_needs_ids_or_filters_and_not_both(hub: RunningHub, arguments: tuple[str, ...]) -> None:
    done = hub.crossdock("webhooks", "replay", *arguments)

    assert done.returncode == 2
    assert "by their ids, or by filters" in done.stderr


def test_the_older_mapping_is_none_of_todays() -> None:
    from gateway.dialects.registry import INBOUND

    assert OLD not in {dialect.mapping_version for dialect in INBOUND.values()}
