"""When bookings are looked at next, and how long calls may take; pure."""

from datetime import datetime, timedelta

from crossdock.v1.carrier_pb2 import Carrier
from google.protobuf.duration_pb2 import Duration

from services.dispatching.answers import SKEW
from services.dispatching.rows import Booking
from services.dispatching.steps import BookingState

BOOKING_TIMEOUT = timedelta(seconds=10)
QUOTE_TIMEOUT = timedelta(seconds=3)
POLL_INTERVAL = timedelta(minutes=10)
"""What holds for a carrier that says nothing else."""
REAP_AFTER = timedelta(seconds=1)
"""How long after a call's own end its process is believed to be dead."""
LEASE = timedelta(seconds=20)
"""For how long a worker has a booking or a shipment to itself, and so how long a dead one keeps it from the others.

A call may take longer: then two look after the same thing, which does no harm."""
FIRST_LOOK = timedelta(milliseconds=250)
LONGEST_PAUSE = timedelta(seconds=10)
SECOND_THOUGHT = timedelta(seconds=60)
"""When a booking that was given up is looked up once more."""
TOO_LONG = timedelta(seconds=60)
"""After how long an unknown booking is for people to look at as well."""


def booking_timeout(carrier: Carrier) -> timedelta:
    """How long a carrier may take to book, amend, cancel or be looked up."""
    return told(carrier.booking_timeout) if carrier.HasField("booking_timeout") else BOOKING_TIMEOUT


def quote_timeout(carrier: Carrier) -> timedelta:
    """How long a carrier may take to quote."""
    return told(carrier.quote_timeout) if carrier.HasField("quote_timeout") else QUOTE_TIMEOUT


def poll_interval(carrier: Carrier) -> timedelta:
    """After how much silence a live booking is looked up."""
    return told(carrier.poll_interval) if carrier.HasField("poll_interval") else POLL_INTERVAL


def next_look(booking: Booking, carrier: Carrier, now: datetime) -> datetime | None:
    """When a booking in this state is looked at next; None for never."""
    match booking.state:
        case BookingState.ENDED:
            return None
        case BookingState.WANTED | BookingState.SENDING:
            return booking.due_time
        case BookingState.GIVEN_UP:
            return now + SECOND_THOUGHT
        case BookingState.LIVE if booking.cancellation is None:
            return now + poll_interval(carrier)
        case BookingState.LIVE | BookingState.ORPHAN:
            return now if booking.tries == 0 else now + pause(booking.tries)
    return _until_certain(booking, now)


def pause(tries: int) -> timedelta:
    """How long to wait before another try: twice as long each time, up to a limit."""
    return min(FIRST_LOOK * (1 << min(tries, 10)), LONGEST_PAUSE)


def _until_certain(booking: Booking, now: datetime) -> datetime:
    """Soon and again, and once at the very moment from which on an absence counts."""
    look = now + pause(booking.tries)
    final = (booking.book_before or now) + SKEW
    return min(look, final) if final > now else look


def is_too_long(booking: Booking, now: datetime) -> bool:
    """Whether a booking's fate is unknown for so long that people should look at it."""
    return booking.book_before is not None and now >= booking.book_before + TOO_LONG - BOOKING_TIMEOUT


def told(duration: Duration) -> timedelta:
    """A duration of the contract, cut to microseconds."""
    return timedelta(seconds=duration.seconds, microseconds=duration.nanos // 1_000)
