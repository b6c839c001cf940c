"""SIGTERM under load: what was accepted is answered, streams end with a reason, the process ends in time."""

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import grpc
import pytest
from crossdock.v1.access_service_pb2 import CreateTenantRequest
from crossdock.v1.access_service_pb2_grpc import AccessServiceStub
from crossdock.v1.event_service_pb2 import WatchEventsRequest
from crossdock.v1.event_service_pb2_grpc import EventServiceStub
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from services.config import Settings
from tests.services.answers import read_failure
from tests.services.processes import Process, start_process
from tests.services.waiting import until

GRACE = 60  # more than a busy machine needs for what is under way: nothing waits for its end
PATIENCE = 60
Metadata = tuple[tuple[str, str], ...]
Start = Callable[..., Awaitable[Process]]


@pytest.fixture
async def start(settings: Settings, tmp_path: Path) -> AsyncIterator[Start]:
    """Starts processes that do not outlive the test."""
    started: list[Process] = []

    async def start_one(**changed: str) -> Process:
        process = await start_process(settings, tmp_path / str(len(started)), **changed)
        started.append(process)
        return process

    yield start_one
    for process in started:
        if process.popen.poll() is None:
            process.popen.send_signal(signal.SIGKILL)
            await process.ended(PATIENCE)


async def make_tenants(address: str, name: str, system: Metadata, made: list[str], outcomes: Counter[str]) -> None:
    """Makes one tenant after the other until the process takes no more."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = AccessServiceStub(channel)
        for number in range(1_000_000):
            request = CreateTenantRequest(request_id=f"{name}-{number}")
            request.tenant.external_id = f"{name}-{number}"
            try:
                await stub.CreateTenant(request, metadata=system, timeout=60)
            except grpc.aio.AioRpcError as error:
                outcomes[f"{error.code().name} {error.details()}"] += 1
                return
            made.append(request.tenant.external_id)
            outcomes["OK"] += 1


async def watch(address: str, system: Metadata, outcomes: Counter[str], open_streams: list[None]) -> None:
    """Follows the log until the process ends the stream."""
    async with grpc.aio.insecure_channel(address) as channel:
        call = EventServiceStub(channel).WatchEvents(WatchEventsRequest(), metadata=system)
        opened = False
        try:
            async for _ in call:
                if not opened:
                    opened = True
                    open_streams.append(None)
            outcomes["ended without a word"] += 1
        except grpc.aio.AioRpcError as error:
            failure = read_failure(error)
            outcomes[f"{failure.reason} {'with' if failure.metadata.get('cursor') else 'without'} cursor"] += 1


async def test_sigterm_under_load_fails_no_accepted_call(start: Start, system: Metadata) -> None:
    process = await start(CROSSDOCK_LOG_CALLS="false", CROSSDOCK_GRACE_SECONDS=str(GRACE))
    async with grpc.aio.insecure_channel(process.address) as channel:
        request = CreateTenantRequest()
        request.tenant.external_id = "streams"
        tenant = (await AccessServiceStub(channel).CreateTenant(request, metadata=system)).tenant.id
    calls: Counter[str] = Counter()
    streams: Counter[str] = Counter()
    made: list[str] = []
    open_streams: list[None] = []
    as_tenant = (*system, ("x-crossdock-tenant", tenant))
    load = [
        asyncio.create_task(make_tenants(process.address, f"load{number}", system, made, calls)) for number in range(16)
    ]
    load += [asyncio.create_task(watch(process.address, as_tenant, streams, open_streams)) for _ in range(200)]
    await until(lambda: len(open_streams) == 200 and calls["OK"] >= 200)

    process.terminate()
    status = await process.ended(GRACE + PATIENCE)
    await asyncio.gather(*load)

    assert status == 0, process.log.read_text()
    assert streams == {"SHUTTING_DOWN with cursor": 200}
    # Each caller's last call found nobody there: it was refused, never cut after it was accepted.
    refused = {outcome: count for outcome, count in calls.items() if outcome != "OK"}
    assert all(outcome.startswith("UNAVAILABLE") for outcome in refused), refused
    assert sum(refused.values()) == 16
    await _assert_nothing_more_was_done(start, system, made)


async def _assert_nothing_more_was_done(start: Start, system: Metadata, made: list[str]) -> None:
    """A refused call left nothing: the next process takes the very same names."""
    successor = await start()
    async with grpc.aio.insecure_channel(successor.address) as channel:
        stub = AccessServiceStub(channel)
        last = {name.rpartition("-")[0]: int(name.rpartition("-")[2]) for name in made}
        for name, number in last.items():
            request = CreateTenantRequest(request_id=f"again-{name}")
            request.tenant.external_id = f"{name}-{number + 1}"
            await stub.CreateTenant(request, metadata=system)


async def test_a_call_that_was_accepted_is_answered_after_sigterm(start: Start, system: Metadata) -> None:
    process = await start(CROSSDOCK_NOTICE_SECONDS="2")
    async with grpc.aio.insecure_channel(process.address) as channel:
        health = HealthStub(channel).Watch(HealthCheckRequest(service="crossdock.v1.AccessService"))
        assert (await health.read()).status == HealthCheckResponse.SERVING
        process.terminate()
        assert (await health.read()).status == HealthCheckResponse.NOT_SERVING

        request = CreateTenantRequest()
        request.tenant.external_id = "late"
        await AccessServiceStub(channel).CreateTenant(request, metadata=system)

    assert await process.ended(GRACE + PATIENCE) == 0


async def test_the_next_instance_serves_while_the_last_one_goes(
    start: Start, system: Metadata, settings: Settings
) -> None:
    """A rolling change of two instances behind a client that knows both: no call fails."""
    first, second = await start(), await start()
    made: list[str] = []
    outcomes: Counter[str] = Counter()
    stop = asyncio.Event()

    async def call_either(worker: int) -> None:
        addresses = f"ipv4:{first.address},{second.address}"
        policy = json.dumps(
            {
                "loadBalancingConfig": [{"round_robin": {}}],
                "healthCheckConfig": {"serviceName": ""},
                "methodConfig": [
                    {
                        "name": [{}],
                        "retryPolicy": {
                            "maxAttempts": 4,
                            "initialBackoff": "0.02s",
                            "maxBackoff": "0.2s",
                            "backoffMultiplier": 2,
                            "retryableStatusCodes": ["UNAVAILABLE"],
                        },
                    }
                ],
            }
        )
        options = (("grpc.service_config", policy), ("grpc.use_local_subchannel_pool", 1))
        async with grpc.aio.insecure_channel(addresses, options=options) as channel:
            stub = AccessServiceStub(channel)
            number = 0
            while not stop.is_set():
                number += 1
                request = CreateTenantRequest(request_id=f"r{worker}-{number}")
                request.tenant.external_id = f"r{worker}-{number}"
                try:
                    await stub.CreateTenant(request, metadata=system, timeout=60)
                except grpc.aio.AioRpcError as error:
                    outcomes[f"{error.code().name} {error.details()}"] += 1
                else:
                    made.append(request.request_id)

    callers = [asyncio.create_task(call_either(worker)) for worker in range(8)]
    await until(lambda: len(made) >= 100)
    first.terminate()
    assert await first.ended(GRACE + PATIENCE) == 0
    reached = len(made)
    await until(lambda: len(made) >= reached + 100)
    stop.set()
    await asyncio.gather(*callers)

    assert outcomes == {}
    assert len(made) == len(set(made))


async def test_an_address_that_another_process_serves_is_refused(start: Start) -> None:
    first = await start()

    with pytest.raises(AssertionError, match="is another process there"):
        await start(CROSSDOCK_GRPC=first.address)

    assert first.popen.poll() is None


async def test_metrics_are_served_where_the_ready_file_says(start: Start) -> None:
    process = await start()
    host, _, port = process.ready["metrics"].rpartition(":")

    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    body = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()

    assert "crossdock_ready 1.0" in body
    assert "crossdock_default_partition_rows" in body
