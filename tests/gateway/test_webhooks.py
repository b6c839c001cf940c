import asyncio
import base64
import hashlib
import hmac
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import grpc
import httpx
import pytest
import standardwebhooks
import svix
from crossdock.v1 import webhook_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.server import Server
from tests.gateway.test_strict_json import CORPUS
from tests.gateway.webhook_services import (
    BODY,
    PATH_SECRET,
    UNKNOWN,
    StandIn,
    eventually,
    path_of,
    running_gateway,
    sample,
    secrets,
)

SIGNING_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def test_an_authentic_webhook_is_stored_and_thanked_in_the_dialects_words(
    services: StandIn, gateway: Server, client: httpx.AsyncClient
) -> None:
    source = services.add()

    answer = await client.post(path_of(source), content=BODY)

    assert (answer.status_code, answer.content) == (200, b'{"statusCode":200}')
    assert answer.headers["content-type"] == "application/json"
    stored = services.stored[0]
    assert (stored.source_id, stored.body, stored.dedupe_key) == (source.id, BODY, "1")
    assert stored.report.status_raw == "delivered"
    assert (stored.remote_address, stored.mapping_version) == ("127.0.0.1", "plain/1")
    assert abs(datetime.now(UTC) - stored.receive_time.ToDatetime(UTC)).total_seconds() < 600
    assert sample(gateway, "crossdock_webhooks_total", dialect="plain", disposition="applied") == 1


async def test_the_thanks_come_only_after_the_commit(services: StandIn, client: httpx.AsyncClient) -> None:
    source = services.add()
    services.gate.clear()

    posting = asyncio.create_task(client.post(path_of(source), content=BODY))
    await eventually(lambda: services.calls["ingest"] == 1)
    done, _ = await asyncio.wait([posting], timeout=0.2)
    assert not done
    services.gate.set()

    assert (await posting).status_code == 200


async def test_a_second_copy_is_thanked_like_the_first(
    services: StandIn, gateway: Server, client: httpx.AsyncClient
) -> None:
    source = services.add()

    answers = [await client.post(path_of(source), content=BODY) for _ in range(2)]

    assert [answer.content for answer in answers] == [b'{"statusCode":200}'] * 2
    assert sample(gateway, "crossdock_webhooks_total", dialect="plain", disposition="duplicate") == 1


@pytest.mark.parametrize("library", ["svix", "standardwebhooks"])
async def test_the_reference_libraries_are_understood(
    services: StandIn, client: httpx.AsyncClient, library: str
) -> None:
    source = services.add(
        auth_scheme=webhook_pb2.AUTH_SCHEME_STANDARD_WEBHOOKS, secrets=secrets(SIGNING_SECRET, "whsec_b3RoZXI=")
    )
    now = datetime.now(UTC)
    family = "svix" if library == "svix" else "webhook"
    sender = (svix if library == "svix" else standardwebhooks).Webhook(SIGNING_SECRET)
    signature = sender.sign("msg_1", now, BODY.decode())
    headers = {
        f"{family}-id": "msg_1",
        f"{family}-timestamp": str(int(now.timestamp())),
        f"{family}-signature": signature,
    }

    answer = await client.post(path_of(source, None), content=BODY, headers=headers)
    forged = await client.post(path_of(source, None), content=BODY + b" ", headers=headers)

    assert (answer.status_code, forged.status_code) == (200, 401)
    assert [(each.message_id, each.dedupe_key) for each in services.stored] == [("msg_1", "msg_1")]


async def test_a_fixed_authorization_is_understood_and_both_live_secrets_are(
    services: StandIn, client: httpx.AsyncClient
) -> None:
    source = services.add(
        auth_scheme=webhook_pb2.AUTH_SCHEME_STATIC_AUTHORIZATION, secrets=secrets("new-value", "former value")
    )

    codes = [
        (await client.post(path_of(source, None), content=BODY, headers={"Authorization": value})).status_code
        for value in ("new-value", "former value", "another", "")
    ]

    assert codes == [200, 200, 401, 401]


async def test_basic_authentication_knows_both_users_while_they_change(
    services: StandIn, client: httpx.AsyncClient
) -> None:
    source = services.add(auth_scheme=webhook_pb2.AUTH_SCHEME_BASIC, secrets=secrets("ann:one:1", "bob:two"))

    codes = [
        (await client.post(path_of(source, None), content=BODY, auth=pair)).status_code
        for pair in (("ann", "one:1"), ("bob", "two"), ("ann", "two"), ("bob", "one:1"))
    ]

    assert codes == [200, 200, 401, 401]


async def test_a_hexadecimal_hmac_is_understood(services: StandIn, client: httpx.AsyncClient) -> None:
    source = services.add(auth_scheme=webhook_pb2.AUTH_SCHEME_HMAC_HEX, hmac_header="X-Proof", secrets=secrets("key"))
    proof = hmac.digest(b"key", BODY, "sha256").hex()

    answer = await client.post(path_of(source, None), content=BODY, headers={"x-proof": proof})

    assert answer.status_code == 200
    assert ("x-proof", "[redacted]") in {(each.name, each.value) for each in services.stored[0].headers}


async def test_a_secret_that_ended_is_refused(services: StandIn, client: httpx.AsyncClient) -> None:
    ended = webhook_pb2.SourceSecret(value=PATH_SECRET, expire_time=Timestamp(seconds=1_000_000_000))
    source = services.add(secrets=[webhook_pb2.SourceSecret(value="a-newer-secret-in-the-path"), ended])

    assert (await client.post(path_of(source), content=BODY)).status_code == 401
    assert (await client.post(path_of(source, "a-newer-secret-in-the-path"), content=BODY)).status_code == 200


async def test_nobody_learns_why_a_webhook_was_refused(services: StandIn, client: httpx.AsyncClient) -> None:
    known, disabled, other = services.add(), services.add(disabled=True), services.add(dialect="other")
    far = services.add(allowed_networks=["198.51.100.0/24"])
    paths = [
        path_of(known, "another-secret-in-the-path"),
        path_of(known, None),
        path_of(disabled),
        path_of(other).replace("/other/", "/plain/"),
        path_of(far),
        f"/webhooks/plain/{UNKNOWN}/{PATH_SECRET}",
        "/webhooks/plain/src_nonsense",
        "/webhooks/plain/%00/%ff",
    ]

    answers = [await client.post(path, content=BODY, headers={"x-request-id": "the-same-for-all"}) for path in paths]

    assert [answer.status_code for answer in answers] == [401] * len(paths)
    assert len({answer.content for answer in answers}) == 1
    assert services.stored == []


async def test_a_dialect_that_is_not_served_is_404(services: StandIn, client: httpx.AsyncClient) -> None:
    answer = await client.post(f"/webhooks/nobody/{UNKNOWN}", content=BODY)

    assert answer.status_code == 404
    assert answer.json()["error"]["status"] == "NOT_FOUND"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_other_methods_are_405_and_say_which_is_allowed(
    services: StandIn, client: httpx.AsyncClient, method: str
) -> None:
    answer = await client.request(method, path_of(services.add()))

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    if method != "HEAD":
        assert answer.json()["error"]["requestId"] == answer.headers["x-request-id"]


async def test_forged_webhooks_cost_the_services_nothing(services: StandIn, client: httpx.AsyncClient) -> None:
    source = services.add()
    assert (await client.post(path_of(source), content=BODY)).status_code == 200
    before = services.calls.copy()

    answers = await asyncio.gather(
        *(client.post(path_of(source, f"forged-secret-{number}"), content=BODY) for number in range(500)),
        *(client.post(f"/webhooks/plain/src_{number}", content=BODY) for number in range(200)),
    )

    assert {answer.status_code for answer in answers} == {401}
    assert services.calls == before


async def test_an_unknown_source_is_looked_up_once_in_a_while(services: StandIn, client: httpx.AsyncClient) -> None:
    path = f"/webhooks/plain/{UNKNOWN}"

    answers = await asyncio.gather(*(client.post(path, content=BODY) for _ in range(50)))
    answers += [await client.post(path, content=BODY)]

    assert {answer.status_code for answer in answers} == {401}
    assert services.calls == {"resolve": 1}


async def test_what_proves_the_sender_is_not_sent_on(services: StandIn, client: httpx.AsyncClient) -> None:
    headers = {
        "Authorization": "Bearer canary",
        "Cookie": "session=canary",
        "X-Api-Key": "canary",
        "Svix-Signature": "v1,canary",
        "X-Any-Signature-256": "canary",
        "X-Plain": "kept",
    }

    await client.post(path_of(services.add()), content=BODY, headers=headers)

    stored = {each.name: each.value for each in services.stored[0].headers}
    assert stored["x-plain"] == "kept"
    assert stored["authorization"] == "[redacted]"
    assert "canary" not in str(services.stored[0])
    assert PATH_SECRET not in str(services.stored[0])


async def test_the_secret_in_the_path_is_in_no_log_and_no_metric(
    services: StandIn,
    client: httpx.AsyncClient,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("WARNING", "httpx")  # the sender in this test logs what it sends
    source = services.add()
    await client.post(path_of(source), content=BODY)
    await client.get(path_of(source))
    await client.post(path_of(source) + "/more", content=BODY)
    services.lost = grpc.StatusCode.UNAVAILABLE
    await client.post(path_of(source).replace(source.id, UNKNOWN), content=BODY)

    seen = (await client.get("/metrics")).text + "".join(capfd.readouterr())

    assert "/webhooks/{dialect}/{source_id}/{secret}" in seen
    assert PATH_SECRET not in seen


async def test_the_access_log_tells_source_and_outcome(
    services: StandIn, client: httpx.AsyncClient, capfd: pytest.CaptureFixture[str]
) -> None:
    source = services.add()

    await client.post(path_of(source), content=BODY)

    line = next(line for line in "".join(capfd.readouterr()).splitlines() if "delivery_id" in line)
    for word in ("plain", source.id, "applied", "dlv_1", "req-"):
        assert word in line


async def test_a_body_that_is_no_json_is_stored_byte_by_byte_and_thanked(
    services: StandIn, client: httpx.AsyncClient
) -> None:
    source = services.add()

    answer = await client.post(path_of(source), content=b'{"say": canary}')

    assert (answer.status_code, answer.content) == (200, b'{"statusCode":200}')
    stored = services.stored[0]
    assert stored.body == b'{"say": canary}'
    assert stored.malformed
    assert not stored.HasField("report")
    assert stored.dedupe_key == hashlib.sha256(stored.body).hexdigest()


async def test_json_that_is_no_message_of_the_dialect_is_stored_with_the_reason(
    services: StandIn, client: httpx.AsyncClient
) -> None:
    answer = await client.post(path_of(services.add()), content=b"[1]")

    assert answer.status_code == 200
    assert (services.stored[0].body, services.stored[0].malformed) == (b"[1]", "must be an object")


async def test_a_mistake_in_a_mapping_costs_nobody_a_message(
    services: StandIn, client: httpx.AsyncClient, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = await client.post(path_of(services.add()), content=b'{"id": 1, "say": "explode"}')

    assert answer.status_code == 200
    assert services.stored[0].malformed == "internal mapping error"
    assert services.stored[0].body == b'{"id": 1, "say": "explode"}'
    assert "a dialect could not read a webhook" in "".join(capfd.readouterr())


async def test_every_hostile_body_is_stored_if_authentic_and_refused_if_not(
    services: StandIn, client: httpx.AsyncClient
) -> None:
    source = services.add(auth_scheme=webhook_pb2.AUTH_SCHEME_STANDARD_WEBHOOKS, secrets=secrets(SIGNING_SECRET))
    bodies = [body for _, body in CORPUS if len(body) <= 1 << 20]
    assert len(bodies) >= 200

    for number, body in enumerate(bodies):
        now = datetime.now(UTC)
        unsigned = await client.post(path_of(source, None), content=body)
        assert unsigned.status_code == 401
        headers = {"svix-id": f"m{number}", "svix-timestamp": str(int(now.timestamp()))}
        headers["svix-signature"] = _signed(headers, body)
        signed = await client.post(path_of(source, None), content=body, headers=headers)
        assert (signed.status_code, signed.content) == (200, b'{"statusCode":200}'), body[:50]

    assert [each.body for each in services.stored] == bodies
    assert all(each.malformed for each in services.stored)


def _signed(headers: dict[str, str], body: bytes) -> str:
    """As the library signs, but over bytes that are no text."""
    text = f"{headers['svix-id']}.{headers['svix-timestamp']}.".encode() + body
    key = base64.b64decode(SIGNING_SECRET.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, text, "sha256")).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"svix-id": "m", "svix-timestamp": "17_12", "svix-signature": "v1,AAAA"},
        {"svix-id": "m", "svix-timestamp": "9" * 400, "svix-signature": "v1,AAAA"},
        {"svix-id": "m", "svix-timestamp": "-1", "svix-signature": "v1"},
        {"svix-id": "\xff\xfe", "svix-timestamp": "1", "svix-signature": "v1,\xff"},
        {"svix-id": "", "svix-timestamp": "", "svix-signature": ""},
        {"authorization": "Basic \xff"},
        {"content-length": "00000000000000000002"},
        {"x-request-id": "\x80" * 8000},
    ],
)
async def test_hostile_headers_are_never_our_fault(
    services: StandIn, client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    source = services.add(auth_scheme=webhook_pb2.AUTH_SCHEME_STANDARD_WEBHOOKS, secrets=secrets(SIGNING_SECRET))
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]

    answer = await client.post(path_of(source, None), content=b"{}", headers=raw)

    assert 400 <= answer.status_code < 500


async def test_many_headers_and_long_ones_are_kept_within_the_contracts_bounds(
    services: StandIn, client: httpx.AsyncClient
) -> None:
    headers = [(b"x-long", b"v" * 9_000)] + [(f"x-{number}".encode(), b"\xe9") for number in range(300)]

    answer = await client.post(path_of(services.add()), content=BODY, headers=headers)

    assert answer.status_code == 200
    assert len(services.stored[0].headers) == 200
    assert max(len(each.value) for each in services.stored[0].headers) == 8192


@pytest.mark.parametrize("known", [True, False], ids=["without credentials", "unknown source"])
async def test_nothing_is_kept_of_what_strangers_send(services: StandIn, address: str, known: bool) -> None:
    members = {"auth_scheme": webhook_pb2.AUTH_SCHEME_STATIC_AUTHORIZATION, "secrets": secrets("Token canary")}
    source = services.add(**members)
    path = path_of(source, None) if known else f"/webhooks/plain/{UNKNOWN}"

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(120):
            yield bytes(1 << 16)

    async with (
        running_gateway(address, max_body_bytes=8 << 20, body_seconds=60) as gateway,
        httpx.AsyncClient(base_url=gateway.url, timeout=60) as client,
    ):
        first = await client.post(path, content=b"what is made once is made now")
        tracemalloc.start()
        second = await client.post(path, content=pieces())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert first.status_code == second.status_code == 401
    assert peak < 4 << 20, "of seven and a half MiB that were sent"
