"""The gateway's sender and subscribers that run the snippets of docs/subscriptions.md, as printed, over HTTP."""

import asyncio
import base64
import contextlib
import json
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.subscription_pb2 import ATTEMPT_OUTCOME_REFUSED
from standardwebhooks import WebhookVerificationError

from tests.gateway.javascript.programs import LIBRARIES, node
from tests.gateway.sending.conftest import Subscribers
from tests.gateway.sending.sinks import Sink
from tests.services.waiting import until

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "subscriptions.md"
SECRET, FOREIGN = ("whsec_" + base64.b64encode(each * 32).decode() for each in (b"s", b"f"))
ORDERS = ["ascii", "\U0001f4a5 \u202e é"]
WORDS = ("confirmed", "arrived_at_store", "out_for_delivery", "delivered")


def printed(language: str, secret: str) -> str:
    """The snippet of a language, with a secret in its place."""
    [snippet] = re.findall(rf"```{language}\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL)
    assert snippet.count("whsec_…") == 1
    return str(snippet).replace("whsec_…", secret)


@contextlib.asynccontextmanager
async def running_subscriber(folder: Path) -> AsyncIterator[tuple[str, asyncio.StreamReader]]:
    """Its address, and the lines that it says. The libraries stand beside the modules, as npm puts them."""
    (folder / "node_modules").symlink_to(LIBRARIES)
    program = await asyncio.create_subprocess_exec(
        *node("subscriber.mjs", str(folder)), stdout=subprocess.PIPE, limit=1 << 20
    )
    assert program.stdout is not None
    try:
        async with asyncio.timeout(60):
            port = json.loads(await program.stdout.readline())["port"]
        yield f"http://127.0.0.1:{port}", program.stdout
    finally:
        program.kill()
        await program.wait()


@pytest.mark.usefixtures("gateway")
async def test_javascript_verifies_each_message_and_refuses_what_another_key_signed(
    subscribers: Subscribers, tmp_path: Path
) -> None:
    snippets = {"standardwebhooks": printed("javascript", SECRET), "foreign": printed("javascript", FOREIGN)}
    snippets["svix"] = snippets["standardwebhooks"].replace('from "standardwebhooks"', 'from "svix"')
    for name, snippet in snippets.items():
        (tmp_path / f"{name}.mjs").write_text(snippet)

    async with running_subscriber(tmp_path) as (address, said):
        made = {name: await subscribers.create(f"{address}/{name}", secret=SECRET) for name in snippets}
        for each in made.values():  # beside the older secret's signature stands one that they do not know
            request = contract.RotateSubscriptionSecretRequest(subscription_id=each.id)
            await subscribers.stub.RotateSubscriptionSecret(request, metadata=subscribers.world.account)
        await subscribers.happen(ORDERS, WORDS)
        recorded = await subscribers.recorded()
        heard: dict[str, dict[str, Any]] = {name: {} for name in snippets}
        async with asyncio.timeout(60):
            while not (heard["svix"].keys() >= recorded <= heard["standardwebhooks"].keys() and heard["foreign"]):
                told = json.loads(await said.readline())
                heard[told["name"]][told["id"]] = told
        stats = await subscribers.until(made["foreign"].id, lambda stats: stats.failed_count > 0)
        attempts = await subscribers.attempts(made["foreign"].id)

    for name in ("standardwebhooks", "svix"):
        events = {each["event"]["data"]["event"]["id"] for each in heard[name].values()}
        assert events == recorded == set(heard[name])
        references = {each["value"] for told in heard[name].values() for each in references_of(told["event"])}
        assert references >= set(ORDERS)
    assert {each["error"] for each in heard["foreign"].values()} == {"No matching signature found"}
    assert stats.succeeded_count == 0
    assert {(each.outcome, each.http_status) for each in attempts} == {(ATTEMPT_OUTCOME_REFUSED, 401)}


def references_of(event: dict[str, Any]) -> list[dict[str, Any]]:
    return list(event["data"]["delivery"].get("references", []))


@pytest.mark.usefixtures("gateway")
async def test_the_python_that_is_printed_verifies_too(subscribers: Subscribers, sink: Sink) -> None:
    modules: list[dict[str, Any]] = [{}, {}]
    for module, secret in zip(modules, (SECRET, FOREIGN), strict=True):
        exec(printed("python", secret), module)
    await subscribers.create(sink.url(), secret=SECRET)

    await subscribers.happen(ORDERS)
    await until(lambda: bool(sink.heard), 60)

    heard = sink.heard[0]
    assert modules[0]["receive"](heard.body, heard.headers) == heard.document
    with pytest.raises(WebhookVerificationError):
        modules[1]["receive"](heard.body, heard.headers)
