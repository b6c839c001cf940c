from datetime import UTC, datetime, timedelta

import pytest

from gateway.egress import BadHeader, BadUrl, Blocked, EgressFailed, TimedOut, Unreachable
from gateway.sending import outcomes
from gateway.sending.hosts import name_of, without_query

NOW = datetime(2026, 1, 5, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "word"),
    [(200, "succeeded"), (204, "succeeded"), (299, "succeeded"), (301, "refused"), (308, "refused"), (400, "refused"),
     (404, "refused"), (410, "gone"), (429, "throttled"), (500, "refused"), (503, "throttled"), (504, "refused")],
)  # fmt: skip
def test_a_status_has_one_meaning(status: int, word: str) -> None:
    assert outcomes.word(outcomes.of_status(status)) == word


@pytest.mark.parametrize(
    ("failure", "word"),
    [(TimedOut, "timed_out"), (Blocked, "blocked"), (Unreachable, "unreachable"), (BadUrl, "unreachable"),
     (BadHeader, "unreachable")],
)  # fmt: skip
def test_no_answer_has_one_too(failure: type[EgressFailed], word: str) -> None:
    assert outcomes.word(outcomes.of_failure(failure("why"))) == word


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0), ("120", 120), (" 7 ", 7), ("999999999", 30 * 86400), ("Mon, 05 Jan 2026 14:01:30 GMT", 90),
     ("Mon, 05 Jan 2026 14:01:30 -0000", 90), ("Mon, 05 Jan 2026 13:00:00 GMT", 0),
     ("Fri, 31 Dec 9999 23:59:59 GMT", 30 * 86400)],
)  # fmt: skip
def test_retry_after_is_read_in_both_forms(value: str, seconds: int) -> None:
    assert outcomes.read_retry_after(value, NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value", ["", "-1", "1.5", "soon", "1e3", "Mon, 99 Jan 2026 99:99:99 GMT", "\u0663", "9" * 400]
)
def test_what_is_neither_is_not_read(value: str) -> None:
    assert outcomes.read_retry_after(value, NOW) is None


def test_logs_and_attempts_tell_a_url_without_its_secrets() -> None:
    url = "https://user:canary@Host.example:8443/hook?token=canary#canary"

    assert name_of(url) == "host.example:8443"
    assert without_query(url) == "https://Host.example:8443/hook"
