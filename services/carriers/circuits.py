"""Whether a carrier is called now: breakers, rates and numbers of calls under way, per carrier; knows no call.

Each process counts for itself. A carrier that answers nothing costs its own calls and nobody else's: after some
failures in a row it is not called for a pause, then one call tries.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from crossdock.v1.carrier_pb2 import CircuitState

FAILURES = 5
"""So many calls that fail in a row open a circuit."""
FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 30.0
"""Pauses double up to this: shorter than a booking may be unknown before people look at it."""
UNDER_WAY = 64
"""How many calls to one carrier may be under way in one process."""
BURST_SECONDS = 10.0
"""After a pause as many calls may come at once as fit in these seconds."""
MAX_REMEMBERED = 10_000

CLOSED, OPEN, HALF_OPEN = (
    CircuitState.CIRCUIT_STATE_CLOSED,
    CircuitState.CIRCUIT_STATE_OPEN,
    CircuitState.CIRCUIT_STATE_HALF_OPEN,
)


@dataclass
class Circuit:
    """One carrier's. Every call that `admit` lets through ends in `succeed`, `fail` or `forget`."""

    clock: Callable[[], float]
    under_way: int = 0
    failures: int = 0
    open_until: float = 0.0
    paid_at: float = 0.0
    probing: bool = False

    @property
    def state(self) -> "CircuitState.ValueType":
        """Whether calls are made."""
        if self.failures < FAILURES:
            return CLOSED
        return OPEN if self.clock() < self.open_until else HALF_OPEN

    def admit(self, calls_per_minute: int) -> str:
        """Counts a call that begins; else why it does not. ``calls_per_minute`` is 0 for no limit."""
        state = self.state
        if state == OPEN or (state == HALF_OPEN and self.probing):
            return f"Its last {self.failures} calls failed: it is not called for a while."
        if self.under_way >= UNDER_WAY:
            return f"{UNDER_WAY} calls to it are under way."
        if calls_per_minute and not self._pays(calls_per_minute):
            return f"It takes {calls_per_minute} calls a minute, and they are used up."
        self.probing = state == HALF_OPEN
        self.under_way += 1
        return ""

    def succeed(self) -> None:
        """It answered, whatever it said."""
        self.forget()
        self.failures = 0

    def fail(self) -> None:
        """It did not answer, or in a way that means nothing."""
        self.forget()
        self.failures += 1
        if self.failures >= FAILURES:
            doublings = min(self.failures - FAILURES, 10)
            self.open_until = self.clock() + min(FIRST_PAUSE_SECONDS * 2**doublings, LONGEST_PAUSE_SECONDS)

    def forget(self) -> None:
        """The call was given up by us, which says nothing of the carrier."""
        self.under_way -= 1
        self.probing = False

    def _pays(self, calls_per_minute: int) -> bool:
        interval, now = 60.0 / calls_per_minute, self.clock()
        paid_at = max(self.paid_at, now)
        if paid_at + interval - now > max(BURST_SECONDS, interval):
            return False
        self.paid_at = paid_at + interval
        return True


class Circuits:
    """The circuits of one process, those used last."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[Hashable, Circuit] = OrderedDict()

    def of(self, key: Hashable) -> Circuit:
        """The circuit of a carrier, to be used for one call."""
        circuit = self._known.get(key)
        if circuit is None:
            circuit = self._known[key] = Circuit(self._clock)
        self._known.move_to_end(key)
        while len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)
        return circuit

    def state(self, key: Hashable) -> "CircuitState.ValueType":
        """Whether a carrier is called now."""
        circuit = self._known.get(key)
        return circuit.state if circuit is not None else CLOSED
