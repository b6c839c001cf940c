"""The simulated carriers of a hub as a newcomer meets them: booked as a hub books, driven by the command."""

import asyncio
import itertools
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from tests.carriers.worlds import Told
from tests.cli.running_hubs import RunningHub, eventually, surroundings

_numbers = itertools.count(1)


class Booked:
    """A booking at a carrier of the hub's simulator."""

    def __init__(self, hub: RunningHub, carrier: str) -> None:
        self.reference = f"dlv_cli_{next(_numbers)}"
        self.order = f"A-{self.reference}"
        self.id: str = asyncio.run(self._book(hub, carrier)).booking.id

    async def _book(self, hub: RunningHub, carrier: str) -> Any:
        simulator = hub.ready["simulator"]
        async with grpc.aio.insecure_channel(simulator["grpc"]) as channel:
            told = Told(channel, f"Bearer {carrier}.{simulator['key']}")
            return await told.book(self.reference, order_number=self.order)


def status_of(hub: RunningHub, reference: str) -> str:
    found: str = hub.json("deliveries", "show", reference)["status"]
    return found.removeprefix("DELIVERY_STATUS_")


def test_a_booking_is_driven_to_the_door_and_the_hub_hears_of_it(hub: RunningHub) -> None:
    booked = Booked(hub, "swift")

    done = hub.crossdock("simulate", "run", booked.order, "--pace", "20000")

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"swift drives {booked.reference}: delivered"
    assert lines[1].split()[1:3] == ["confirmed", "taken"]
    assert lines[-1] == f"{booked.reference} is delivered"
    assert status_of(hub, f"skipcart.order:{booked.id}") == "DELIVERED"


@pytest.mark.parametrize(("carrier", "scope"), [("evergreen", "evermile.order"), ("pronto", "ordatic.order")])
def test_every_carrier_posts_what_its_demo_source_believes(hub: RunningHub, carrier: str, scope: str) -> None:
    booked = Booked(hub, carrier)

    ridden = hub.json("simulate", "run", booked.id, "--pace", "20000")

    assert {each["outcome"] for each in ridden["webhooks"]} == {"WEBHOOK_OUTCOME_TAKEN"}
    assert status_of(hub, f"{scope}:{booked.id}") == "DELIVERED"


def test_a_booking_stands_still_where_it_is_told_to_and_goes_on_from_there(hub: RunningHub) -> None:
    booked = Booked(hub, "swift")
    until = hub.crossdock("simulate", "run", booked.order, "--pace", "20000", "--until", "pickup-arrived")
    before = status_of(hub, f"skipcart.order:{booked.id}")

    done = hub.crossdock("simulate", "run", booked.order, "--pace", "20000", "--scenario", "returned")

    assert (until.returncode, before) == (0, "PICKUP_ARRIVED")
    assert "confirmed" not in done.stdout
    assert done.stdout.splitlines()[-1].endswith("is returned")
    assert status_of(hub, f"skipcart.order:{booked.id}") == "RETURNED"


def test_what_is_booked_and_posted_is_listed(hub: RunningHub) -> None:
    booked = Booked(hub, "pronto")
    hub.json("simulate", "run", booked.order, "--pace", "20000")

    listed = hub.crossdock("simulate", "list", "--carrier", "pronto").stdout
    posted = hub.crossdock("simulate", "webhooks", booked.order).stdout

    row = next(line for line in listed.splitlines() if booked.reference in line).split("\t")
    assert row[1:5] == ["pronto", booked.id, booked.order, "delivered"]
    assert [line.split("\t")[2] for line in posted.splitlines()[1:]] == [
        "rider-created", "rider-picking", "rider-delivering", "rider-completed", "rider-proof-delivery",
    ]  # fmt: skip


def test_a_carrier_misbehaves_until_it_is_told_to_behave(hub: RunningHub) -> None:
    wrong = hub.crossdock("simulate", "misbehave", "pronto", "--drop-every", "1", "--lateness", "2")
    listed = hub.json("simulate", "carriers")["carriers"]
    booked = Booked(hub, "pronto")
    dropped = hub.json("simulate", "run", booked.order, "--pace", "20000")["webhooks"]
    right = hub.crossdock("simulate", "misbehave", "pronto")

    assert (wrong.stdout, right.stdout) == ("pronto misbehaves from now on\n", "pronto behaves from now on\n")
    assert {each["name"]: each.get("misbehaviour") for each in listed} == {
        "swift": None,
        "evergreen": None,
        "pronto": {"dropEvery": 1, "lateness": 2.0},
    }
    assert {each["outcome"] for each in dropped} == {"WEBHOOK_OUTCOME_DROPPED"}
    assert "misbehaviour" not in hub.json("simulate", "carriers")["carriers"][2]


def test_webhooks_that_nobody_takes_end_the_command_with_1(hub: RunningHub) -> None:
    (setting,) = [each for each in hub.json("simulate", "carriers")["carriers"] if each["name"] == "swift"]
    hub.crossdock("simulate", "configure", "swift", f"{hub.ready['http']}/nowhere")
    booked = Booked(hub, "swift")

    done = hub.crossdock("simulate", "run", booked.order, "--pace", "20000")
    again = hub.crossdock("simulate", "configure", "swift", setting["endpoint"]["url"])

    assert done.returncode == 1
    assert "given up (404)" in done.stdout
    assert again.returncode == 0


def test_a_webhook_that_is_tried_for_hours_is_told_at_its_first_refusal(hub: RunningHub, tmp_path: Path) -> None:
    (setting,) = [each for each in hub.json("simulate", "carriers")["carriers"] if each["name"] == "evergreen"]
    hub.crossdock("simulate", "configure", "evergreen", f"{hub.ready['http']}/nowhere")
    booked, shown = Booked(hub, "evergreen"), tmp_path / "shown"

    with (
        shown.open("w") as output,
        subprocess.Popen(
            [sys.executable, "-m", "cli", "simulate", "run", booked.order, "--pace", "20000"],
            stdout=output,
            env=surroundings(CROSSDOCK_DATA_DIR=str(hub.data_dir), PYTHONUNBUFFERED="1"),
        ) as riding,
    ):
        eventually(lambda: "it is tried again" in shown.read_text())
        riding.send_signal(signal.SIGINT)
    secret = hub.ready["sources"]["evermile"]["secret"]
    again = hub.crossdock("simulate", "configure", "evergreen", setting["endpoint"]["url"], "--secret", secret)

    assert riding.returncode == 0
    assert "(404): it is tried again, Ctrl-C ends the waiting" in shown.read_text()
    assert again.returncode == 0


def test_what_is_unknown_or_over_is_told_in_a_line(hub: RunningHub) -> None:
    booked = Booked(hub, "swift")
    hub.crossdock("simulate", "run", booked.order, "--pace", "20000", "--scenario", "no-driver")

    unknown = hub.crossdock("simulate", "run", "nothing")
    over = hub.crossdock("simulate", "run", booked.order)
    unreached = hub.crossdock("simulate", "list", "--simulator", "127.0.0.1:9")

    assert (unknown.returncode, over.returncode, unreached.returncode) == (3, 6, 5)
    assert "no simulated carrier has a booking 'nothing'" in unknown.stderr
    assert "it is over" in over.stderr
    assert "no simulator answers at 127.0.0.1:9" in unreached.stderr


def test_bookings_outlive_a_kill_of_the_simulator(hub: RunningHub) -> None:
    booked = Booked(hub, "swift")

    hub.kill_child("-m carriers.simulator")

    eventually(lambda: hub.crossdock("simulate", "list").returncode == 0)
    assert hub.json("simulate", "run", booked.order, "--pace", "20000")["booking"]["booking"]["id"] == booked.id


def test_a_shipment_that_nobody_carries_yet_is_told(hub: RunningHub) -> None:
    stop = {"address": {"postalAddress": {"regionCode": "US", "addressLines": ["725 Albany Street"]}}}
    shipment = {"locationId": hub.ready["location_id"], "hold": True, "consignment": {"dropoff": stop}}
    bearer = {"authorization": f"Bearer {hub.ready['account_token']}"}
    made = httpx.post(f"{hub.ready['http']}/v1/shipments", json=shipment, headers=bearer, timeout=60).json()

    done = hub.crossdock("simulate", "run", made["id"])

    assert done.returncode == 6
    assert f"{made['id']} is booked with nobody yet" in done.stderr
