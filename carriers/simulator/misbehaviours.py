"""Which misbehaviour is in force, and when it strikes; pure."""

from datetime import timedelta

from crossdock.simulator.v1 import simulator_pb2 as books


def in_force(settings: books.SimulatedCarrier, booking: books.SimulatedBooking | None = None) -> books.Misbehaviour:
    """The booking's own, else its carrier's."""
    if booking is not None and booking.HasField("misbehaviour"):
        return booking.misbehaviour
    return settings.misbehaviour


def is_due(every: int, number: int) -> bool:
    """Whether the nth is one of every so many; 0 is never."""
    return every > 0 and number % every == 0


def lateness(wrong: books.Misbehaviour) -> float:
    """How many times as long everything takes."""
    return wrong.lateness or 1.0


def skew(wrong: books.Misbehaviour) -> timedelta:
    """By how much the carrier's clock is off."""
    return wrong.clock_skew.ToTimedelta()
