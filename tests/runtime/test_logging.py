import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog

from runtime.logging import configure

CANARY = "xd_c4n4ryC4N4RYc4n4ry0123456789"
WEBHOOK_CANARY = "whsec_C4n4ry+/C4n4ryC4n4ryC4n4ryC4n4ry="
PLAIN_CANARY = "canary-plain-0123456789"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, configured = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:], root.level = handlers, level
    structlog.configure(**configured)
    structlog.contextvars.clear_contextvars()


def lines(capture: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    captured = capture.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_a_line_is_json_with_service_level_and_utc_time(capsys: pytest.CaptureFixture[str]) -> None:
    configure("gateway")

    structlog.get_logger().info("webhook stored", dialect="skipcart", count=3, open=True, note=None)

    (line,) = lines(capsys)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", str(line.pop("time")))
    assert line == {
        "service": "gateway", "level": "info", "event": "webhook stored",
        "dialect": "skipcart", "count": 3, "open": True, "note": None,
    }  # fmt: skip


def test_the_standard_librarys_loggers_come_out_in_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    configure("services")

    logging.getLogger("uvicorn.error").warning("listening on %s", "port 1")

    (line,) = lines(capsys)
    assert line["event"] == "listening on port 1"
    assert (line["service"], line["level"], line["logger"]) == ("services", "warning", "uvicorn.error")


def test_lines_below_the_level_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    configure("services", "WARNING")

    structlog.get_logger().info("too quiet")
    logging.getLogger("any").info("too quiet")
    structlog.get_logger().warning("loud enough")

    assert [line["event"] for line in lines(capsys)] == ["loud enough"]


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(KeyError):
        configure("services", "LOUD")


class Client:
    def __repr__(self) -> str:
        return f"Client(token={CANARY})"


@pytest.mark.parametrize(
    "fields",
    [
        {"authorization": PLAIN_CANARY},
        {"Authorization": f"Bearer {PLAIN_CANARY}"},
        {"x-access-token": PLAIN_CANARY},
        {"x_api_key": PLAIN_CANARY},
        {"account_token": PLAIN_CANARY},
        {"clientSecret": PLAIN_CANARY},
        {"db_password": PLAIN_CANARY},
        {"svix-signature": PLAIN_CANARY},
        {"set-cookie": PLAIN_CANARY},
        {"secret": PLAIN_CANARY.encode()},
        {"secrets": [PLAIN_CANARY, PLAIN_CANARY]},
        {"headers": {"X-Api-Key": PLAIN_CANARY, "content-type": "x"}},
        {"headers": [(b"x-api-key", PLAIN_CANARY.encode()), (b"host", b"x")]},
        {"headers": ((b"authorization", PLAIN_CANARY.encode()),)},
        {"deep": [{"er": {"password": PLAIN_CANARY}}]},
        {"detail": f"the header was authorization: {PLAIN_CANARY}"},
        {"detail": f"Authorization: Bearer {PLAIN_CANARY}"},
        {"detail": f"{{'x-access-token': '{PLAIN_CANARY}'}}"},
        {"detail": f"cannot reach postgresql://crossdock:{PLAIN_CANARY}@127.0.0.1:5432/crossdock"},
        {"value": CANARY},
        {"value": f"got {CANARY} from a client"},
        {"value": WEBHOOK_CANARY},
        {"value": [f"a line\n{CANARY}", f"a line\nBearer {PLAIN_CANARY}"]},
        {"value": [WEBHOOK_CANARY.encode()]},
        {"client": Client()},
        {"clients": {"first": Client()}},
        {CANARY: "as a name"},
    ],
    ids=repr,
)
@pytest.mark.parametrize("console", [False, True])
def test_no_secret_leaves(capsys: pytest.CaptureFixture[str], fields: dict[str, object], console: bool) -> None:
    configure("gateway", console=console)

    structlog.get_logger().warning("refused", **fields)

    written = capsys.readouterr().err
    assert "refused" in written
    assert "[redacted]" in written
    assert PLAIN_CANARY not in written
    assert "C4n4ry" not in written
    assert "C4N4RY" not in written.upper()


@pytest.mark.parametrize("console", [False, True])
def test_no_secret_leaves_through_exceptions_context_or_the_standard_library(
    capsys: pytest.CaptureFixture[str], console: bool
) -> None:
    configure("gateway", console=console)
    structlog.contextvars.bind_contextvars(api_key=PLAIN_CANARY)

    def fail(token: str) -> None:
        raise ValueError(f"no such token: {token}")

    try:
        fail(CANARY)
    except ValueError:
        structlog.get_logger().exception("failed")
        logging.getLogger("library").exception("failed with %s", {"password": PLAIN_CANARY})
    structlog.get_logger().info(f"the event itself: {WEBHOOK_CANARY}")
    logging.getLogger("library").warning("headers: %s", {"Authorization": f"Bearer {PLAIN_CANARY}"})

    written = capsys.readouterr().err
    assert written.count("ValueError") >= 2
    assert PLAIN_CANARY not in written
    assert "C4N4RY" not in written.upper()


def test_what_is_not_secret_stays(capsys: pytest.CaptureFixture[str]) -> None:
    configure("gateway")

    structlog.get_logger().info(
        "kept", delivery="dlv_01h2xcejqtf2nbrexx3vqjhp41", path="/webhooks/skipcart/x", pair=["a", 1]
    )

    (line,) = lines(capsys)
    assert line["delivery"] == "dlv_01h2xcejqtf2nbrexx3vqjhp41"
    assert line["path"] == "/webhooks/skipcart/x"
    assert line["pair"] == ["a", 1]
