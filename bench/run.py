"""One run: every row in every round, round by round, so that a slow minute of the machine meets all rows alike."""

import platform
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from bench import checks, worlds
from bench.figures import Figures, Middle
from bench.rows import Row


class Progress(Protocol):
    """Who is told how far the run is."""

    def begin(self, what: str) -> None:
        """Something begins."""

    def advance(self) -> None:
        """A load has ended."""


@dataclass
class Report:
    """What a run found out."""

    middles: dict[str, Middle] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    """Why a row was not measured, by its key."""
    found: dict[str, list[str]] = field(default_factory=dict)
    """What the checks said, by row."""
    start_seconds: float = 0.0
    restart_seconds: float = 0.0
    machine: str = ""

    @property
    def wrong(self) -> list[str]:
        """The checks that failed."""
        return [
            f"{key}: {said.removeprefix(checks.WRONG)}"
            for key, all_said in self.found.items()
            for said in all_said
            if said.startswith(checks.WRONG)
        ]


async def run(rows: list[Row], seconds: float, rounds: int, folder: Path, log: IO[str], progress: Progress) -> Report:
    """Starts everything in an empty folder, loads, and stops everything."""
    report = Report(machine=_machine())
    figures: dict[str, list[Figures]] = {}
    async with AsyncExitStack() as stack:
        progress.begin("starting the hub")
        world = await worlds.start(stack, folder, log)
        report.start_seconds, report.restart_seconds = world.start_seconds, world.restart_seconds
        for number in range(rounds):
            for row in rows:
                progress.begin(row.title)
                if number == 0 and row.missing is not None and (why := await row.missing(world)):
                    report.skipped[row.key] = why
                if row.key not in report.skipped and not (number and row.once):
                    got, said = await row.load(world, seconds, f"{row.key}-{number}-")
                    figures.setdefault(row.key, []).append(got)
                    report.found.setdefault(row.key, []).extend(filter(None, [said]))
                progress.advance()
        progress.begin("stopping the hub")
    report.middles = {key: Middle.of(each) for key, each in figures.items()}
    return report


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    return f"{len(models)} × {model}, Python {platform.python_version()}, {platform.system()} {platform.release()}"
