import signal
import stat
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Skipcart
from tests.cli.running_hubs import RunningHub, children_of, crossdock, eventually

ANY = "127.0.0.1:0"


def healthy(hub: RunningHub) -> bool:
    try:
        return httpx.get(f"{hub.ready['http']}/readyz", timeout=60).is_success
    except httpx.TransportError:
        return False


def test_the_ready_file_tells_where_and_with_what(hub: RunningHub) -> None:
    ready = hub.ready

    assert stat.S_IMODE(hub.ready_file.stat().st_mode) == 0o600
    assert not ready["grpc"].endswith(":0")
    assert httpx.get(f"{ready['http']}/healthz", timeout=60).status_code == 200
    assert ready["location_external_id"] == "7709"
    assert {ready["tenant_id"][:4], ready["location_id"][:4]} == {"ten_", "loc_"}
    assert {ready["account_token"][:3], ready["location_token"][:3]} == {"xd_"}
    schemes = {dialect: source["scheme"] for dialect, source in ready["sources"].items()}
    assert schemes == {
        "skipcart": "PATH_SECRET",
        "evermile": "STANDARD_WEBHOOKS",
        "ordatic": "STATIC_AUTHORIZATION",
    }
    assert ready["sources"]["skipcart"]["url"].endswith(ready["sources"]["skipcart"]["path_secret"])
    assert ready["sources"]["evermile"]["secret"].startswith("whsec_")
    assert ready["sources"]["ordatic"]["authorization"]
    assert all(source["url"].startswith(ready["http"]) for source in ready["sources"].values())


@pytest.mark.parametrize("dialect", ["skipcart", "evermile", "ordatic"])
def test_what_a_demo_source_sends_starts_deliveries_of_the_demo_location(hub: RunningHub, dialect: str) -> None:
    source = hub.json("sources", "show", hub.ready["sources"][dialect]["id"])

    assert source["dialect"] == dialect
    assert source["locationId"] == hub.ready["location_id"]
    assert source["unknownTargetPolicy"] == "UNKNOWN_TARGET_POLICY_CREATE"


def test_what_is_printed_into_a_log_has_no_secret(hub: RunningHub) -> None:
    printed = hub.output.read_text() + hub.errors.read_text()

    assert hub.ready["grpc"] in printed
    assert "curl -d" in printed
    for secret in (
        hub.ready["account_token"],
        hub.ready["sources"]["skipcart"]["path_secret"],
        hub.ready["simulator"]["key"],
    ):
        assert secret not in printed


@pytest.mark.parametrize("program", ["-m services", "-m gateway", "-m carriers.simulator", "postgres"])
def test_what_is_killed_comes_back_at_the_same_address(hub: RunningHub, skipcart: Skipcart, program: str) -> None:
    hub.kill_child(program)

    eventually(lambda: healthy(hub))
    order = f"after-{program[-8:]}"
    assert eventually(lambda: skipcart.post(order).status_code == 200)
    assert hub.json("deliveries", "show", f"skipcart.order:{order}")["status"] == "DELIVERY_STATUS_DELIVERED"


def test_a_second_hub_on_the_same_folder_is_told_so(hub: RunningHub) -> None:
    refused = crossdock("up", "--data-dir", str(hub.data_dir), "--grpc", ANY, "--http", ANY)

    assert refused.returncode == 1
    assert f"{hub.data_dir} is in use by process {hub.process.pid}" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("flag", ["--grpc", "--http"])
def test_a_port_in_use_is_told_before_anything_starts(hub: RunningHub, free_folder: Path, flag: str) -> None:
    taken = {"--grpc": hub.ready["grpc"], "--http": hub.ready["http"].removeprefix("http://")}[flag]
    other = {"--grpc": "--http", "--http": "--grpc"}[flag]

    refused = crossdock("up", "--data-dir", str(free_folder), flag, taken, other, ANY)

    assert refused.returncode == 1
    assert f"port {taken.rpartition(':')[2]} of 127.0.0.1 is in use" in refused.stderr
    assert flag in refused.stderr
    assert not (free_folder / "postgres").exists()


@pytest.mark.parametrize("address", ["7411", "127.0.0.1:", "::1:80", "127.0.0.1:70000"])
def test_an_address_that_is_none_is_a_usage_error(free_folder: Path, address: str) -> None:
    refused = crossdock("up", "--data-dir", str(free_folder), "--grpc", address)

    assert refused.returncode == 2
    assert "--grpc" in refused.stderr


def test_a_file_that_a_killed_hub_left_leads_nobody_astray(hub: RunningHub, free_folder: Path) -> None:
    left = free_folder / "ready.json"
    free_folder.mkdir(exist_ok=True)
    left.write_text("{}")

    refused = crossdock("up", "--data-dir", str(free_folder), "--grpc", hub.ready["grpc"], "--http", ANY,
                        "--ready-file", str(left))  # fmt: skip

    assert refused.returncode == 1
    assert not left.exists()


def test_a_folder_that_is_none_is_named(free_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    refused = crossdock("up", "--data-dir", str(file), "--grpc", ANY, "--http", ANY)
    unready = crossdock("up", "--data-dir", str(free_folder), "--grpc", ANY, "--http", ANY,
                        "--ready-file", str(tmp_path / "no" / "ready.json"))  # fmt: skip

    assert refused.returncode == unready.returncode == 1
    assert refused.stderr == f"crossdock up: the data folder {file} cannot be used: File exists\n"
    assert f"there is no folder {tmp_path / 'no'}" in unready.stderr
    assert not (free_folder / "postgres").exists()


def test_a_database_that_does_not_answer_is_named_without_its_password(free_folder: Path) -> None:
    url = "postgresql://me:hush@127.0.0.1:1/orders"

    refused = crossdock("up", "--data-dir", str(free_folder), "--grpc", ANY, "--http", ANY, "--database-url", url)

    assert refused.returncode == 1
    assert "@127.0.0.1:1/orders" in refused.stderr
    assert "hush" not in refused.stdout + refused.stderr


def test_it_stops_cleanly_and_comes_back_with_the_same_demo_data(tmp_path: Path) -> None:
    first = RunningHub(tmp_path, "--workers", "2")
    children = children_of(first.process.pid)
    assert sorted(command.split()[-1] for command in children.values() if " -m " in command) == [
        "carriers.simulator", "gateway", "gateway", "services", "services",
    ]  # fmt: skip

    assert first.stop(signal.SIGINT) == 0

    assert not first.ready_file.exists()
    assert not (first.data_dir / "running.json").exists()
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
    again = RunningHub(tmp_path)
    try:
        names = ("tenant_id", "account_token", "location_id", "location_token")
        assert {name: again.ready[name] for name in names} == {name: first.ready[name] for name in names}
        secrets = [hub.ready["sources"]["evermile"]["secret"] for hub in (first, again)]
        assert secrets[0] == secrets[1]
        assert len(again.json("sources", "list")["sources"]) == 3
    finally:
        assert again.stop() == 0


def test_a_lost_key_is_not_replaced_silently(free_folder: Path) -> None:
    (free_folder / "postgres" / "cluster").mkdir(parents=True)

    refused = crossdock("up", "--data-dir", str(free_folder), "--grpc", ANY, "--http", ANY)

    assert refused.returncode == 1
    assert "keys.json is missing" in refused.stderr
