"""Promise 3: a disk that is full is never thanked for, and when there is space again nobody has to start anything.

`CROSSDOCK_PROOF_THANKS` sets how many thanks are awaited before and after, and how many refusals meanwhile.
"""

import asyncio
import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from cli.hub.local_hub import LocalHub
from tests.proofs.test_crashes import BETWEEN_KILLS, SENDERS, Senders, effects, running
from tests.services.waiting import until

SIZE = "320m"
BLOCK = bytes(1 << 16)
TOO_MUCH = "SELECT pg_logical_emit_message(false, 'ballast', repeat('x', 16 << 20)) FROM generate_series(1, 100)"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "tmpfs", str(folder))
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only who may mount can have a small file system")
    try:
        yield folder
    finally:
        subprocess.run(("umount", "--lazy", str(folder)), check=True)


async def fill(ballast: Path, emptied: asyncio.Event) -> None:
    """Takes all space, and what others give back of theirs, until there is an end of it."""
    with ballast.open("ab", buffering=0) as file:
        while not emptied.is_set():
            with contextlib.suppress(OSError):
                while True:
                    file.write(BLOCK)
            await asyncio.sleep(0.05)
    ballast.unlink()  # noqa: ASYNC240  in memory


async def exhaust_log(hub: LocalHub) -> None:
    """Has PostgreSQL write more log than its disk takes, at which it ends itself."""
    connection = await asyncpg.connect(hub.database_url.replace("+asyncpg", ""))
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await connection.execute(TOO_MUCH)
    connection.terminate()


async def test_a_full_disk_is_never_thanked_for_and_space_is_all_that_it_takes(small_disk: Path) -> None:
    async with running(small_disk / "hub") as hub:
        programs = [hub.pid(name) for name in ("services", "gateway")]
        senders, stop, emptied = Senders(hub.ready["sources"]["skipcart"]["url"]), asyncio.Event(), asyncio.Event()
        tasks = [asyncio.create_task(senders.send(stop)) for _ in range(SENDERS)]
        await senders.wait_for(BETWEEN_KILLS)

        filling = asyncio.create_task(fill(small_disk / "ballast", emptied))
        refused, thanked = senders.refused, len(senders.thanked)
        await until(lambda: senders.refused >= refused + 5 * BETWEEN_KILLS)
        meanwhile = len(senders.thanked) - thanked
        await exhaust_log(hub)
        refused = senders.refused
        await until(lambda: senders.refused >= refused + 5 * BETWEEN_KILLS)
        emptied.set()
        await filling

        await senders.wait_for(len(senders.thanked) + BETWEEN_KILLS)
        stop.set()
        await asyncio.gather(*tasks)
        found = await effects(hub)
        assert [hub.pid(name) for name in ("services", "gateway")] == programs, "nobody else had to start again"

    assert [order for order in senders.thanked if found[order] == 0] == [], "thanked for and lost"
    assert [order for order, count in found.items() if count > 1] == [], "counted twice"
    told = f"{len(senders.thanked)} thanked for, {meanwhile} of them on a full disk, {senders.refused} tries refused"
    print(f"{told}, 0 lost, 0 twice")  # noqa: T201  the figure of the proof
