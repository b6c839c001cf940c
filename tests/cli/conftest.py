"""One hub for all tests of the command that do not stop it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.demo.stage import json_document
from tests.cli.running_hubs import RunningHub


@pytest.fixture(scope="package")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    running = RunningHub(tmp_path_factory.mktemp("hub"))
    yield running
    assert running.stop() == 0


class Skipcart:
    """A sender of documented messages."""

    def __init__(self, hub: RunningHub) -> None:
        self._url = hub.ready["sources"]["skipcart"]["url"]

    def post(self, order: str, **members: Any) -> httpx.Response:
        told = {"skipcart_order_id": order, "partner_order_id": f"Partner_{order}"}
        body = {**json_document("skipcart_delivered.json"), **told, **members}
        return httpx.post(self._url, json=body, timeout=60)


@pytest.fixture(scope="package")
def skipcart(hub: RunningHub) -> Skipcart:
    return Skipcart(hub)


@pytest.fixture(scope="package")
def delivery_id(hub: RunningHub, skipcart: Skipcart) -> str:
    """A delivery that Skipcart's documented message started."""
    assert skipcart.post("237126").content == b'{"statusCode":200}'
    found: str = hub.json("deliveries", "show", "skipcart.order:237126")["id"]
    return found


@pytest.fixture(scope="package")
def webhook_id(hub: RunningHub, delivery_id: str) -> str:
    """The message that started it."""
    found: str = hub.json("webhooks", "list", "--delivery", delivery_id)["webhooks"][-1]["id"]
    return found


@pytest.fixture
def free_folder(tmp_path: Path) -> Path:
    return tmp_path / "data"
