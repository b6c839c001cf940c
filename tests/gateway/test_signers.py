import base64
import hashlib
import hmac
import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import standardwebhooks.webhooks
import svix.webhooks
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import signers
from gateway.dialects.outbound import Message, Signer
from gateway.verifiers import Refused, Scheme, SourceAuth, Verified, verify
from tests.gateway.javascript.programs import node

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"old key of thirty-two bytes long").decode()
FOREIGN_SECRET = "whsec_" + base64.b64encode(b"a key of another hub altogether!").decode()
BODIES = {
    "empty": b"",
    "small": b'{"a": 1}',
    "emoji": '{"note": "\U0001f4a5 \u202e é"}'.encode(),
    "20kB": json.dumps({"text": "x" * 20_000}).encode(),
}
FAMILIES: dict[str, Signer] = {"webhook": signers.standard_webhooks, "svix": signers.svix}


def message(body: bytes, message_id: str = "evt_01h455vb4pex5vsknk084sn02q") -> Message:
    return Message(message_id, datetime.now(UTC), body)


def as_asgi(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers]


def verifies(library: Any, secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        library.Webhook(secret).verify(body.decode(), headers)
    except library.WebhookVerificationError:
        return False
    except json.JSONDecodeError:
        return True  # they parse what they verified, and an empty body is no JSON
    return True


@pytest.mark.parametrize("library", [svix.webhooks, standardwebhooks.webhooks], ids=["svix", "standardwebhooks"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("known", [SECRET, OLD_SECRET], ids=["newest", "older"])
def test_the_official_python_libraries_verify_it_with_either_live_secret(library: Any, body: bytes, known: str) -> None:
    families = ["webhook", "svix"] if library is svix.webhooks else ["webhook"]

    for family in families:
        headers = dict(FAMILIES[family](message(body), [SECRET, OLD_SECRET]))

        assert len(headers[f"{family}-signature"].split(" ")) == 2
        assert verifies(library, known, body, headers)
        assert not verifies(library, FOREIGN_SECRET, body, headers)
        assert not verifies(library, known, body + b" ", headers)


@pytest.fixture(scope="module")
def javascript() -> Callable[[list[dict[str, Any]]], list[str]]:
    """Asks the libraries of npm."""
    command = node("webhooks.mjs")

    def ask(questions: list[dict[str, Any]]) -> list[str]:
        lines = "".join(json.dumps(each) + "\n" for each in questions)
        run = subprocess.run(command, input=lines, capture_output=True, text=True, check=True, timeout=60)
        return run.stdout.splitlines()

    return ask


def test_the_official_javascript_libraries_say_the_same(javascript: Any) -> None:
    asked: list[dict[str, Any]] = [
        {
            "library": library,
            "secret": secret,
            "headers": dict(FAMILIES[family](message(body), [SECRET, OLD_SECRET])),
            "body": base64.b64encode(body + altered).decode(),
        }
        for library, family in (("svix", "svix"), ("svix", "webhook"), ("standardwebhooks", "webhook"))
        for secret in (SECRET, OLD_SECRET, FOREIGN_SECRET)
        for body in BODIES.values()
        for altered in (b"", b" ")
    ]

    answers = javascript(asked)

    assert len(answers) == len(asked)
    for question, answer in zip(asked, answers, strict=True):
        fits = question["secret"] != FOREIGN_SECRET and not base64.b64decode(question["body"]).endswith(b" ")
        assert answer == ("verified" if fits else "No matching signature found")


def test_what_the_official_javascript_libraries_sign_is_what_we_sign(javascript: Any) -> None:
    told = [message(body) for body in BODIES.values()]
    asked = [
        {
            "library": library,
            "secret": SECRET,
            "id": each.id,
            "seconds": int(each.time.timestamp()),
            "body": base64.b64encode(each.body).decode(),
        }
        for library in ("svix", "standardwebhooks")
        for each in told
    ]

    answers = javascript(asked)

    assert answers == [dict(signers.svix(each, [SECRET]))["svix-signature"] for each in told] * 2
    for each, signature in zip(told, answers, strict=False):
        second = str(int(each.time.timestamp()))
        headers = [("svix-id", each.id), ("svix-timestamp", second), ("svix-signature", signature)]
        source = SourceAuth(Scheme.STANDARD_WEBHOOKS, (SECRET,))
        verified = verify(
            source, headers=as_asgi(headers), body=each.body, path_secret=None, peer="203.0.113.7", now=float(second)
        )
        assert verified == Verified(0, each.id)


@settings(deadline=None)
@given(body=st.binary(max_size=200), message_id=st.from_regex(r"[A-Za-z0-9_]{1,64}", fullmatch=True))
def test_our_own_verifier_takes_what_we_sign(body: bytes, message_id: str) -> None:
    told = message(body, message_id)
    hex_auth = SourceAuth(Scheme.HMAC_HEADER, ("client secret",))
    fixed = SourceAuth(Scheme.AUTHORIZATION, ("Bearer abc",))

    def check(auth: SourceAuth, headers: list[tuple[str, str]], sent: bytes = body) -> Verified | Refused:
        return verify(
            auth, headers=as_asgi(headers), body=sent, path_secret=None, peer="203.0.113.7", now=told.time.timestamp()
        )

    for sign in FAMILIES.values():
        headers = sign(told, [SECRET, OLD_SECRET])
        assert check(SourceAuth(Scheme.STANDARD_WEBHOOKS, (SECRET,)), headers) == Verified(0, message_id)
        assert check(SourceAuth(Scheme.STANDARD_WEBHOOKS, (OLD_SECRET,)), headers) == Verified(0, message_id)
        assert isinstance(check(SourceAuth(Scheme.STANDARD_WEBHOOKS, (SECRET,)), headers, body + b"."), Refused)
    assert check(hex_auth, signers.hubrise(told, ["client secret"])) == Verified(0)
    assert isinstance(check(hex_auth, signers.hubrise(told, ["client secret"]), body + b"."), Refused)
    assert check(fixed, signers.authorization(told, ["Bearer abc"])) == Verified(0)


def test_the_newest_secret_alone_signs_where_there_is_room_for_one() -> None:
    body = BODIES["emoji"]
    by_hand = hmac.new(b"new", body, hashlib.sha256).hexdigest()

    assert signers.hubrise(message(body), ["new", "old"]) == [("x-hubrise-hmac-sha256", by_hand)]
    assert signers.authorization(message(body), ["Basic bmV3", "old"]) == [("authorization", "Basic bmV3")]


@pytest.mark.parametrize("sign", [*FAMILIES.values(), signers.hubrise, signers.authorization])
@pytest.mark.parametrize("secrets", [[], [""]])
def test_nothing_goes_out_unsigned(sign: Signer, secrets: list[str]) -> None:
    with pytest.raises(signers.UnusableSecret):
        sign(message(b"{}"), secrets)


@pytest.mark.parametrize("secret", ["whsec_", "not base64!", "whsec_é"])
def test_a_secret_that_is_no_key_signs_nothing_and_is_not_quoted(secret: str) -> None:
    for sign in FAMILIES.values():
        with pytest.raises(signers.UnusableSecret) as refused:
            sign(message(b"{}"), [secret])
        assert secret not in str(refused.value)


@pytest.mark.parametrize("value", ["two\r\nlines", " spaces ", "é", "tab\tbed"])
def test_an_authorization_that_is_no_header_value_is_refused(value: str) -> None:
    with pytest.raises(signers.UnusableSecret):
        signers.authorization(message(b"{}"), [value])
