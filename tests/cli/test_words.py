from datetime import UTC, datetime

import pytest
import typer
from crossdock.v1.delivery_pb2 import DeliveryStatus
from google.protobuf.timestamp_pb2 import Timestamp

from cli.hub.addresses import Address
from cli.output import printable
from cli.words import moment, parse_moment, parse_span, value, word


@pytest.mark.parametrize("number", DeliveryStatus.values()[1:])
def test_every_word_is_read_as_it_is_written(number: "DeliveryStatus.ValueType") -> None:
    assert value(DeliveryStatus, word(DeliveryStatus, number), "--status") == number
    assert value(DeliveryStatus, DeliveryStatus.Name(number), "--status") == number


def test_a_value_newer_than_this_program_is_shown_as_its_number() -> None:
    assert word(DeliveryStatus, 4711) == "4711"


def test_a_span_is_that_long_ago() -> None:
    ago = datetime.now(UTC) - parse_moment("2h", "--since").ToDatetime(UTC)

    assert 7199 < ago.total_seconds() < 7260


@pytest.mark.parametrize("text", ["2026-01-05T14:00:00Z", "2026-01-05T15:00:00+01:00", "2026-01-05 14:00"])
def test_a_time_is_read_in_its_offset_and_else_in_utc(text: str) -> None:
    assert moment(parse_moment(text, "--since")) == "2026-01-05 14:00:00Z"


@pytest.mark.parametrize("text", ["", "2", "h", "-1h", "1.5h", "2w", "٣h"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_span(text, "--overlap")


def test_no_time_is_no_text() -> None:
    assert moment(Timestamp()) == ""


def test_other_peoples_words_do_not_steer_the_terminal() -> None:
    assert printable("a\x1b[2Jb\rc\x9bd") == "a\\x1b[2Jb\\rc\\x9bd"
    assert printable("Grüße, 東京\n\tx") == "Grüße, 東京\n\tx"


@pytest.mark.parametrize("text", ["127.0.0.1:80", "[::1]:80", "localhost:0"])
def test_an_address_is_written_as_it_is_read(text: str) -> None:
    assert str(Address.parse(text)) == text


def test_all_networks_are_reached_over_loopback() -> None:
    assert str(Address.parse("0.0.0.0:80").reachable) == "127.0.0.1:80"
    assert str(Address.parse("[::]:80").reachable) == "[::1]:80"
