"""Words for telling a delivery's life in tests, and a book that keeps it as the service does, in memory."""

from dataclasses import dataclass, field
from math import floor

from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1.actor_pb2 import ACTOR_KIND_CALLER, ACTOR_KIND_CARRIER, Actor
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.event_pb2 import Disposition, Event
from crossdock.v1.report_pb2 import DeliveryReport
from google.protobuf.timestamp_pb2 import Timestamp

from services.deliveries import inputs, lifecycle
from services.deliveries.inputs import Input
from services.deliveries.records import Result
from services.deliveries.statuses import Status

START = 1_700_000_000
NOW = Timestamp(seconds=START + 3600)
CARRIER = Actor(kind=ACTOR_KIND_CARRIER, id="src_1")
CALLER = Actor(kind=ACTOR_KIND_CALLER, id="tok_1")

STATUSES: list[Status] = [status for status in pb.DeliveryStatus.values() if status]


def status(word: str) -> Status:
    return pb.DeliveryStatus.Value(f"DELIVERY_STATUS_{word}")


def word(value: Status) -> str:
    return pb.DeliveryStatus.Name(value).removeprefix("DELIVERY_STATUS_")


def at(seconds: float) -> Timestamp:
    """A moment, in seconds after the delivery became known."""
    return Timestamp(seconds=START + floor(seconds), nanos=round(seconds % 1 * 1e9))


def report(reached: str = "", time: float | None = None, **members: object) -> DeliveryReport:
    """What a carrier says; ``time`` in seconds after the start, None when it does not tell."""
    made = DeliveryReport(actor=CARRIER, status_raw=reached.lower())
    if reached:
        made.status = status(reached)
    if time is not None:
        made.event_time.CopyFrom(at(time))
    made.MergeFrom(DeliveryReport(**members))  # type: ignore[arg-type]
    return made


def ping(reached: str, time: float, latitude: str = "1") -> DeliveryReport:
    made = report(reached, time, ping=True)
    made.patch.position.latitude = latitude
    made.patch.position.time.CopyFrom(at(time))
    return made


def with_courier(made: DeliveryReport, external_id: str, phone: str = "") -> DeliveryReport:
    made.patch.courier.external_id = external_id
    if phone:
        made.patch.courier.phone.raw = phone
    return made


def dispositions(results: list[Result]) -> list[str]:
    return [Disposition.Name(each.disposition).removeprefix("DISPOSITION_") for each in results]


def again(said: DeliveryReport, time: float) -> DeliveryReport:
    """The same words at another time."""
    repeated = DeliveryReport()
    repeated.CopyFrom(said)
    repeated.event_time.CopyFrom(at(time))
    return repeated


def state_of(delivery: Delivery) -> Delivery:
    """The delivery without what tells of the record: when it was changed and how many events there are."""
    state = Delivery()
    state.CopyFrom(delivery)
    for member in ("update_time", "last_event_number", "etag"):
        state.ClearField(member)
    return state


@dataclass
class Book:
    """One delivery with its events, kept as the service keeps them."""

    delivery: Delivery
    events: list[Event]
    last_key: bytes = b""
    pings: dict[bytes, Input] = field(default_factory=dict)
    keep_pings: bool = False
    """True to keep every ping, which the service does not."""

    @classmethod
    def start(cls, source_id: str = "", keep_pings: bool = False) -> "Book":
        delivery, created = lifecycle.start(Delivery(id="dlv_1"), now=at(0), source_id=source_id)
        return cls(delivery, [created], keep_pings=keep_pings)

    def hear(self, *reports: DeliveryReport, received: float = 3600, accept_late: bool = True) -> list[Result]:
        """Takes one batch."""
        heard = [inputs.receive(_copy(each), at(received), at(0), webhook_id="whk_1") for each in reports]
        if all(given.key >= self.last_key for given in heard):
            outcome = lifecycle.apply(
                self.delivery, heard, last_key=self.last_key, now=NOW, accept_late_delivered=accept_late
            )
        else:
            outcome = lifecycle.refold(
                [*self._recorded(), *self.pings.values()],
                heard,
                initial=lifecycle.initial(self.events[0]),
                present=self.delivery,
                now=NOW,
                accept_late_delivered=accept_late,
            )
        self.delivery, self.last_key = outcome.delivery, outcome.last_key
        self.events += outcome.events
        self._keep_pings(outcome)
        return outcome.results

    def _recorded(self) -> list[Input]:
        stored = [Event.FromString(event.SerializeToString()) for event in self.events[1:]]
        return [inputs.replay(event) for event in stored if event.HasField("report")]

    def _keep_pings(self, outcome: lifecycle.Outcome) -> None:
        if self.keep_pings:
            self.pings |= {each.input.key: each.input for each in outcome.results if not each.events}
        elif outcome.last_ping is not None:
            self.pings = {outcome.last_ping.key: outcome.last_ping}

    @property
    def status(self) -> str:
        return word(self.delivery.status)

    def milestone(self, reached: str) -> pb.Milestone | None:
        return next((each for each in self.delivery.milestones if each.status == status(reached)), None)


def _copy(made: DeliveryReport) -> DeliveryReport:
    copy = DeliveryReport()
    copy.CopyFrom(made)
    return copy
