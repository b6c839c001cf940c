import json

import pytest

from tests.cli.conftest import Skipcart
from tests.cli.running_hubs import RunningHub, crossdock

NO_DELIVERY = "dlv_01jt8k2v4mfz9r5s7w3x6y0abc"


def test_a_newcomer_needs_no_flags_and_is_told_why(hub: RunningHub, delivery_id: str) -> None:
    done = hub.crossdock("deliveries", "list")

    assert done.returncode == 0
    assert delivery_id in done.stdout
    assert "using the demo account of the hub at" in done.stderr
    assert hub.ready["account_token"] not in done.stdout + done.stderr


def test_a_broken_rule_is_told_once(hub: RunningHub) -> None:
    done = hub.crossdock("subscriptions", "create", "nowhere")

    assert done.returncode == 2
    assert done.stderr.count("subscription.url") == 1
    assert "is no http or https address" in done.stderr


def test_flags_are_enough_without_a_folder(hub: RunningHub, delivery_id: str) -> None:
    flags = ("--server", hub.ready["grpc"], "--token", hub.ready["account_token"])

    done = crossdock("deliveries", "show", delivery_id, *flags, CROSSDOCK_DATA_DIR="/nowhere")

    assert (done.returncode, done.stderr) == (0, "")
    assert "Trey Johnson" in done.stdout


def test_the_demo_token_is_not_sent_to_another_hub(hub: RunningHub) -> None:
    done = hub.crossdock("deliveries", "list", "--server", "127.0.0.1:1")

    assert done.returncode == 2
    assert "no token" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "named"),
    [
        (("deliveries", "list", "--token", "xd_…"), {}, "--token"),
        (("tenants", "list"), {"CROSSDOCK_SYSTEM_TOKEN": "…"}, "CROSSDOCK_SYSTEM_TOKEN"),
    ],
)
def test_a_token_that_was_left_open_is_a_usage_error(
    arguments: tuple[str, ...], environment: dict[str, str], named: str
) -> None:
    done = crossdock(*arguments, "--server", "127.0.0.1:1", **environment)

    assert done.returncode == 2
    assert named in done.stderr
    assert "printable ASCII" in done.stderr


def test_a_pipe_gets_a_line_per_thing(hub: RunningHub, delivery_id: str) -> None:
    lines = hub.crossdock("deliveries", "list", "--status", "delivered").stdout.splitlines()

    assert lines[0].split("\t")[:2] == ["id", "status"]
    assert any(line.startswith(f"{delivery_id}\tdelivered\t") for line in lines)


def test_a_delivery_explains_itself(hub: RunningHub, delivery_id: str) -> None:
    told = hub.json("deliveries", "explain", delivery_id)

    assert told["delivery"]["id"] == delivery_id
    assert all(step["because"] for step in told["steps"])
    assert told["steps"][-1]["status"] == "DELIVERY_STATUS_DELIVERED"
    shown = hub.crossdock("deliveries", "explain", "skipcart.order:237126").stdout
    assert told["summary"] in shown


def test_a_webhook_is_shown_with_headers_body_and_reading(hub: RunningHub, webhook_id: str) -> None:
    shown = hub.crossdock("webhooks", "show", webhook_id).stdout

    assert "content-type: application/json" in shown
    assert '"event_status": "delivered"' in shown
    assert "READ AS (skipcart/" in shown
    assert hub.json("webhooks", "show", webhook_id)["disposition"] == "DISPOSITION_APPLIED"


def test_the_raw_body_comes_out_as_it_came_in(hub: RunningHub, skipcart: Skipcart) -> None:
    sent = skipcart.post("raw-bytes", agg_order_id="Grüße").request.content
    webhook = hub.json("webhooks", "list")["webhooks"][0]["id"]

    assert hub.crossdock("webhooks", "show", webhook, "--raw").stdout.encode() == sent


def test_webhooks_are_listed_by_what_became_of_them(hub: RunningHub, webhook_id: str, skipcart: Skipcart) -> None:
    skipcart.post("237126")

    duplicates = hub.json("webhooks", "list", "--disposition", "duplicate")["webhooks"]

    assert webhook_id in {each["duplicateOf"] for each in duplicates}
    applied = hub.crossdock("webhooks", "list", "--disposition", "applied", "-q").stdout.split()
    assert webhook_id in applied
    assert all(each.startswith("whk_") for each in applied)


def test_an_empty_list_is_a_list(hub: RunningHub) -> None:
    assert hub.json("webhooks", "list", "--disposition", "expired") == {"webhooks": []}
    assert hub.json("deliveries", "list", "--status", "disposed") == {"deliveries": []}


@pytest.mark.parametrize("flags", [(), ("--as-stored",), ("--dry-run",)])
def test_a_replay_applies_nothing_twice(
    hub: RunningHub, delivery_id: str, webhook_id: str, flags: tuple[str, ...]
) -> None:
    before = hub.json("deliveries", "show", delivery_id)

    replayed = hub.json("webhooks", "replay", webhook_id, *flags)["webhooks"]

    assert [each["id"] for each in replayed] == [webhook_id]
    assert hub.json("deliveries", "show", delivery_id)["lastEventNumber"] == before["lastEventNumber"]


def test_credentials_for_pictures_are_told_and_never_shown(hub: RunningHub) -> None:
    source = hub.json("sources", "list")["sources"][0]["id"]
    told = ("--host", "api.carrier.example", "--header", "Authorization")

    done = hub.crossdock("sources", "fetch", source, *told, CROSSDOCK_FETCH_VALUE="Key canary")
    shown = hub.json("sources", "show", source)
    forgotten = hub.json("sources", "fetch", source)

    assert done.returncode == 0, done.stderr
    assert "canary" not in done.stdout + done.stderr
    assert (shown["fetchHosts"], shown["fetchHeaders"]) == (["api.carrier.example"], [{"name": "authorization"}])
    assert "fetchHosts" not in forgotten


def test_what_cannot_be_read_is_not_replayed(hub: RunningHub) -> None:
    import httpx

    url = hub.ready["sources"]["skipcart"]["url"]
    assert httpx.post(url, content=b"{not json", timeout=60).status_code == 200
    malformed = hub.json("webhooks", "list", "--disposition", "malformed")["webhooks"][0]["id"]

    done = hub.crossdock("webhooks", "replay", malformed)

    assert done.returncode == 1
    assert f"{malformed}: it cannot be read" in done.stderr


def test_a_token_is_told_once_and_ends_when_revoked(hub: RunningHub) -> None:
    made = hub.json("tokens", "create", "Dashboard", "--scope", "events_read,deliveries_read", "--expires", "30d")

    listed = {each["id"]: each for each in hub.json("tokens", "list")["tokens"]}
    assert made["value"] not in json.dumps(listed)
    assert set(listed[made["token"]["id"]]["scopes"]) == {"SCOPE_EVENTS_READ", "SCOPE_DELIVERIES_READ"}
    asked = hub.crossdock("tokens", "list", "--token", made["value"])
    assert asked.returncode == 4
    assert "SCOPE_MISSING" in asked.stderr
    assert hub.json("tokens", "revoke", made["token"]["id"])["tokens"][0]["revokeTime"]
    assert made["token"]["id"] not in {each["id"] for each in hub.json("tokens", "list")["tokens"]}


def test_an_operator_makes_a_tenant_and_its_first_token(hub: RunningHub) -> None:
    tenant = hub.json("tenants", "create", "acme", "--name", "Acme Groceries")

    token = hub.json("tokens", "create", "Admin", "--scope", "all", "--tenant", tenant["id"])

    assert tenant["id"] in {each["id"] for each in hub.json("tenants", "list")["tenants"]}
    assert hub.json("deliveries", "list", "--token", token["value"]) == {"deliveries": []}
    twice = hub.crossdock("tenants", "create", "acme")
    assert twice.returncode == 6
    assert "DUPLICATE_ID" in twice.stderr


def test_a_source_is_made_shown_and_rotated(hub: RunningHub) -> None:
    made = hub.json("sources", "create", "evermile", "--scheme", "standard-webhooks", "--name", "Evermile EU")
    rotated = hub.json("sources", "rotate", made["id"], "--overlap", "1h")

    assert made["secrets"][0]["value"] != rotated["secrets"][0]["value"]
    shown = hub.json("sources", "show", made["id"])
    assert [secret.get("value") for secret in shown["secrets"]] == [None, None]
    assert made["id"] in hub.crossdock("sources", "list", "--dialect", "evermile").stdout


def test_health_is_an_exit_code(hub: RunningHub) -> None:
    assert hub.json("health") == {"server": hub.ready["grpc"], "status": "SERVING"}
    assert crossdock("health", "--server", "127.0.0.1:1").returncode == 5


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("deliveries", "show", NO_DELIVERY), 3, "NOT_FOUND"),
        (("webhooks", "replay", "whk_nonsense"), 3, "NOT_FOUND"),
        (("deliveries", "list", "--token", "xd_forged"), 4, "TOKEN_INVALID"),
        (("deliveries", "list", "--server", "127.0.0.1:1", "--token", "x"), 5, "no hub answers at 127.0.0.1:1"),
        (("deliveries", "list", "--status", "gone"), 2, "delivered"),
        (("deliveries", "list", "--since", "yesterday"), 2, "--since"),
        (("tokens", "create", "T", "--level", "location", "--scope", "orders_read"), 2, "token.location_id"),
        (("sources", "create", "skipcart", "--scheme", "basic", "--secret", "nocolon"), 2, "user:password"),
        (("watch", "--from-start", "--since", "1h"), 2, "--cursor"),
    ],
)
def test_what_goes_wrong_is_told_in_a_line_and_an_exit_code(
    hub: RunningHub, arguments: tuple[str, ...], code: int, told: str
) -> None:
    done = hub.crossdock(*arguments)

    assert done.returncode == code
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
