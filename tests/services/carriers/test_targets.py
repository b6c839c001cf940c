"""Which addresses carriers may have: read, judged by their text, judged again by where they lead."""

from collections.abc import Sequence

import pytest

from services.carriers.targets import Allowed, NotAllowed, Target, Unreadable, read, require_allowed, resolve

NOTHING = Allowed()
OURS = Allowed.parse("carriers.internal, 10.1.0.0/16,::1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Carriers.Example.com.:443", Target("carriers.example.com", 443)),
        ("192.0.2.1:1", Target("192.0.2.1", 1)),
        ("[2001:DB8::0001]:65535", Target("2001:db8::1", 65535)),
    ],
)
def test_hosts_and_addresses_are_read(text: str, expected: Target) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "host",
        "host:",
        "host:0",
        "host:65536",
        "host:٣",
        ":443",
        "http://host:80",
        "dns:///host:443",
        "unix:///run/docker.sock",
        "ipv4:10.0.0.1:443",
        "host:443,10.0.0.1:443",
        "user@host:443",
        "ho st:443",
        "hö.example:443",
        "::1:443",
        "[::1]",
        "[fe80::1%25eth0]:443",
        "[127.0.0.1]:443",
        "2130706433:443",
        "0177.0.0.1:443",
        "0x7f000001:443",
        "127.1:443",
        "010.0.0.1:443",
    ],
)
def test_what_is_no_address_of_a_server_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text)


@pytest.mark.parametrize(
    ("text", "allowed", "plaintext", "right"),
    [
        ("carriers.example.com:443", NOTHING, False, True),
        ("carriers.example.com:443", NOTHING, True, False),
        ("8.8.8.8:443", NOTHING, False, True),
        ("127.0.0.1:443", NOTHING, False, False),
        ("localhost:443", NOTHING, False, False),
        ("metadata.google.internal:80", NOTHING, False, False),
        ("carriers.internal:80", OURS, True, True),
        ("10.1.2.3:80", OURS, True, True),
        ("10.2.0.1:443", OURS, False, False),
        ("8.8.8.8:443", OURS, True, False),
        ("[::1]:443", OURS, True, True),
    ],
)
def test_addresses_are_judged_by_their_text(text: str, allowed: Allowed, plaintext: bool, right: bool) -> None:
    if right:
        require_allowed(read(text), allowed, plaintext=plaintext)
    else:
        with pytest.raises(NotAllowed):
            require_allowed(read(text), allowed, plaintext=plaintext)


@pytest.mark.parametrize(
    "leads_to",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "10.0.0.1"],
        ["169.254.169.254"],
        ["168.63.129.16"],
        ["100.64.0.1"],
        ["0.0.0.0"],
        ["224.0.0.1"],
        ["::1"],
        ["::ffff:10.0.0.1"],
        ["64:ff9b::a00:1"],
        ["2002:a00:1::"],
        ["192.88.99.1"],
        ["192.52.193.1"],
        ["2620:4f:8000::1"],
        ["fd00::1"],
        ["fe80::1%eth0"],
    ],
)
async def test_a_name_that_leads_inside_is_not_called(leads_to: Sequence[str]) -> None:
    with pytest.raises(NotAllowed):
        await resolve(read("carriers.example.com:443"), NOTHING, plaintext=False, ask=lambda *_: answer(leads_to))


async def test_a_name_is_called_where_it_leads() -> None:
    found = await resolve(read("c.example:443"), NOTHING, plaintext=False, ask=lambda *_: answer(["8.8.8.8"]))
    assert [str(each) for each in found] == ["8.8.8.8"]

    ours = await resolve(read("c.example:443"), OURS, plaintext=True, ask=lambda *_: answer(["10.1.2.3"]))
    assert [str(each) for each in ours] == ["10.1.2.3"]

    with pytest.raises(NotAllowed):
        await resolve(read("c.example:443"), OURS, plaintext=True, ask=lambda *_: answer(["8.8.8.8"]))


async def answer(addresses: Sequence[str]) -> Sequence[str]:
    return addresses


@pytest.mark.parametrize("text", ["10.1.0.1/16", "not a host", "http://host", "host:443"])
def test_a_setting_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"does not appear to be|has host bits set"):
        Allowed.parse(text)
