import json
import subprocess
from pathlib import Path
from typing import Any

from cli.hub.folders import usual_data_dir
from cli.hub.welcome import lines

READY: dict[str, Any] = {
    "grpc": "127.0.0.1:7411",
    "http": "http://127.0.0.1:8080",
    "account_token": "xd_1",
    "simulator": {"grpc": "127.0.0.1:7410", "key": "k"},
    "sources": {"skipcart": {"url": "http://127.0.0.1:8080/webhooks/skipcart/src_1/secret"}},
}


def test_commands_are_told_where_an_unusual_folder_is() -> None:
    said = lines(READY, Path("/srv/a hub"), secrets=True)

    assert "  CROSSDOCK_DATA_DIR='/srv/a hub' crossdock deliveries list" in said
    assert "  crossdock deliveries list" in lines(READY, usual_data_dir(), secrets=True)


def test_simulated_carriers_are_told_of_where_there_are_any() -> None:
    without = {name: value for name, value in READY.items() if name != "simulator"}

    assert "  crossdock simulate run A-1002 --pace 60" in lines(READY, usual_data_dir(), secrets=True)
    assert "simulate" not in "\n".join(lines(without, usual_data_dir(), secrets=True))


def test_a_shell_finds_the_secrets_that_a_log_does_not_show(tmp_path: Path) -> None:
    folder = tmp_path / "a hub"
    folder.mkdir()
    (folder / "running.json").write_text(json.dumps(READY))
    said = lines(READY, folder, secrets=False)
    suggested = [line.strip() for line in said if line.strip().startswith(("curl", "buf"))]

    # The commands themselves only say what they were given.
    script = "curl() { echo $#; for each; do echo $each; done; }; buf() { curl $@; }\n" + "\n".join(suggested)
    told = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout

    assert READY["sources"]["skipcart"]["url"] in told
    assert "authorization: Bearer xd_1" in " ".join(told.split())
    assert "xd_1" not in "\n".join(said)
