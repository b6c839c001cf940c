import subprocess
import sys
from pathlib import Path

import pytest
from crossdock.v1.event_pb2 import Event
from google.protobuf.timestamp_pb2 import Timestamp

from services.deliveries import inputs
from tests.deliveries.lives import CALLER, Book, at, report

MINUTE, DAY = 60, 24 * 3600
RECEIVED, CREATED = at(10 * DAY), at(0)


@pytest.mark.parametrize(
    ("told", "believed"),
    [
        (at(10 * DAY), True),
        (at(10 * DAY + 5 * MINUTE), True),
        (at(10 * DAY + 5 * MINUTE + 0.001), False),
        (at(-DAY), True),
        (at(-DAY - 0.001), False),
        (Timestamp(), False),
    ],
)
def test_a_senders_time_is_believed_within_five_minutes_ahead_and_a_day_before(told: Timestamp, believed: bool) -> None:
    said = report("PICKED_UP")
    said.event_time.CopyFrom(told)

    given = inputs.receive(said, RECEIVED, CREATED)

    assert given.time == (told if believed else RECEIVED)
    assert [issue.code for issue in given.report.issues] == ([] if believed else ["implausible_time"])


def test_without_a_time_the_receipt_counts() -> None:
    given = inputs.receive(report("PICKED_UP"), RECEIVED, CREATED)

    assert given.time == RECEIVED
    assert not given.report.issues


def test_the_order_is_by_time_then_by_rank_then_by_content_and_not_by_arrival() -> None:
    in_order = [
        inputs.receive(report("RETURNING", 1), RECEIVED, CREATED),
        inputs.receive(report("DISPATCHED", 2), RECEIVED, CREATED),
        inputs.receive(report("PICKED_UP", 2), RECEIVED, CREATED),
        inputs.receive(report("DELIVERED", 2), RECEIVED, CREATED),
        inputs.receive(report(time=2), RECEIVED, CREATED),
        inputs.receive(report("DISPATCHED", 2.000000001), RECEIVED, CREATED),
    ]

    arrived = in_order[::-1]
    assert sorted(arrived, key=lambda given: given.key) == in_order
    again = inputs.receive(report("PICKED_UP", 2), at(11 * DAY), CREATED, webhook_id="whk_2")
    assert again.key == in_order[2].key


def test_a_recorded_event_gives_the_input_back() -> None:
    book = Book.start()
    said = [
        report("PICKED_UP", 100),
        report("DELIVERED", 10 * DAY),
        report("DISPATCHED", 50, override=True, actor=CALLER),
    ]
    heard = [inputs.receive(each, at(3600), at(0), webhook_id="w", source_id="s") for each in said]
    book.hear(*said)

    stored = [Event.FromString(event.SerializeToString()) for event in book.events if not event.synthetic]

    replayed = [inputs.replay(event) for event in stored[1:]]
    assert {given.key for given in replayed} == {given.key for given in heard}
    assert all(given.recorded for given in replayed)


def test_the_rules_load_neither_grpc_nor_a_database() -> None:
    root = Path(__file__).parents[2]
    program = (
        "import sys; import services.deliveries.lifecycle, services.deliveries.commands;"
        "print(sorted({'grpc', 'sqlalchemy', 'asyncio'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=root,
        env={"PYTHONPATH": f"{root}:{root / 'gen'}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")
