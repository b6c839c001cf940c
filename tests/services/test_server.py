"""What stands beside the servicers: health, reflection, addresses, settings that must be refused."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
import sqlalchemy as sa
from crossdock.v1.access_service_pb2 import CreateTenantRequest, ListTenantsRequest
from crossdock.v1.access_service_pb2_grpc import AccessServiceStub
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from runtime.postgres import EmbeddedPostgres
from services.config import Settings
from services.db.engine import UnsafeDatabase
from services.registry import SERVICERS
from services.server import AddressNotServed, Server
from tests.services.answers import failure_of

Metadata = tuple[tuple[str, str], ...]
SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING


async def test_health_knows_every_service_that_is_served_and_no_other(
    server: Server, channel: grpc.aio.Channel
) -> None:
    health = HealthStub(channel)

    for name in ["", *(each.name for each in SERVICERS)]:
        assert (await health.Check(HealthCheckRequest(service=name))).status == SERVING
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health.Check(HealthCheckRequest(service="crossdock.v1.CarrierService"))

    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_reflection_lists_what_is_served(server: Server, channel: grpc.aio.Channel) -> None:
    async def requests() -> AsyncIterator[ServerReflectionRequest]:
        yield ServerReflectionRequest(list_services="")

    call = ServerReflectionStub(channel).ServerReflectionInfo(requests())
    listed = {each.name for each in (await call.read()).list_services_response.service}

    assert listed == {each.name for each in SERVICERS} | {
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }


async def test_a_second_server_on_the_same_address_is_refused(server: Server, settings: Settings) -> None:
    with pytest.raises(AddressNotServed):
        await Server.start(settings.model_copy(update={"grpc": server.address}))


async def test_several_servers_share_an_address_when_asked_to(settings: Settings) -> None:
    shared = settings.model_copy(update={"reuse_port": True})
    first = await Server.start(shared)
    second = await Server.start(shared.model_copy(update={"grpc": first.address}))

    assert first.address == second.address
    await first.stop(0)
    await second.stop(0)


async def test_a_unix_socket_is_an_address_too(settings: Settings, tmp_path: Path, system: Metadata) -> None:
    address = f"unix:{tmp_path / 'hub.sock'}"
    server = await Server.start(settings.model_copy(update={"grpc": address}))

    async with grpc.aio.insecure_channel(address) as channel:
        await AccessServiceStub(channel).ListTenants(ListTenantsRequest(), metadata=system)

    await server.stop(0)


async def test_a_database_that_forgets_is_refused(settings: Settings) -> None:
    with pytest.raises(UnsafeDatabase, match="synchronous_commit=off"):
        await Server.start(settings.model_copy(update={"allow_unsafe_commits": False}))


async def test_a_database_that_cannot_be_written_makes_not_ready_and_recovers(
    server: Server, channel: grpc.aio.Channel
) -> None:
    health = HealthStub(channel).Watch(HealthCheckRequest())
    assert (await health.read()).status == SERVING

    async with server.hub.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE probes RENAME TO away"))
    assert (await asyncio.wait_for(health.read(), 60)).status == NOT_SERVING
    async with server.hub.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE away RENAME TO probes"))

    assert (await asyncio.wait_for(health.read(), 60)).status == SERVING
    health.cancel()


async def test_while_the_database_is_down_calls_may_be_tried_again_and_then_succeed(
    settings: Settings, tmp_path: Path, system: Metadata
) -> None:
    kept = {"synchronous_commit": "on"}  # the schema must still be there afterwards
    postgres = await asyncio.to_thread(EmbeddedPostgres.start, tmp_path / "own", durable=False, settings=kept)
    await asyncio.to_thread(postgres.ensure_database, "crossdock")
    url = settings.model_validate(settings.model_dump() | {"database_url": postgres.url("crossdock")}).database_url
    server = await Server.start(settings.model_copy(update={"database_url": url}))
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub, health = AccessServiceStub(channel), HealthStub(channel).Watch(HealthCheckRequest())
        assert (await health.read()).status == SERVING
        await stub.ListTenants(ListTenantsRequest(), metadata=system)

        await asyncio.to_thread(postgres.stop_immediately)
        for number in range(20):
            request = CreateTenantRequest(request_id=f"r{number}")
            request.tenant.external_id = f"t{number}"
            failure = await failure_of(stub.CreateTenant(request, metadata=system, timeout=60))
            assert (failure.reason, len(failure.retries)) == ("UNAVAILABLE", 1)
        assert (await asyncio.wait_for(health.read(), 60)).status == NOT_SERVING

        again = await asyncio.to_thread(EmbeddedPostgres.start, tmp_path / "own", durable=False)
        assert (await asyncio.wait_for(health.read(), 60)).status == SERVING
        await stub.ListTenants(ListTenantsRequest(), metadata=system)
        health.cancel()
    await server.stop(0)
    await asyncio.to_thread(again.stop)
