"""When a carrier is called, by a clock that the test moves."""

import pytest
from crossdock.v1.carrier_pb2 import CircuitState

from services.carriers.circuits import FAILURES, LONGEST_PAUSE_SECONDS, UNDER_WAY, Circuit, Circuits


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuit(clock: Clock) -> Circuit:
    return Circuit(clock)


def fails(circuit: Circuit, times: int = 1) -> None:
    for _ in range(times):
        assert circuit.admit(0) == ""
        circuit.fail()


def state(circuit: Circuit) -> str:
    return CircuitState.Name(circuit.state).removeprefix("CIRCUIT_STATE_")


def test_failures_in_a_row_open_a_circuit_and_ten_are_enough(circuit: Circuit) -> None:
    assert FAILURES <= 10

    fails(circuit, FAILURES - 1)
    assert state(circuit) == "CLOSED"
    fails(circuit)

    assert state(circuit) == "OPEN"
    assert "not called" in circuit.admit(0)


def test_one_answer_ends_the_row(circuit: Circuit) -> None:
    fails(circuit, FAILURES - 1)
    circuit.admit(0)
    circuit.succeed()
    fails(circuit, FAILURES - 1)

    assert state(circuit) == "CLOSED"


def test_after_a_pause_one_call_tries_for_all(circuit: Circuit, clock: Clock) -> None:
    fails(circuit, FAILURES)
    clock.seconds += 3

    assert state(circuit) == "HALF_OPEN"
    assert circuit.admit(0) == ""
    assert circuit.admit(0) != ""
    circuit.succeed()

    assert state(circuit) == "CLOSED"
    assert circuit.admit(0) == ""


def test_pauses_grow_to_a_limit(circuit: Circuit, clock: Clock) -> None:
    fails(circuit, FAILURES)
    pauses = []
    for _ in range(8):
        pauses.append(circuit.open_until - clock.seconds)
        clock.seconds = circuit.open_until
        fails(circuit)

    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_SECONDS


def test_a_try_that_is_given_up_lets_another_try(circuit: Circuit, clock: Clock) -> None:
    fails(circuit, FAILURES)
    clock.seconds += 3
    circuit.admit(0)
    circuit.forget()

    assert circuit.admit(0) == ""


def test_only_so_many_calls_are_under_way(circuit: Circuit) -> None:
    assert [circuit.admit(0) for _ in range(UNDER_WAY)] == [""] * UNDER_WAY
    assert "under way" in circuit.admit(0)

    circuit.succeed()
    assert circuit.admit(0) == ""


def test_a_rate_is_kept_and_refills(circuit: Circuit, clock: Clock) -> None:
    def admitted() -> int:
        count = 0
        while circuit.admit(60) == "":
            circuit.succeed()
            count += 1
        return count

    assert admitted() == 10
    clock.seconds += 3
    assert admitted() == 3
    clock.seconds += 3600
    assert admitted() == 10


def test_each_carrier_has_a_circuit_of_its_own(clock: Clock) -> None:
    circuits = Circuits(clock)
    fails(circuits.of("a"), FAILURES)

    assert circuits.state("a") == CircuitState.CIRCUIT_STATE_OPEN
    assert circuits.state("b") == circuits.state("nobody") == CircuitState.CIRCUIT_STATE_CLOSED
