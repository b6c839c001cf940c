"""Commands over TLS: what they must be told, and what they say when it fails."""

import asyncio
from pathlib import Path

import pytest

from services.config import Settings
from services.server import Server
from tests.cli.running_hubs import crossdock
from tests.services.carriers import certificates

VARIABLES = {kind: f"CROSSDOCK_SERVICES_TLS_{kind.upper()}" for kind in ("authority", "key", "certificate")}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Authority, key and certificate of the services, and of a client that they trust."""
    for name in ("localhost", "client"):
        for kind, pem in zip(VARIABLES, certificates.make(name), strict=True):
            (tmp_path / f"{name}.{kind}").write_bytes(pem)
    return tmp_path


@pytest.fixture
def settings(settings: Settings, files: Path) -> Settings:
    told = {"tls_certificate": files / "localhost.certificate", "tls_key": files / "localhost.key"}
    return settings.model_copy(
        update={"grpc": "localhost:0", "tls_client_authority": files / "client.authority", **told}
    )


async def listing(server: Server, **environment: str) -> tuple[int, str]:
    """Exit code and complaint of a command with a token that nobody knows."""
    arguments = ("deliveries", "list", "--token", "xd_unknown", "--server", server.address, "--tls")
    done = await asyncio.to_thread(crossdock, *arguments, **environment)
    return done.returncode, done.stderr


def told(files: Path, authority: str = "localhost", client: str = "client") -> dict[str, str]:
    """The environment of a command that trusts the one and shows the other; nobody leaves that out."""
    shown = {VARIABLES[kind]: str(files / f"{client}.{kind}") for kind in ("key", "certificate")} if client else {}
    return {VARIABLES["authority"]: str(files / f"{authority}.authority"), **shown}


async def test_with_the_right_files_the_hub_is_reached(server: Server, files: Path) -> None:
    code, complaint = await listing(server, **told(files))

    assert (code, "TOKEN_INVALID" in complaint) == (4, True), complaint


async def test_a_hub_that_is_not_trusted_is_told_apart_from_one_that_is_not_there(server: Server, files: Path) -> None:
    code, complaint = await listing(server, **told(files, authority="client"))

    assert code == 5
    assert f"{server.address} answers, but TLS fails: " in complaint


async def test_a_file_that_cannot_be_read_is_named(server: Server, files: Path) -> None:
    code, complaint = await listing(server, **told(files, authority="nobody"))

    assert code == 2
    assert VARIABLES["authority"] in complaint
    assert "No such file" in complaint


async def test_half_a_pair_is_refused(server: Server, files: Path) -> None:
    environment = told(files)
    del environment[VARIABLES["key"]]

    code, complaint = await listing(server, **environment)

    assert code == 2
    assert "go together" in complaint
