"""No two programs of one hub get the same port."""

from pathlib import Path

import pytest

from cli.hub.addresses import Address
from cli.hub.local_hub import LocalHub, Plan
from cli.hub.problems import HubNotStarted

ANY = Address("127.0.0.1", 0)


@pytest.fixture
def hub(tmp_path: Path) -> LocalHub:
    return LocalHub(Plan(tmp_path, grpc=Address("127.0.0.1", 7411), http=ANY))


async def test_what_stands_beside_grpc_does_not_take_the_port_of_http(hub: LocalHub) -> None:
    http = hub._reserve(ANY, "--http")
    simulator = hub._reserve_beside(Address("127.0.0.1", http.port + 1), -1)
    await hub.stop()

    assert simulator.port != http.port


async def test_one_port_for_both_is_refused(hub: LocalHub) -> None:
    grpc = hub._reserve(ANY, "--grpc")
    with pytest.raises(HubNotStarted, match=f"--http 127.0.0.1:{grpc.port}: --grpc has port {grpc.port} already"):
        hub._reserve(grpc, "--http")
    await hub.stop()
