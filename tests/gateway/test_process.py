"""The gateway as a program: its settings, its ready file, its signals."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from gateway.config import Settings
from tests.gateway.webhook_services import PATH_SECRET, SYSTEM_TOKEN, StandIn, serve_stand_in

ROOT = Path(__file__).resolve().parents[2]
SKIPCART = b'{"skipcart_order_id": "1", "event_status": "delivered", "event_time_utc": "2021-12-13T17:35:23.583Z"}'


@asynccontextmanager
async def gateway_process(*flags: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("CROSSDOCK_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", *flags),
        cwd=ROOT,
        env={**ours, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'gen'}", **environment},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        if process.stderr is not None:
            await process.stderr.read()


async def url_in(ready_file: Path) -> str:
    async with asyncio.timeout(60):
        while not ready_file.exists():  # noqa: ASYNC110, ASYNC240  another process writes it
            await asyncio.sleep(0.02)
    return str(json.loads(ready_file.read_text())["http"])  # noqa: ASYNC240  a few bytes


@pytest.fixture
def services() -> StandIn:
    return StandIn()  # type: ignore[abstract]  # methods that no test calls are not there


@pytest.fixture
async def port(services: StandIn) -> AsyncIterator[int]:
    server, port = await serve_stand_in(services)
    yield port
    services.gate.set()
    await server.stop(0)


async def test_sigterm_finishes_what_was_begun_and_ends_cleanly(services: StandIn, port: int, tmp_path: Path) -> None:
    source = services.add(dialect="skipcart")
    ready_file = tmp_path / "ready.json"
    flags = ["--http", "127.0.0.1:0", "--ready-file", str(ready_file), "--grace-seconds", "60"]
    environment = {"CROSSDOCK_SERVICES": f"127.0.0.1:{port}", "CROSSDOCK_SYSTEM_TOKEN": SYSTEM_TOKEN}

    async with gateway_process(*flags, **environment) as process:
        url = await url_in(ready_file)
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            services.gate.clear()
            path = f"/webhooks/skipcart/{source.id}/{PATH_SECRET}"
            posting = asyncio.create_task(client.post(path, content=SKIPCART))
            async with asyncio.timeout(60):
                while not services.calls["ingest"]:  # noqa: ASYNC110  another process calls it
                    await asyncio.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(60):
                while (await client.get("/readyz")).status_code != 503:
                    pass
            services.gate.set()

            assert (await posting).status_code == 200
        assert await asyncio.wait_for(process.wait(), 60) == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0))


async def test_a_request_that_does_not_end_is_cut_after_the_grace(services: StandIn, port: int, tmp_path: Path) -> None:
    source = services.add(dialect="skipcart")
    services.gate.clear()
    ready_file = tmp_path / "ready.json"
    flags = ["--http", "127.0.0.1:0", "--ready-file", str(ready_file), "--grace-seconds", "1"]
    environment = {"CROSSDOCK_SERVICES": f"127.0.0.1:{port}", "CROSSDOCK_SYSTEM_TOKEN": SYSTEM_TOKEN}

    async with gateway_process(*flags, **environment) as process:
        url = await url_in(ready_file)
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            path = f"/webhooks/skipcart/{source.id}/{PATH_SECRET}"
            posting = asyncio.create_task(client.post(path, content=SKIPCART))
            async with asyncio.timeout(60):
                while not services.calls["ingest"]:  # noqa: ASYNC110  another process calls it
                    await asyncio.sleep(0.01)
            process.send_signal(signal.SIGTERM)

            answer = await asyncio.wait_for(posting, 60)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert await asyncio.wait_for(process.wait(), 60) == 0


async def test_an_address_that_is_taken_is_said_plainly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with gateway_process("--http", address) as process:
            _, said = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == 1
    assert b"cannot serve" in said
    assert b"Traceback" not in said


async def test_a_wrong_setting_is_named_and_not_quoted() -> None:
    async with gateway_process(CROSSDOCK_MAX_BATCH="canary", CROSSDOCK_HTTP="canary") as process:
        _, said = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == 2
    assert b"CROSSDOCK_MAX_BATCH" in said
    assert b"CROSSDOCK_HTTP" in said
    assert b"canary" not in said


@pytest.mark.parametrize(
    ("given", "address"), [("127.0.0.1:0", ("127.0.0.1", 0)), ("[::1]:80", ("::1", 80)), ("a.b:1", ("a.b", 1))]
)
def test_an_address_is_a_host_and_a_port(given: str, address: tuple[str, int]) -> None:
    assert Settings(http=given).http_address == address


@pytest.mark.parametrize("given", ["", "8080", "::1:80", "host:", "host:http"])
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(ValidationError):
        Settings(http=given)


def test_trusted_proxies_are_networks() -> None:
    assert [str(each) for each in Settings(trusted_proxies="10.0.0.0/8, ::1").trusted_networks] == [
        "10.0.0.0/8",
        "::1/128",
    ]
    with pytest.raises(ValidationError):
        Settings(trusted_proxies="10.0.0.1/8")
