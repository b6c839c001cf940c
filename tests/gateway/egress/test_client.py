import asyncio
import gzip
import json
import socket
import ssl
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.egress import Allowances, BadHeader, Egress, TimedOut, TooLarge, Unreachable
from tests.gateway.egress.far_servers import (
    NEIGHBOUR,
    FarServer,
    Trap,
    answer,
    answering,
    far_server,
    read_request,
)

MIB, GIB = 1 << 20, 1 << 30
LONG = 60.0


async def post(egress: Egress, far: FarServer, *, repeatable: bool = False) -> str:
    url = f"http://{NEIGHBOUR}:{far.port}/hook"
    return (await egress.post(url, {"x-a": "b"}, b"body", timeout_seconds=LONG, repeatable=repeatable)).excerpt


async def test_a_post_arrives_as_it_was_given_and_its_answer_comes_back(egress: Egress) -> None:
    heard: list[tuple[bytes, bytes]] = []
    said = answer("418 I'm a teapot", b"short \xff and\x00 stout", "Retry-After: 7", "Set-Cookie: a=b", "ETag: e")
    async with far_server(answering(said, heard)) as far:
        told = await egress.post(
            f"http://{NEIGHBOUR}:{far.port}/hook%2Fa?b=%20&c=d+e",
            {"Content-Type": "application/json", "webhook-id": "msg_1"},
            b'{"a": 1}',
            timeout_seconds=LONG,
        )

    head, body = heard[0]
    assert head.startswith(b"POST /hook%2Fa?b=%20&c=d+e HTTP/1.1\r\n")
    lines = head.lower().split(b"\r\n")
    assert {b"content-type: application/json", b"webhook-id: msg_1", b"accept-encoding: identity"} <= set(lines)
    assert body == b'{"a": 1}'
    assert (told.status, told.complete) == (418, True)
    assert told.headers == {"retry-after": "7", "etag": "e"}
    assert told.excerpt == "short \ufffd and\ufffd stout"
    assert told.latency_seconds > 0


async def test_one_connection_carries_many_posts_and_no_cookies(egress: Egress) -> None:
    heard: list[tuple[bytes, bytes]] = []
    async with far_server(answering(answer("200 OK", b"x" * 5000, "set-cookie: a=b"), heard)) as far:
        for _ in range(50):
            await post(egress, far)

        assert far.connections == 1
    assert len(heard) == 50
    assert not any(b"cookie" in head.lower() for head, _ in heard)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_an_answer_and_not_an_order(status: str, egress: Egress, trap: Trap) -> None:
    for target in (f"http://127.0.0.1:{trap.port}/", f"//127.0.0.1:{trap.port}/", f"https://[::1]:{trap.port}/"):
        async with far_server(answering(answer(status, b"", f"Location: {target}"))) as far:
            posted = await egress.post(f"http://{NEIGHBOUR}:{far.port}/", {}, b"x", timeout_seconds=LONG)
            got = await egress.get(f"http://{NEIGHBOUR}:{far.port}/", {}, timeout_seconds=LONG, max_bytes=100)

        assert posted.status == got.status == int(status[:3])
        assert posted.headers["location"] == target
        assert not trap.touched


async def test_proxy_variables_and_netrc_are_not_read(
    trap: Trap, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{trap.port}")
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {NEIGHBOUR} login me password mine\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    heard: list[tuple[bytes, bytes]] = []
    egress = Egress(Allowances.parse([f"http://{NEIGHBOUR}"]))

    async with far_server(answering(answer(), heard)) as far:
        await post(egress, far)
    async with far_server(hang_up) as clear:
        with pytest.raises(Unreachable):  # a TLS server it is not, but it was reached directly
            await egress.post(f"https://{NEIGHBOUR}:{clear.port}/", {}, b"x", timeout_seconds=LONG)
    await egress.close()

    assert not trap.touched
    assert (far.connections, clear.connections) == (1, 1)
    assert b"authorization" not in heard[0][0].lower()


@pytest.mark.parametrize(
    "headers",
    [
        {"a": "b\r\nc: d"},
        {"a": "b\nc"},
        {"a": "\x00"},
        {"a b": "c"},
        {"": "c"},
        {"é": "c"},
        {"a\r\nb": "c"},
        {"Host": "inner"},
        {"content-length": "0"},
        {"Transfer-Encoding": "chunked"},
        {"Connection": "close"},
    ],
)
async def test_a_header_that_would_become_something_else_is_refused(headers: dict[str, str], egress: Egress) -> None:
    async with far_server(answering(answer())) as far:
        with pytest.raises(BadHeader):
            await egress.post(f"http://{NEIGHBOUR}:{far.port}/", headers, b"x", timeout_seconds=LONG)

        assert far.connections == 0


async def drip_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    await _drip(writer, b"x")


async def drip_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\n")
    await _drip(writer, b"a: b\r\n")


async def drip_continues(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await _drip(writer, b"HTTP/1.1 102 Processing\r\n\r\n")


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(-1)


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readexactly(1)


async def _drip(writer: asyncio.StreamWriter, drop: bytes) -> None:
    while True:
        writer.write(drop)
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("serve", [drip_body, drip_headers, drip_continues, say_nothing])
async def test_an_answer_without_end_is_cut_at_the_deadline(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], egress: Egress
) -> None:
    async with far_server(serve) as far, asyncio.timeout(LONG):
        with pytest.raises(TimedOut):
            await egress.post(f"http://{NEIGHBOUR}:{far.port}/", {}, b"x", timeout_seconds=0.3)
        with pytest.raises(TimedOut):
            await egress.get(f"http://{NEIGHBOUR}:{far.port}/", {}, timeout_seconds=0.3, max_bytes=MIB)


async def test_a_handshake_without_end_is_cut_at_the_deadline_of_connecting() -> None:
    egress = Egress(Allowances.parse([NEIGHBOUR]), connect_seconds=0.3)

    async with far_server(say_nothing) as far, asyncio.timeout(LONG):
        with pytest.raises(TimedOut, match="no connection in time"):
            await egress.post(f"https://{NEIGHBOUR}:{far.port}/", {}, b"x", timeout_seconds=LONG)
    await egress.close()


async def test_a_name_server_without_answer_is_cut_at_the_deadline() -> None:
    async def never(host: str) -> list[str]:
        await asyncio.Event().wait()
        raise AssertionError

    egress = Egress(Allowances(), resolve=never)

    with pytest.raises(TimedOut):
        await egress.post("https://slow.example/", {}, b"x", timeout_seconds=0.3)
    await egress.close()


def endless(
    head: bytes, piece: bytes, sent: list[int]
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        # What waits in buffers on this side is not taken by anybody.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, len(PIECE))
        writer.write(head)
        while sum(sent) < GIB:
            writer.write(piece)
            await writer.drain()
            sent.append(len(piece))
        await reader.read(-1)

    return serve


PLAIN = b"HTTP/1.1 200 OK\r\n"
PIECE = bytes(1 << 16)
BOMB = gzip.compress(bytes(MIB), 9)


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (PLAIN + b"content-length: 1073741824\r\n\r\n", PIECE),
        (PLAIN + b"connection: close\r\n\r\n", PIECE),
        (PLAIN + b"transfer-encoding: chunked\r\n\r\n", b"10000\r\n" + PIECE + b"\r\n"),
        (PLAIN + b"content-encoding: gzip\r\n\r\n", BOMB),
        (PLAIN + b"content-encoding: deflate\r\n\r\n", zlib.compress(bytes(MIB), 9)),
    ],
    ids=["length", "until closed", "chunked", "gzip", "deflate"],
)
async def test_a_huge_answer_is_cut_early_and_never_inflated(head: bytes, piece: bytes, egress: Egress) -> None:
    sent: list[int] = []
    tracemalloc.start()

    async with far_server(endless(head, piece, sent)) as far:
        told = await egress.post(f"http://{NEIGHBOUR}:{far.port}/", {}, b"x", timeout_seconds=LONG)
        with pytest.raises(TooLarge):
            await egress.get(f"http://{NEIGHBOUR}:{far.port}/", {}, timeout_seconds=LONG, max_bytes=100_000)

        assert far.connections == 2, "an answer that was cut takes its connection with it"
    assert (len(told.body), told.complete) == (2048, False)
    assert told.body.startswith(piece.removeprefix(b"10000\r\n")[:900]), "as it came"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(sent) < 2 * MIB, "of two answers"
    assert peak < 4 * MIB


async def test_a_whole_answer_of_just_the_limit_is_read() -> None:
    egress = Egress(Allowances.parse([f"http://{NEIGHBOUR}"]))
    async with far_server(answering(answer("200 OK", b"y" * 300_000, "content-type: image/png"))) as far:
        url = f"http://{NEIGHBOUR}:{far.port}/"
        told = await egress.get(url, {"authorization": "Key k"}, timeout_seconds=LONG, max_bytes=300_000)
        with pytest.raises(TooLarge):
            await egress.get(url, {}, timeout_seconds=LONG, max_bytes=299_999)
    await egress.close()

    assert (len(told.body), told.complete, told.headers) == (300_000, True, {"content-type": "image/png"})


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: " + b"b" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 10_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nab",
        bytes(range(256)),
    ],
)
async def test_what_is_no_http_is_unreachable_and_nothing_else(said: bytes, egress: Egress) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(said)
        await writer.drain()

    async with far_server(serve) as far:
        with pytest.raises(Unreachable):
            await post(egress, far)


async def test_a_closed_port_and_a_name_without_address_are_unreachable(egress: Egress) -> None:
    async with far_server(answering(answer())) as far:
        port = far.port
    with pytest.raises(Unreachable, match="takes no connection"):
        await egress.post(f"http://{NEIGHBOUR}:{port}/", {}, b"x", timeout_seconds=LONG)

    async def nobody(host: str) -> list[str]:
        raise OSError("no such name")

    stranger = Egress(Allowances(), resolve=nobody)
    with pytest.raises(Unreachable, match=r"nobody\.example has no address"):
        await stranger.post("https://nobody.example/", {}, b"x", timeout_seconds=LONG)
    await stranger.close()


async def hang_up_on_the_second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(answer())
    await writer.drain()
    await reader.readexactly(1)


async def test_a_kept_connection_that_is_gone_costs_a_repeatable_post_nothing(egress: Egress) -> None:
    async with far_server(hang_up_on_the_second) as far:
        told = [await post(egress, far, repeatable=True) for _ in range(2)]

        assert (told, far.connections) == (["ok", "ok"], 2)


async def test_what_must_not_be_repeated_is_not_posted_twice(egress: Egress) -> None:
    async with far_server(hang_up_on_the_second) as far:
        await post(egress, far)
        with pytest.raises(Unreachable):
            await post(egress, far)

        assert far.connections == 1


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context for `far.example`, and the file with the authority behind it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "far.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("far.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority, private = tmp_path / "authority.pem", tmp_path / "key.pem"
    authority.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, private)
    return context, authority


async def test_certificates_are_verified_for_the_name_that_was_asked_for(
    certificate: tuple[ssl.SSLContext, Path],
) -> None:
    context, authority = certificate

    async def resolve(host: str) -> list[str]:
        return [NEIGHBOUR]

    allowed = Allowances.parse([NEIGHBOUR])
    trusting = Egress(allowed, authority=authority, resolve=resolve)
    strict = Egress(allowed, resolve=resolve)

    async with far_server(answering(answer("200 OK", json.dumps({"ok": True}).encode())), context=context) as far:
        told = await trusting.post(f"https://far.example:{far.port}/", {}, b"x", timeout_seconds=LONG)
        with pytest.raises(Unreachable, match="certificate"):
            await trusting.post(f"https://other.example:{far.port}/", {}, b"x", timeout_seconds=LONG)
        with pytest.raises(Unreachable, match="certificate"):
            await strict.post(f"https://far.example:{far.port}/", {}, b"x", timeout_seconds=LONG)
        await trusting.close()
        await strict.close()

    assert told.excerpt == '{"ok": true}'
