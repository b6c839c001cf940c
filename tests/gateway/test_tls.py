"""Gateway and services over TLS with real certificates: each is refused that does not show the right one."""

import time
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from crossdock.v1.access_pb2 import Tenant
from crossdock.v1.access_service_pb2 import CreateTenantRequest
from crossdock.v1.access_service_pb2_grpc import AccessServiceStub

from gateway.config import Settings as GatewaySettings
from services.config import Settings
from services.server import Server
from tests.gateway.webhook_services import running_gateway
from tests.services.carriers import certificates

Tls = dict[str, Any]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Authority, key and certificate of the services, of clients that they trust, and of a stranger."""
    for name in ("localhost", "gateway", "stranger"):
        for kind, pem in zip(("authority", "key", "certificate"), certificates.make(name), strict=True):
            (tmp_path / f"{name}.{kind}").write_bytes(pem)
    return tmp_path


@pytest.fixture(params=["tls", "mutual"])
def settings(request: pytest.FixtureRequest, settings: Settings, files: Path) -> Settings:
    mutual: Tls = {"tls_client_authority": files / "gateway.authority"} if request.param == "mutual" else {}
    own: Tls = {"tls_certificate": files / "localhost.certificate", "tls_key": files / "localhost.key"}
    return settings.model_copy(update={"grpc": "localhost:0", **own, **mutual})


def told(files: Path, authority: str = "localhost", client: str = "gateway") -> Tls:
    """What a gateway is told; nobody as its client's certificate leaves that out."""
    settings: Tls = {"services_tls": True, "services_tls_authority": files / f"{authority}.authority"}
    if client:
        settings["services_tls_certificate"] = files / f"{client}.certificate"
        settings["services_tls_key"] = files / f"{client}.key"
    return settings


async def status(server: Server, wanted: int, **tls: Any) -> int:
    """How ready a gateway before the services is; waits for the wanted answer, as its looks are short."""
    async with (
        running_gateway(server.address, **tls) as gateway,
        httpx.AsyncClient(base_url=gateway.url, timeout=60) as client,
    ):
        deadline = time.monotonic() + 60
        while True:
            answer = (await client.get("/readyz", timeout=60)).status_code
            if answer == wanted or time.monotonic() > deadline:
                return answer


async def test_whoever_shows_what_is_asked_for_is_served(server: Server, files: Path, system: Any) -> None:
    names = ("localhost.authority", "gateway.key", "gateway.certificate")
    credentials = grpc.ssl_channel_credentials(*((files / name).read_bytes() for name in names))

    async with grpc.aio.secure_channel(server.address, credentials) as channel:
        request = CreateTenantRequest(tenant=Tenant(external_id="acme", display_name="Acme"))
        made = await AccessServiceStub(channel).CreateTenant(request, metadata=system, timeout=60)

    assert made.tenant.external_id == "acme"
    assert await status(server, 200, **told(files)) == 200


@pytest.mark.parametrize("client", ["", "stranger"])
async def test_mutual_means_that_a_client_without_the_right_certificate_is_not_served(
    server: Server, settings: Settings, files: Path, client: str
) -> None:
    wanted = 200 if settings.tls_client_authority is None else 503

    assert await status(server, wanted, **told(files, client=client)) == wanted


async def test_services_that_another_authority_vouches_for_are_not_spoken_to(server: Server, files: Path) -> None:
    assert await status(server, 503, **told(files, authority="stranger")) == 503


async def test_nothing_is_served_in_clear_beside(server: Server) -> None:
    assert await status(server, 503) == 503


@pytest.mark.parametrize("name", ["services_tls_authority", "services_tls_certificate"])
def test_a_gateway_that_is_told_of_certificates_is_not_left_to_speak_in_clear(name: str) -> None:
    files: Tls = {name: Path("pem")} | ({"services_tls_key": Path("pem")} if name.endswith("certificate") else {})

    with pytest.raises(ValueError, match="need services_tls"):
        GatewaySettings(**files)
