import base64
import hashlib
import hmac
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import standardwebhooks
import svix.webhooks
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.verifiers import Refused, Scheme, SourceAuth, Verified, client_address, parse_networks, verify

NOW = 1_760_000_000
KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"old key of thirty-two bytes long").decode()
FOREIGN_SECRET = "whsec_" + base64.b64encode(b"a key of another source entirely").decode()
BODY = b'{"order": {"id": "o-1"}, "note": "\xf0\x9f\x98\x80"}'
SVIX = SourceAuth(Scheme.STANDARD_WEBHOOKS, (SECRET,))

Headers = list[tuple[bytes, bytes]]


def check(
    auth: SourceAuth, headers: Headers, body: bytes = BODY, path: str | None = None, **more: object
) -> Verified | Refused:
    peer, now = str(more.get("peer", "203.0.113.7")), float(str(more.get("now", NOW)))
    return verify(auth, headers=headers, body=body, path_secret=path, peer=peer, now=now)


def sign(secret: str = SECRET, message_id: str = "msg_1", at: int = NOW, body: bytes = BODY) -> str:
    return svix.webhooks.Webhook(secret).sign(message_id, datetime.fromtimestamp(at, UTC), body.decode())


def signed(
    family: str = "svix", *, signature: str | None = None, message_id: str = "msg_1", at: str = str(NOW)
) -> Headers:
    values = {"id": message_id, "timestamp": at, "signature": sign() if signature is None else signature}
    return [(f"{family}-{name}".encode(), value.encode()) for name, value in values.items()]


@pytest.mark.parametrize("family", ["svix", "webhook", "Svix", "WEBHOOK"])
@pytest.mark.parametrize("body", [b"", b"{}", BODY, b"x" * 20_000])
def test_what_the_official_libraries_sign_is_verified(family: str, body: bytes) -> None:
    theirs = {
        svix.webhooks.Webhook(SECRET).sign("msg_1", datetime.fromtimestamp(NOW, UTC), body.decode()),
        standardwebhooks.Webhook(SECRET).sign("msg_1", datetime.fromtimestamp(NOW, UTC), body.decode()),
    }

    for signature in theirs:
        assert check(SVIX, signed(family, signature=signature), body) == Verified(0, "msg_1")


def test_what_we_verify_the_official_library_verifies_too() -> None:
    now = int(time.time())
    headers = signed(signature=sign(at=now), at=str(now))

    assert isinstance(check(SVIX, headers, now=now), Verified)
    svix.webhooks.Webhook(SECRET).verify(BODY, {name.decode(): value.decode() for name, value in headers})


@pytest.mark.parametrize("secret", [SECRET, SECRET.removeprefix("whsec_"), SECRET.rstrip("="), KEY])
def test_a_secret_is_known_with_and_without_its_prefix(secret: str | bytes) -> None:
    assert check(SourceAuth(Scheme.STANDARD_WEBHOOKS, (secret,)), signed()) == Verified(0, "msg_1")


@pytest.mark.parametrize("secret", ["whsec_", "whsec_====", "not base64!", "whsec_ü", "A"])
def test_a_secret_that_is_no_key_verifies_nothing(secret: str) -> None:
    auth = SourceAuth(Scheme.STANDARD_WEBHOOKS, (secret,))
    empty = hmac.digest(b"", b"msg_1.%d." % NOW + BODY, hashlib.sha256)

    assert isinstance(check(auth, signed(signature="v1," + base64.b64encode(empty).decode())), Refused)
    assert isinstance(check(auth, signed(signature="v1,")), Refused)


def test_both_live_secrets_are_taken_while_they_are_rotated() -> None:
    auth = SourceAuth(Scheme.STANDARD_WEBHOOKS, (SECRET, OLD_SECRET))

    assert check(auth, signed()) == Verified(0, "msg_1")
    assert check(auth, signed(signature=sign(OLD_SECRET))) == Verified(1, "msg_1")
    assert isinstance(check(auth, signed(signature=sign(FOREIGN_SECRET))), Refused)


@pytest.mark.parametrize(
    "signatures",
    [
        "{bad} {good}",
        "{good} {bad}",
        "v1a,{text} {good}",
        "v2,x {good}",
        "{good} {good}",
        " {good} ",
        "junk {good}",
    ],
)
def test_one_good_signature_among_others_is_enough(signatures: str) -> None:
    good = sign()
    header = signatures.format(bad=sign(FOREIGN_SECRET), good=good, text=good[3:])

    assert isinstance(check(SVIX, signed(signature=header)), Verified)


@pytest.mark.parametrize(("seconds", "verified"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_a_message_is_good_for_five_minutes_either_way(seconds: int, verified: bool) -> None:
    at = NOW + seconds

    assert isinstance(check(SVIX, signed(signature=sign(at=at), at=str(at))), Verified) is verified


def test_two_header_families_must_say_the_same() -> None:
    other = signed("webhook", message_id="msg_2")

    assert isinstance(check(SVIX, signed("svix") + signed("webhook")), Verified)
    assert isinstance(check(SVIX, signed("svix") + other), Refused)
    assert isinstance(check(SVIX, signed("svix") + other[:1]), Refused)
    assert isinstance(check(SVIX, signed("svix")[:1] + signed("webhook")), Refused)


def test_a_repeated_header_is_refused_whatever_it_says() -> None:
    for number in range(3):
        assert isinstance(check(SVIX, [*signed(), signed()[number]]), Refused)


@pytest.mark.parametrize("message_id", ["", "a.b", "a b", "ü", "a\x00", "a\x7f", "x" * 257])
def test_an_odd_message_id_is_refused_even_if_it_is_signed(message_id: str) -> None:
    headers = signed(signature=sign(message_id=message_id), message_id=message_id)

    assert isinstance(check(SVIX, headers), Refused)


@pytest.mark.parametrize(
    "at",
    [
        "17_60000000",
        "+1760000000",
        " 1760000000",
        "1760000000 ",
        "1760000000.0",
        "1.76e9",
        "01760000000",
        "\u0661\u0667\u0666" + "\u0660" * 7,
        "0x68e7a300",
        "",
        "NaN",
        "inf",
        "-1760000000",
        "9" * 400,
    ],
)
def test_a_timestamp_is_plain_digits(at: str) -> None:
    signature = base64.b64encode(hmac.digest(KEY, b"msg_1." + at.encode() + b"." + BODY, hashlib.sha256))

    assert isinstance(check(SVIX, signed(signature="v1," + signature.decode(), at=at)), Refused)


def test_a_body_that_was_written_again_is_refused() -> None:
    assert isinstance(check(SVIX, signed(), BODY.replace(b": ", b":")), Refused)
    assert isinstance(check(SVIX, signed(), BODY + b"\n"), Refused)


def forged_signatures(chance: random.Random) -> Iterator[str]:
    good = sign()[3:]
    raw = base64.b64decode(good)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    while True:
        place, letter = chance.randrange(43), chance.choice(alphabet)
        flipped = bytearray(raw)
        flipped[chance.randrange(32)] ^= 1 << chance.randrange(8)
        changed = good[:place] + letter + good[place + 1 :]
        last = alphabet[alphabet.index(good[42]) ^ chance.choice([1, 2, 3])]
        yield "v1," + base64.b64encode(bytes(flipped)).decode()
        yield "v1," + (changed if changed != good else good[::-1])
        yield "v1," + good[: chance.randrange(44)]
        yield "v1," + good + chance.choice(["=", "A", "==", "\n", "\t", good])
        yield "v1," + good[:place] + chance.choice("!@-_ \t.,*\u00fc") + good[place:]
        yield "v1," + good[:42] + last + "="  # the same 32 bytes, in base64 that nobody writes
        yield "v1," + base64.b64encode(raw[: chance.randrange(32)]).decode()
        yield "v1," + base64.b64encode(raw + bytes(chance.randrange(1, 9))).decode()
        yield (chance.choice(["v1a", "v2", "V1", "v01", "v1 ", "", "v1,v1", "v1;", "\uff56\uff11"]) + "," + good)
        yield chance.choice(
            ["", " ", "v1", "v1,", "v1,=", ",", "v1,," + good, good, "v1," + raw.hex(), "v1,v1," + good]
        )
        yield " ".join(["v1," + good[:-1]] * chance.randrange(1, 30))
        yield " ".join(["v1,x"] * 20 + ["v1," + good])
        yield sign(FOREIGN_SECRET)
        yield sign(message_id="msg_2")
        yield sign(at=NOW + chance.choice([-301, -1, 1, 301]))
        yield sign(body=BODY + b" ")
        yield "v1," + good.swapcase()


def test_none_of_ten_thousand_forgeries_is_accepted() -> None:
    chance = random.Random(19)
    forgeries = forged_signatures(chance)
    genuine = dict(signed())
    hmac_auth = SourceAuth(Scheme.HMAC_HEADER, ("client secret",))
    digest = hmac.digest(b"client secret", BODY, hashlib.sha256).hex()
    accepted = []
    tried = 0
    while tried < 10_000:
        kind = tried % 4
        if kind < 2:
            signature = next(forgeries)
            family = chance.choice(["svix", "webhook"])
            headers = signed(family, signature=signature)
            outcome = check(SVIX, headers)
        elif kind == 2:
            name = chance.choice(list(genuine))
            value = bytearray(genuine[name])
            place = chance.randrange(len(value))
            value[place] = (value[place] + chance.randrange(1, 256)) % 256
            headers = [*{**genuine, name: bytes(value)}.items()]
            outcome = check(SVIX, headers)
        else:
            place = chance.randrange(64)
            wrong = chance.choice("0123456789abcdefg_ ".replace(digest[place], ""))
            text = chance.choice(
                [digest[:place] + wrong + digest[place + 1 :], digest[:place], digest + "0", "0x" + digest]
            )
            headers = [(b"x-hubrise-hmac-sha256", text.encode())]
            outcome = check(hmac_auth, headers)
        tried += 1
        if not isinstance(outcome, Refused):
            accepted.append(headers)

    assert isinstance(check(SVIX, signed()), Verified)
    assert isinstance(check(hmac_auth, [(b"x-hubrise-hmac-sha256", digest.encode())]), Verified)
    assert accepted == []


def test_an_authorization_value_is_compared_as_a_whole() -> None:
    auth = SourceAuth(Scheme.AUTHORIZATION, ("Bearer new-value", "old value"))

    assert check(auth, [(b"Authorization", b"Bearer new-value")]) == Verified(0)
    assert check(auth, [(b"authorization", b"old value")]) == Verified(1)
    for value in (
        b"",
        b"Bearer new-valu",
        b"Bearer new-value ",
        b"bearer new-value",
        b"new-value",
        b"OLD VALUE",
        b"\xff",
    ):
        assert isinstance(check(auth, [(b"authorization", value)]), Refused)
    assert isinstance(check(auth, []), Refused)
    assert isinstance(check(auth, [(b"authorization", b"old value")] * 2), Refused)


def test_a_secret_in_the_path_is_compared_as_a_whole() -> None:
    auth = SourceAuth(Scheme.PATH_SECRET, ("new", "old"))

    assert check(auth, [], path="new") == Verified(0)
    assert check(auth, [], path="old") == Verified(1)
    for path in (None, "", "ne", "new ", "NEW", "newold", "\ud800", "\0", "\uff4e\uff45\uff57"):
        assert isinstance(check(auth, [], path=path), Refused)


def test_a_hexadecimal_signature_is_taken_in_either_case_under_its_header() -> None:
    auth = SourceAuth(Scheme.HMAC_HEADER, ("new", "old"), header_name="X-DS-Signature")
    digests = [hmac.digest(secret, BODY, hashlib.sha256).hex() for secret in (b"new", b"old")]

    assert check(auth, [(b"x-ds-signature", digests[0].upper().encode())]) == Verified(0)
    assert check(auth, [(b"x-ds-signature", digests[1].encode())]) == Verified(1)
    assert isinstance(check(auth, [(b"x-hubrise-hmac-sha256", digests[0].encode())]), Refused)
    assert isinstance(check(auth, [(b"x-ds-signature", digests[0].encode())], BODY + b" "), Refused)
    assert isinstance(check(auth, [(b"x-ds-signature", digests[0].encode())] * 2), Refused)


def test_basic_authorization_has_one_spelling() -> None:
    auth = SourceAuth(Scheme.BASIC, ("pass:word", "old"), username="user")

    def basic(text: str, scheme: str = "Basic ") -> Headers:
        return [(b"authorization", scheme.encode() + base64.b64encode(text.encode()))]

    assert check(auth, basic("user:pass:word")) == Verified(0)
    assert check(auth, basic("user:old", "basic ")) == Verified(1)
    for text in ("user:", "user", ":old", "User:old", "user:old ", "user:old\0", ""):
        assert isinstance(check(auth, basic(text)), Refused)
    for scheme in ("Bearer ", "Basic", "Basic  ", "", "Basic\t"):
        assert isinstance(check(auth, basic("user:old", scheme)), Refused)
    assert isinstance(check(auth, [(b"authorization", basic("user:old")[0][1].rstrip(b"="))]), Refused)


def test_an_allow_list_stands_before_every_scheme_and_may_stand_alone() -> None:
    networks = parse_networks(["203.0.113.0/24", "2001:db8::/32"])
    both = SourceAuth(Scheme.PATH_SECRET, ("s",), networks)
    alone = SourceAuth(Scheme.ADDRESS, networks=networks)

    for peer in ("203.0.113.7", "::ffff:203.0.113.7", "2001:db8::1"):
        assert check(both, [], path="s", peer=peer) == Verified(0)
        assert isinstance(check(both, [], path="other", peer=peer), Refused)
        assert check(alone, [], peer=peer) == Verified()
    for peer in (
        "203.0.114.7",
        "::ffff:203.0.114.7",
        "2001:db9::1",
        "",
        "unknown",
        "203.0.113.7:80",
        "203.0.113",
        "\u0662\u0660\u0663.0.113.7",
        "a" * 999,
    ):
        assert isinstance(check(both, [], path="s", peer=peer), Refused)
        assert isinstance(check(alone, [], peer=peer), Refused)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scheme": Scheme.PATH_SECRET},
        {"scheme": Scheme.PATH_SECRET, "secrets": ("",)},
        {"scheme": Scheme.AUTHORIZATION, "secrets": ("a", "b", "c")},
        {"scheme": Scheme.ADDRESS},
        {"scheme": Scheme.BASIC, "secrets": ("a",), "username": "a:b"},
    ],
)
def test_a_source_that_anybody_could_be_cannot_be_made(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        SourceAuth(**wrong)  # type: ignore[arg-type]


def test_secrets_do_not_show_when_a_source_is_printed() -> None:
    assert "s3cret" not in repr(SourceAuth(Scheme.PATH_SECRET, ("s3cret",)))


names = st.sampled_from(
    [
        b"svix-id",
        b"svix-timestamp",
        b"svix-signature",
        b"webhook-id",
        b"webhook-signature",
        b"webhook-timestamp",
        b"authorization",
        b"x-hubrise-hmac-sha256",
    ]
) | st.binary(max_size=20)
values = st.binary(max_size=80) | st.sampled_from([value for _, value in signed()])


@settings(max_examples=300)
@given(
    st.sampled_from(Scheme),
    st.lists(st.tuples(names, values), max_size=8),
    st.binary(),
    st.text() | st.none(),
    st.text(),
)
def test_nothing_that_is_sent_raises(
    scheme: Scheme, headers: Headers, body: bytes, path: str | None, peer: str
) -> None:
    secrets = () if scheme is Scheme.ADDRESS else (FOREIGN_SECRET, OLD_SECRET)
    auth = SourceAuth(scheme, secrets, parse_networks(["0.0.0.0/0", "::/0"]), username="u")

    for outcome in (check(auth, headers, body, path, peer=peer), check(auth, headers, body, path)):
        assert isinstance(outcome, Refused) or scheme is Scheme.ADDRESS
    client_address(peer, peer, auth.networks)
