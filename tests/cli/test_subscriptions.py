import pytest

from tests.cli.conftest import Skipcart
from tests.cli.running_hubs import RunningHub, eventually

NOWHERE = "https://subscriber.invalid/hook?key=1"


@pytest.fixture(scope="module")
def subscription_id(hub: RunningHub) -> str:
    """A subscription whose endpoint does not exist."""
    made = hub.json("subscriptions", "create", NOWHERE, "--name", "a shop", "--status", "delivered",
                    "--header", "X-Api-Key: canary")  # fmt: skip
    assert made["secrets"][0]["value"].startswith("whsec_")
    return str(made["id"])


def test_a_secret_is_told_once(hub: RunningHub, subscription_id: str) -> None:
    shown = hub.crossdock("subscriptions", "show", subscription_id)
    rotated = hub.crossdock("subscriptions", "rotate", subscription_id, "--overlap", "1h")

    assert "whsec_" not in shown.stdout
    assert "x-api-key" in shown.stdout
    assert "canary" not in shown.stdout
    assert rotated.stdout.count("whsec_") == 1
    assert "not shown again" in rotated.stderr
    assert "until" in rotated.stdout


def test_one_is_found_by_its_state_and_paused_and_resumed(hub: RunningHub, subscription_id: str) -> None:
    paused = hub.crossdock("subscriptions", "pause", subscription_id, "--reason", "new till")
    listed = hub.crossdock("subscriptions", "list", "--state", "paused").stdout
    resumed = hub.json("subscriptions", "resume", subscription_id)

    assert "new till" in paused.stdout
    assert subscription_id in listed
    assert resumed["state"] == "SUBSCRIPTION_STATE_ACTIVE"


def test_a_test_that_comes_to_nothing_says_why_and_ends_with_1(hub: RunningHub, subscription_id: str) -> None:
    done = hub.crossdock("subscriptions", "test", subscription_id)

    assert done.returncode == 1
    assert "unreachable" in done.stdout
    assert "subscriber.invalid has no address" in done.stdout


def test_what_failed_is_listed_and_sent_again(hub: RunningHub, subscription_id: str, skipcart: Skipcart) -> None:
    skipcart.post("told-to-nobody")

    tried = eventually(lambda: [
        each for each in hub.json("subscriptions", "attempts", subscription_id)["attempts"] if "eventId" in each
    ])  # fmt: skip
    shown = hub.crossdock("subscriptions", "attempts", subscription_id, "--outcome", "unreachable").stdout
    stats = hub.crossdock("subscriptions", "stats", subscription_id).stdout
    again = hub.json("subscriptions", "redeliver", subscription_id, tried[0]["eventId"])

    assert tried[0]["url"] == "https://subscriber.invalid/hook"
    assert tried[0]["eventId"] in shown
    assert "failed tries in 24 hours" in stats
    assert again["messageId"] == tried[0]["eventId"]
    assert "will send" in hub.crossdock("subscriptions", "redrive", subscription_id).stdout
    would = hub.crossdock("subscriptions", "replay", subscription_id, "--since", "1h", "--dry-run").stdout
    assert would.startswith("would send")
    assert would != "would send  0 events\n"


def test_events_are_pulled_until_they_are_acknowledged(hub: RunningHub, skipcart: Skipcart) -> None:
    made = hub.json("subscriptions", "create", "--passive", "--status", "delivered")["id"]
    skipcart.post("to-be-pulled")

    pulled = hub.crossdock("subscriptions", "pull", made, "--wait", "30")
    again = hub.json("subscriptions", "pull", made)
    acknowledged = hub.json("subscriptions", "acknowledge", made, again["nextCursor"])
    rest = hub.crossdock("subscriptions", "pull", made)

    assert pulled.stdout.count("→ delivered") == 1
    assert f"acknowledge {made} {again['nextCursor']}" in pulled.stderr
    assert [each["event"]["status"] for each in again["events"]] == ["DELIVERY_STATUS_DELIVERED"]
    assert acknowledged["cursor"] == again["nextCursor"]
    assert (rest.returncode, rest.stdout) == (0, "")


def test_who_changes_something_can_be_spared_its_echo(hub: RunningHub) -> None:
    made = hub.json("subscriptions", "create", "--passive", "--spare-echo")

    assert made["spareEcho"] is True
    hub.crossdock("subscriptions", "delete", made["id"])


def test_a_subscription_can_be_removed(hub: RunningHub) -> None:
    made = hub.json("subscriptions", "create", "--passive")["id"]

    assert "(pulled)" in hub.crossdock("subscriptions", "show", made).stdout
    assert hub.crossdock("subscriptions", "delete", made).returncode == 0
    assert hub.crossdock("subscriptions", "show", made).returncode != 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", NOWHERE, "--header", "nonsense"), "is not 'Name: value'"),
        (("create", NOWHERE, "--role", "king"), "is not one of"),
        (("replay", "sub_01jt8k2v4mfz9r5s7w3x6y0abc"), "say one of --since and --cursor"),
        (("create", "https://127.0.0.1/hook"), "ADDRESS_NOT_ALLOWED"),
    ],
)
def test_what_cannot_be_is_said(hub: RunningHub, arguments: tuple[str, ...], told: str) -> None:
    done = hub.crossdock("subscriptions", *arguments)

    assert done.returncode != 0
    assert told in done.stderr
