"""Promise 2: a 2xx survives a crash of the database. Ended at once under load, it has what was thanked for, once.

Two fifths of `CROSSDOCK_PROOF_KILLS` are how many crashes (4 by default), with `CROSSDOCK_PROOF_THANKS` before each.
"""

import asyncio
import os
import signal
import time
from pathlib import Path

import asyncpg
import pytest

from cli.hub.local_hub import LocalHub
from tests.proofs.test_crashes import BETWEEN_KILLS, KILLS, SENDERS, Senders, effects, kill, running
from tests.services.waiting import until

CRASHES = KILLS * 2 // 5
FORGETFUL = (
    "ALTER SYSTEM SET synchronous_commit = off",
    # Nothing is written before the crash only because the crash is slow to come.
    "ALTER SYSTEM SET wal_writer_delay = '10s'",
    "ALTER SYSTEM SET wal_writer_flush_after = '1GB'",
    "SELECT pg_reload_conf()",
)


def server_pid(folder: Path) -> int | None:
    """The process of the hub's PostgreSQL; None while there is none."""
    try:
        lines = (folder / "postgres" / "cluster" / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    # The last line is there once it takes connections.
    return int(lines[0]) if len(lines) > 7 and lines[7].strip() == "ready" else None


async def crash(folder: Path) -> None:
    """What `pg_ctl stop -m immediate` does: no checkpoint, no farewell. It is started again by the hub."""
    await until(lambda: server_pid(folder) is not None)
    pid = server_pid(folder)
    assert pid is not None
    os.kill(pid, signal.SIGQUIT)
    await until(lambda: server_pid(folder) not in (pid, None))


async def thanked_over_crashes(hub: LocalHub, folder: Path, crashes: int) -> tuple[Senders, float]:
    """Carriers who posted beside crashes, and the longest time from a database that serves to the next thanks."""
    senders, stop, longest = Senders(hub.ready["sources"]["skipcart"]["url"]), asyncio.Event(), 0.0
    tasks = [asyncio.create_task(senders.send(stop)) for _ in range(SENDERS)]
    for _ in range(crashes):
        await senders.wait_for(len(senders.thanked) + BETWEEN_KILLS)
        await crash(folder)
        began = time.monotonic()
        await senders.wait_for(len(senders.thanked) + 1)
        longest = max(longest, time.monotonic() - began)
    await senders.wait_for(len(senders.thanked) + BETWEEN_KILLS)
    stop.set()
    await asyncio.gather(*tasks)
    return senders, longest


async def test_what_was_thanked_for_survives_crashes_of_the_database_and_happens_once(tmp_path: Path) -> None:
    async with running(tmp_path) as hub:
        programs = [hub.pid(name) for name in ("services", "gateway")]
        senders, longest = await thanked_over_crashes(hub, tmp_path, CRASHES)
        found = await effects(hub)
        assert [hub.pid(name) for name in ("services", "gateway")] == programs, "nobody else had to start again"

    assert [order for order in senders.thanked if found[order] == 0] == [], "thanked for and lost"
    assert [order for order, count in found.items() if count > 1] == [], "counted twice"
    told = (
        f"{len(senders.thanked)} thanked for over {CRASHES} crashes, {senders.refused} tries refused, 0 lost, 0 twice"
    )
    print(f"{told}; served again at most {longest:.1f} s after the database")  # noqa: T201  the figure of the proof


async def test_a_database_that_commits_without_writing_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSDOCK_ALLOW_UNSAFE_COMMITS", "true")
    async with running(tmp_path) as hub:
        connection = await asyncpg.connect(hub.database_url.replace("+asyncpg", ""))
        for statement in FORGETFUL:
            await connection.execute(statement)
        await connection.close()
        await kill(hub, "services")
        senders, _ = await thanked_over_crashes(hub, tmp_path, 1)
        found = await effects(hub)

    assert any(found[order] == 0 for order in senders.thanked), "the sabotage lost nothing: this proof proves nothing"
