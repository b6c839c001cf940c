import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cli.conftest import Skipcart
from tests.cli.running_hubs import RunningHub, eventually, surroundings


class Watcher:
    """A `crossdock watch --json`, with what it has printed."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path, errors: Path) -> None:
        self.process = process
        self._output = output
        self.errors = errors

    def events(self) -> list[dict[str, Any]]:
        whole = self._output.read_text().rpartition("\n")[0]
        return [json.loads(line)["event"] for line in whole.splitlines()]


@contextmanager
def watching(hub: RunningHub, folder: Path, *flags: str) -> Iterator[Watcher]:
    output, errors = folder / "watch.out", folder / "watch.err"
    with output.open("wb") as stdout, errors.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "watch", "--json", *flags],
            env=surroundings(CROSSDOCK_DATA_DIR=str(hub.data_dir)),
            stdout=stdout,
            stderr=stderr,
        )
    try:
        yield Watcher(process, output, errors)
    finally:
        process.kill()
        process.wait()


def test_it_goes_on_after_the_services_died_without_gap_or_duplicate(
    hub: RunningHub, skipcart: Skipcart, tmp_path: Path
) -> None:
    skipcart.post("watched-1")
    delivery = hub.json("deliveries", "show", "skipcart.order:watched-1")
    wanted = [str(number) for number in range(1, int(delivery["lastEventNumber"]) + 1)]

    with watching(hub, tmp_path, "--from-start", "--location", hub.ready["location_id"]) as watcher:
        eventually(lambda: [each for each in watcher.events() if each.get("deliveryId") == delivery["id"]])
        hub.kill_child("-m services")
        eventually(lambda: skipcart.post("watched-2").status_code == 200)
        eventually(lambda: watcher.events()[-1].get("deliveryId") != delivery["id"])
        events = watcher.events()

        watcher.process.send_signal(signal.SIGINT)
        assert watcher.process.wait(60) == 0

    assert [each["number"] for each in events if each.get("deliveryId") == delivery["id"]] == wanted
    assert len({each["id"] for each in events}) == len(events)
    told = watcher.errors.read_text()
    assert "resuming in" in told
    assert "resume with --cursor" in told


def test_filters_and_limits_end_it_where_they_say(hub: RunningHub, skipcart: Skipcart) -> None:
    skipcart.post("watched-3")
    delivery = hub.json("deliveries", "show", "skipcart.order:watched-3")["id"]

    done = hub.crossdock("watch", "--since", "1h", "--delivery", delivery, "--status", "delivered", "-n", "1", "--json")

    [line] = done.stdout.splitlines()
    assert json.loads(line)["event"]["status"] == "DELIVERY_STATUS_DELIVERED"
    cursor = json.loads(line)["cursor"]
    human = hub.crossdock("watch", "--from-start", "--delivery", delivery, "-n", "2").stdout
    assert "created" in human
    carried = hub.crossdock("watch", "--from-start", "--delivery", delivery, "--carrier", "Skipcart", "-n", "1").stdout
    assert delivery in carried
    skipcart.post("watched-4")
    after = hub.crossdock("watch", "--cursor", cursor, "--kind", "created", "-n", "1", "--json")
    assert json.loads(after.stdout)["event"]["deliveryId"] != delivery


def test_what_happens_to_a_subscription_is_told_with_its_id(hub: RunningHub) -> None:
    made = hub.json("subscriptions", "create", "https://subscriber.invalid/hook")["id"]
    hub.crossdock("subscriptions", "pause", made)

    shown = hub.crossdock("watch", "--from-start", "--kind", "subscription_changed", "-n", "1").stdout

    assert "sub_" in shown
    assert "subscription_changed" in shown
