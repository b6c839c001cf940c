"""What carriers answer to cancellations, read; pure, knows no call."""

from enum import Enum
from typing import NamedTuple

from crossdock.v1 import carrier_pb2
from crossdock.v1.carrier_service_pb2 import CancelBookingResponse
from google.type.money_pb2 import Money


class Outcome(Enum):
    """What came of asking a carrier."""

    CANCELLED = "it is called off"
    PENDING = "the carrier will decide"
    REFUSED = "it goes on"
    UNCERTAIN = "nothing certain"


class Verdict(NamedTuple):
    """A carrier's answer to a cancellation, read."""

    outcome: Outcome
    refusal: carrier_pb2.Refusal | None = None
    fee: Money | None = None
    booking: carrier_pb2.Booking | None = None


def read(response: CancelBookingResponse | None, *, refused: bool = False, explanation: str = "") -> Verdict:
    """What an answer to CancelBooking comes down to; ``refused`` for an error that is a clear no."""
    if refused:
        return Verdict(Outcome.REFUSED, carrier_pb2.Refusal(message=explanation))
    match response.WhichOneof("outcome") if response is not None else None:
        case "cancelled" if response is not None:
            told = response.cancelled
            return Verdict(Outcome.CANCELLED, fee=told.fee if told.HasField("fee") else None)
        case "pending" if response is not None:
            return Verdict(Outcome.PENDING, booking=response.pending)
        case "refused" if response is not None:
            return Verdict(Outcome.REFUSED, response.refused)
        case "absent":
            return Verdict(Outcome.CANCELLED)
    return Verdict(Outcome.UNCERTAIN)
