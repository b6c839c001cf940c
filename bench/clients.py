"""The programs that make the load, wrk for HTTP and h2load for gRPC: started, and their figures read."""

import asyncio
import json
import shutil
import struct
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Figures, percentile

SCRIPTS = Path(__file__).parent / "wrk"
PROGRAMS = {"wrk": "wrk", "h2load": "nghttp2-client"}
"""By name, the Debian package that brings it."""
_STREAMS = 32


class LoadFailed(Exception):
    """A client ended without figures."""


def missing_programs() -> list[str]:
    """A sentence for each program that is not here, with how to get it."""
    return [
        f"{program} is missing: apt-get install {package} (Debian, Ubuntu) brings it"
        for program, package in PROGRAMS.items()
        if shutil.which(program) is None
    ]


async def wrk(url: str, connections: int, seconds: float, script: str, arguments: Sequence[str]) -> Figures:
    """One thread, since the machine is shared with what is measured; ``script`` is one of bench/wrk/."""
    output = await _run(
        "wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds:g}s", "--timeout=10s",
        f"--script={SCRIPTS / script}", url, "--", str(SCRIPTS), *arguments,
    )  # fmt: skip
    line = next((line for line in output.splitlines() if line.startswith("FIGURES ")), None)
    if line is None:
        raise LoadFailed(f"wrk gave no figures:\n{output}")
    found = json.loads(line.removeprefix("FIGURES "))
    return Figures(
        acknowledged=found["requests"] - found["failed"],
        failed=found["failed"],
        seconds=found["microseconds"] / 1e6,
        median_ms=found["median"] / 1000,
        p99_ms=found["p99"] / 1000,
    )


async def h2load(
    server: str, method: str, message: bytes, concurrency: int, seconds: float, metadata: Sequence[tuple[str, str]] = ()
) -> Figures:
    """Unary calls with one and the same message. It sees HTTP's 200 only: the caller checks what the server counted."""
    streams = min(concurrency, _STREAMS)
    with TemporaryDirectory() as folder:
        body, log = Path(folder, "body"), Path(folder, "log")
        await asyncio.to_thread(body.write_bytes, struct.pack(">BI", 0, len(message)) + message)
        headers = [("content-type", "application/grpc"), ("te", "trailers"), *metadata]
        await _run(
            "h2load", f"--duration={seconds:g}", "--warm-up-time=0", f"--clients={concurrency // streams}",
            f"--max-concurrent-streams={streams}", "--threads=1", f"--data={body}", f"--log-file={log}",
            *(f"--header={name}: {value}" for name, value in headers), f"http://{server}{method}",
        )  # fmt: skip
        entries = [line.split("\t") for line in (await asyncio.to_thread(log.read_text)).splitlines()]
    took = [int(entry[2]) / 1000 for entry in entries if entry[1] == "200"]
    return Figures(
        acknowledged=len(took),
        failed=len(entries) - len(took),
        seconds=seconds,
        median_ms=percentile(took, 50),
        p99_ms=percentile(took, 99),
    )


async def _run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    text = output.decode(errors="replace")
    if process.returncode:
        raise LoadFailed(f"{command[0]} ended with status {process.returncode}:\n{text}")
    return text
