import asyncio
import socket
from ipaddress import ip_network

import pytest

from gateway.egress import Allowances, BadUrl, Blocked, Egress, EgressFailed
from gateway.egress.allowances import parse_address
from gateway.egress.destinations import read_destination
from gateway.egress.gate import Gate
from runtime.addresses import is_public
from tests.gateway.egress.far_servers import NEIGHBOUR, Trap, answer, answering, far_server


def words(text: str) -> list[str]:
    """Vectors are easier to read as text than as quoted lists."""
    return text.split()


HOSTS = words("""
    127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.0.0.1 0x7f.1 0177.0.0.1 017700000001 0177.1 127.0.0.1.
    127.000.000.001 127.0.0.0x1 0 0.0.0.0 0x0 00 0.0 127.255.255.254 256.0.0.1 127.0.0.1.0 4294967297 0x
    [::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [::ffff:0:127.0.0.1]
    [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::127.0.0.1] [2002:7f00:1::]
    [2001:0:4136:e378:8000:63bf:80ff:fffe] [fe80::1] [fe80::1%25lo] [fe80::1%lo] [fc00::1] [fd00:ec2::254] [ff02::1]
    [ff01::1] [2001:db8::1] [3fff::1] [100::1] [::ffff:10.0.0.1] [::ffff:169.254.169.254] [::1 ::1 [v1.fe80]
    ①②⑦.⓪.⓪.① 127。0。0。1 ⑫⑦.1 10.0.0.1 172.16.0.1 172.31.255.255 192.168.0.1 169.254.169.254 169.254.170.2
    100.64.0.1 100.100.100.200 168.63.129.16 192.0.0.192 198.18.0.1 224.0.0.1 239.255.255.255 240.0.0.1
    255.255.255.255 192.0.2.1 203.0.113.9
""")

URLS = [
    *words("""
    https://user@127.0.0.1:{port}/ https://user:word@127.0.0.1:{port}/ https://:@127.0.0.1:{port}/
    https://public.example@127.0.0.1:{port}/ https://127.0.0.1:{port}@public.example/
    https://public.example%40127.0.0.1:{port}/ https://public.example:443:{port}/ https://127.0.0.1:0/
    https://public.example:0/ https://127.0.0.1:{port}0000/ https://127.0.0.1:-1/ https://127.0.0.1:+{port}/
    https://127.0.0.1\\@public.example:{port}/ https:\\\\127.0.0.1:{port}/ https:///127.0.0.1:{port}/
    https:127.0.0.1:{port} //127.0.0.1:{port}/ 127.0.0.1:{port} ftp://127.0.0.1:{port}/ gopher://127.0.0.1:{port}/
    file:///etc/passwd unix:///run/x.sock ws://127.0.0.1:{port}/ http+unix://%2Frun%2Fx.sock/ data:text/plain,x
    https://%31%32%37.0.0.1:{port}/ https://127%2e0.0.1:{port}/ https://loc%61lhost:{port}/
    https://#@127.0.0.1:{port}/ https://?@127.0.0.1:{port}/ https:// https://./ https://-/ https://a..b/
    https://*:{port}/
    """),
    "https://127.0.0.1\t:{port}/",
    " https://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/\r\nx: y",
    "https://\x00127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/" + "x" * 9000,
    "",
]

ADDRESSES = words("""
    127.0.0.1 127.0.0.53 0.0.0.0 10.255.0.1 172.20.0.1 192.168.1.1 169.254.169.254 100.127.255.254 224.0.0.251
    255.255.255.255 198.19.0.1 ::1 :: ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::7f00:1 64:ff9b::7f00:1 64:ff9b::808:808
    2002:7f00:1:: 2001::1 fe80::1 fe80::1%lo fd12::1 fec0::1 ff02::fb 5f00::1 4000::1
""")
"""What a name server may say; the answer is text of the resolver's, so odd spellings cannot occur."""


class Names:
    """A resolver that answers from a list, one answer per question, and keeps the questions."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str) -> list[str]:
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def test_there_are_more_than_eighty_vectors() -> None:
    assert len({*HOSTS, *URLS, *ADDRESSES}) > 80


@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_no_form_of_an_inner_address_is_connected(scheme: str, trap: Trap) -> None:
    egress = Egress(Allowances())
    outcomes = {}

    for host in HOSTS:
        with pytest.raises(EgressFailed) as failure:
            await egress.post(f"{scheme}://{host}:{trap.port}/", {}, b"x", timeout_seconds=60)
        outcomes[host] = failure.type
        assert not trap.touched, host
    await egress.close()

    assert set(outcomes.values()) == {BadUrl, Blocked}


@pytest.mark.parametrize("url", URLS)
async def test_what_is_not_plainly_a_web_address_is_not_even_looked_up(url: str, trap: Trap) -> None:
    names = Names(["127.0.0.1"])
    egress = Egress(Allowances.parse(["http://127.0.0.1"]), resolve=names)

    with pytest.raises(BadUrl):
        await egress.get(url.format(port=trap.port), {}, timeout_seconds=60, max_bytes=10)
    await egress.close()

    assert names.asked == []
    assert not trap.touched


@pytest.mark.parametrize("found", ADDRESSES)
async def test_a_name_that_leads_inside_is_blocked_whatever_else_it_leads_to(found: str, trap: Trap) -> None:
    for answers in ([found], [found, NEIGHBOUR], [NEIGHBOUR, found], [NEIGHBOUR, NEIGHBOUR, found]):
        egress = Egress(Allowances.parse([f"http://{NEIGHBOUR}"]), resolve=Names(answers))

        with pytest.raises(Blocked):
            await egress.post(f"http://inner.example:{trap.port}/", {}, b"x", timeout_seconds=60)
        await egress.close()

        assert not trap.touched, answers


async def test_a_name_that_turns_inside_after_the_check_is_not_followed(trap: Trap) -> None:
    async with far_server(answering(answer("200 OK", b"", "connection: close"))) as far:
        names = Names([NEIGHBOUR], ["127.0.0.1"])
        egress = Egress(Allowances.parse([f"http://{NEIGHBOUR}"]), resolve=names)

        first = await egress.post(f"http://turns.example:{far.port}/", {}, b"x", timeout_seconds=60)
        with pytest.raises(Blocked):
            await egress.post(f"http://turns.example:{trap.port}/", {}, b"x", timeout_seconds=60)
        await egress.close()

    assert first.status == 200
    assert names.asked == ["turns.example"] * 2, "one look-up per connection: there is no second that could differ"
    assert not trap.touched


async def test_a_name_is_not_trusted_because_its_earlier_connection_was_allowed(trap: Trap) -> None:
    async with far_server(answering(answer("200 OK", b"", "connection: close"))) as far:
        egress = Egress(Allowances.parse([f"http://{NEIGHBOUR}"]), resolve=Names([NEIGHBOUR], [NEIGHBOUR, "::1"]))
        url = f"http://turns.example:{far.port}/"

        await egress.post(url, {}, b"x", timeout_seconds=60)
        with pytest.raises(Blocked):
            await egress.post(url, {}, b"x", timeout_seconds=60)
        await egress.close()

    assert far.connections == 1


async def test_the_socket_itself_is_refused_should_anything_lead_around_the_resolver(trap: Trap) -> None:
    gate = Gate(Allowances(), Names([]))
    gate.destination.set(read_destination(f"https://public.example:{trap.port}/"))

    with pytest.raises(Blocked):
        gate.make_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", trap.port)))


async def test_requests_at_the_same_time_do_not_borrow_each_others_allowance(trap: Trap) -> None:
    async with far_server(answering(answer())) as far:
        egress = Egress(Allowances.parse(["http://known.example"]), resolve=Names([NEIGHBOUR]))

        async def outcome(host: str) -> str:
            try:
                told = await egress.post(f"http://{host}.example:{far.port}/", {}, b"x", timeout_seconds=60)
            except Blocked:
                return "blocked"
            return str(told.status)

        hosts = ["known", "stranger"] * 20
        outcomes = await asyncio.gather(*(outcome(host) for host in hosts))
        await egress.close()

    assert outcomes == ["200", "blocked"] * 20


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "223.255.255.254", "2606:4700::1111", "2a00:1450:4001:81b::200e"]
)
def test_an_ordinary_address_is_public(text: str) -> None:
    assert is_public(parse_address(text))


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_inner_address_is_not_public(text: str) -> None:
    assert not is_public(parse_address(text))


def test_what_python_calls_private_is_never_public() -> None:
    nets = ["0.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10"]
    edges = [address for net in map(ip_network, nets) for address in (net[0], net[-1])]

    assert [str(edge) for edge in edges if is_public(edge)] == []


@pytest.mark.parametrize(
    ("entry", "url", "address"),
    [
        ("hooks.internal", "https://hooks.internal/", "10.0.0.1"),
        ("Hooks.Internal:8443", "https://hooks.INTERNAL.:8443/", "10.0.0.1"),
        ("*.internal", "https://a.b.internal/", "10.0.0.1"),
        ("10.0.0.0/8", "https://anything.example/", "10.2.3.4"),
        ("10.0.0.1:9000", "https://10.0.0.1:9000/", "10.0.0.1"),
        ("fd00::/8", "https://[fd00::1]/", "fd00::1"),
        ("[fd00::]/8:9000", "https://[fd00::1]:9000/", "fd00::1"),
        ("http://localhost", "http://localhost:8080/", "127.0.0.1"),
        ("http://localhost", "https://localhost:8080/", "127.0.0.1"),
        ("http://partner.example", "http://partner.example/", "8.8.8.8"),
        ("mail.example:25", "https://mail.example:25/", "8.8.8.8"),
    ],
)
def test_an_entry_of_the_setting_opens_what_it_names(entry: str, url: str, address: str) -> None:
    refusal = Allowances.parse([entry]).refusal(read_destination(url), parse_address(address))

    assert refusal == ""


@pytest.mark.parametrize(
    ("entry", "url", "address"),
    [
        ("", "https://public.example/", "10.0.0.1"),
        ("", "http://public.example/", "8.8.8.8"),
        ("", "https://public.example:22/", "8.8.8.8"),
        ("hooks.internal", "http://hooks.internal/", "10.0.0.1"),
        ("hooks.internal:8443", "https://hooks.internal/", "10.0.0.1"),
        ("hooks.internal", "https://hooks.internal.evil.example/", "10.0.0.1"),
        ("*.internal", "https://internal/", "10.0.0.1"),
        ("*.internal", "https://notinternal/", "10.0.0.1"),
        ("10.0.0.0/8", "https://anything.example/", "192.168.0.1"),
        ("10.0.0.0/8", "https://[::ffff:10.0.0.1]/", "::ffff:10.0.0.1"),
        ("mail.example", "https://mail.example:25/", "8.8.8.8"),
    ],
)
def test_an_entry_of_the_setting_opens_nothing_else(entry: str, url: str, address: str) -> None:
    assert Allowances.parse([entry]).refusal(read_destination(url), parse_address(address))


@pytest.mark.parametrize(
    "entry", ["10.0.0.1/8", "a b", "ftp://x", "host:99999", "host:0", "fd00::1/8", "*", "x/24", "1.2"]
)
def test_an_entry_that_means_nothing_is_refused_at_the_start(entry: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Allowances.parse([entry])
