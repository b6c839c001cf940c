import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import structlog

from runtime.supervisor import Backoff, Child, ChildNotReady, Supervisor

ROOT = Path(__file__).parents[2]
SOON = Backoff(first_seconds=0.01, most_seconds=0.05, healthy_seconds=60)

SERVES = """
import os, pathlib, signal, sys
signal.signal(signal.SIGTERM, lambda *_: (print("bye", sys.argv[1], flush=True), sys.exit(0)))
with open(sys.argv[2], "a") as file: file.write(f"{os.getpid()}\\n")
while True: signal.pause()
"""
DEAF = """
import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(sys.argv[2], "a") as file: file.write(f"{os.getpid()}\\n")
while True: signal.pause()
"""


def lives(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().splitlines()] if file.exists() else []


def child(name: str, program: str, file: Path) -> Child:
    async def ready() -> bool:
        return bool(lives(file))

    return Child(name, [sys.executable, "-c", program, name, str(file)], ready)


def runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


async def until(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not fact():  # noqa: ASYNC110 - other processes set no events
            await asyncio.sleep(0.01)


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(grace_seconds=60, backoff=SOON)
    yield supervisor
    await supervisor.stop()


async def test_a_child_is_ready_when_its_probe_says_so(supervisor: Supervisor, tmp_path: Path) -> None:
    await supervisor.start(child("one", SERVES, tmp_path / "one"))

    assert lives(tmp_path / "one") == [supervisor.pid("one")]


async def test_a_probe_may_raise_until_it_succeeds(supervisor: Supervisor, tmp_path: Path) -> None:
    async def ready() -> bool:
        return int((tmp_path / "one").read_text()) > 0

    await supervisor.start(Child("one", [sys.executable, "-c", SERVES, "one", str(tmp_path / "one")], ready))

    assert supervisor.pid("one") is not None


async def test_a_child_that_ends_before_it_is_ready_is_an_error_with_its_last_words(
    supervisor: Supervisor,
) -> None:
    async def never() -> bool:
        return False

    program = "import sys; [print('line', n) for n in range(50)]; sys.exit('the port is taken')"

    with pytest.raises(ChildNotReady) as failure:
        await supervisor.start(Child("one", [sys.executable, "-c", program], never))

    message = str(failure.value)
    assert "one ended with status 1 before it was ready" in message
    assert message.endswith("the port is taken") or "the port is taken\n" in message
    assert "line 10\n" not in message


async def test_a_child_that_is_not_ready_in_time_is_an_error_and_is_ended(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    async def hangs() -> bool:
        await asyncio.Event().wait()
        return True

    one = Child("one", [sys.executable, "-c", SERVES, "one", str(tmp_path / "one")], hangs, ready_seconds=0.5)

    with pytest.raises(ChildNotReady, match=r"one was not ready after 0\.5 s"):
        await supervisor.start(one)

    assert not any(runs(pid) for pid in lives(tmp_path / "one"))


async def test_a_program_that_does_not_exist_is_named(supervisor: Supervisor, tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    with pytest.raises(FileNotFoundError, match="there is no program no-such-program"):
        await supervisor.start(Child("one", ["no-such-program"], never))


async def test_a_crashed_child_is_restarted_again_and_again(supervisor: Supervisor, tmp_path: Path) -> None:
    await supervisor.start(child("one", SERVES, tmp_path / "one"))

    with structlog.testing.capture_logs() as logs:
        for life in range(1, 4):
            await until(lambda life=life: len(lives(tmp_path / "one")) == life)  # type: ignore[misc]
            os.kill(lives(tmp_path / "one")[-1], signal.SIGKILL)
        await until(lambda: len(lives(tmp_path / "one")) == 4)
        await until(lambda: supervisor.pid("one") == lives(tmp_path / "one")[-1])

    assert [line["status"] for line in logs if line["event"] == "child ended"] == [-9, -9, -9]


async def test_children_are_stopped_last_first(
    supervisor: Supervisor, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("first", "second", "third"):
        await supervisor.start(child(name, SERVES, tmp_path / name))

    await supervisor.stop()

    assert capfd.readouterr().err.splitlines() == ["bye third", "bye second", "bye first"]
    assert not any(runs(pid) for name in ("first", "second", "third") for pid in lives(tmp_path / name))


async def test_a_child_that_ignores_sigterm_is_killed_after_the_grace(tmp_path: Path) -> None:
    supervisor = Supervisor(grace_seconds=0.2, backoff=SOON)
    await supervisor.start(child("deaf", DEAF, tmp_path / "deaf"))
    began = time.monotonic()

    await supervisor.stop()

    assert time.monotonic() - began >= 0.2
    assert not runs(lives(tmp_path / "deaf")[0])


async def test_stopping_while_a_child_waits_for_its_restart_leaves_nothing(tmp_path: Path) -> None:
    supervisor = Supervisor(backoff=Backoff(first_seconds=60))
    await supervisor.start(child("one", SERVES, tmp_path / "one"))
    os.kill(lives(tmp_path / "one")[0], signal.SIGKILL)
    await until(lambda: supervisor.pid("one") is None)

    async with asyncio.timeout(60):
        await supervisor.stop()

    assert len(lives(tmp_path / "one")) == 1


async def test_a_child_is_in_a_session_of_its_own(supervisor: Supervisor, tmp_path: Path) -> None:
    await supervisor.start(child("one", SERVES, tmp_path / "one"))

    pid = supervisor.pid("one")
    assert pid is not None
    assert os.getsid(pid) == pid != os.getsid(0)


async def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    program = f"""
import asyncio, pathlib, sys
from runtime.supervisor import Child, Supervisor
async def main():
    file = pathlib.Path(sys.argv[1])
    async def ready(): return file.exists()
    await Supervisor().start(Child("one", [sys.executable, "-c", {SERVES!r}, "one", sys.argv[1]], ready))
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    parent = subprocess.Popen(  # noqa: ASYNC220 - a program beside the loop, which must not know it
        [sys.executable, "-c", program, str(tmp_path / "one")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        (pid,) = lives(tmp_path / "one")

        parent.kill()

    await until(lambda: not runs(pid))


def test_the_wait_doubles_up_to_its_bound() -> None:
    backoff = Backoff(first_seconds=1, most_seconds=10)

    assert 0.75 <= backoff.seconds(0) <= 1.25
    assert 3 <= backoff.seconds(2) <= 5
    assert 7.5 <= backoff.seconds(10_000) <= 12.5


async def test_a_healthy_spell_resets_the_wait(tmp_path: Path) -> None:
    supervisor = Supervisor(backoff=Backoff(first_seconds=0.01, most_seconds=60, healthy_seconds=0))
    await supervisor.start(child("one", SERVES, tmp_path / "one"))

    with structlog.testing.capture_logs() as logs:
        for life in range(1, 13):  # without the reset the last waits would be longer than the test
            await until(lambda life=life: len(lives(tmp_path / "one")) == life)  # type: ignore[misc]
            os.kill(lives(tmp_path / "one")[-1], signal.SIGKILL)
        await until(lambda: len(lives(tmp_path / "one")) == 13)
    await supervisor.stop()

    assert max(line["restarts_in_seconds"] for line in logs if line["event"] == "child ended") < 0.02
