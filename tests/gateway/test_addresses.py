import pytest

from gateway.verifiers.addresses import address_allowed, client_address, parse_networks


def test_a_network_may_be_written_mapped_but_not_wrongly() -> None:
    mapped = parse_networks(["::ffff:203.0.113.0/120"])

    assert address_allowed("203.0.113.7", mapped)
    for text in ("203.0.113.7/24", "203.0.113.0/33", "example.org", ""):
        with pytest.raises(ValueError, match=r"."):
            parse_networks([text])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.1", None, "198.51.100.1"),
        ("198.51.100.1", "203.0.113.7", "198.51.100.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "1.2.3.4, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "1.2.3.4,203.0.113.7 , 10.0.0.2", "203.0.113.7"),
        ("::ffff:10.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7:4711", "203.0.113.7"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "203.0.113.7, garbage", "unknown"),
        ("10.0.0.1", "203.0.113.7, unknown, 10.0.0.2", "unknown"),
        ("10.0.0.1", "203.0.113.7,", "unknown"),
        ("", "203.0.113.7", "unknown"),
    ],
)
def test_the_client_is_the_rightmost_address_no_trusted_proxy_has(
    peer: str, forwarded: str | None, client: str
) -> None:
    assert client_address(peer, forwarded, parse_networks(["10.0.0.0/8"])) == client
