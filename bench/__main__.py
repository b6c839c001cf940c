"""`python -m bench`: one run, one table. Everything is started, measured and stopped; nothing is left behind."""

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench import tables
from bench.clients import missing_programs
from bench.rows import ROWS, Row, chosen
from bench.run import Report, run


def main() -> int:
    """0: measured and nothing was lost, 1: a check failed, 2: a program is missing or an argument wrong."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each load lasts (3)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each load is made; medians are shown (3)")
    parser.add_argument("--only", action="append", default=[], metavar="ROW", help="rows that begin so; repeatable")
    parser.add_argument("--list", action="store_true", help="show the names of the rows, and end")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--keep-log", type=Path, metavar="FILE", help="where the log of all processes is kept")
    given = parser.parse_args()
    if given.list:
        print("\n".join(row.key for row in ROWS))
        return 0
    if missing := missing_programs():
        print("\n".join(missing), file=sys.stderr)
        return 2
    rows = chosen(given.only)
    if not rows:
        print(f"no row begins with {' or '.join(given.only)}: see --list", file=sys.stderr)
        return 2

    report = _measure(rows, given.seconds, given.rounds, given.keep_log)
    if given.json:
        print(json.dumps(tables.as_json(report), indent=2))
    else:
        console = Console(width=None if sys.stdout.isatty() else 170)
        console.print(tables.as_table(report))
        for sentence in tables.conclusions(report):
            console.print(sentence, highlight=False)
    return 1 if report.wrong else 0


def _measure(rows: list[Row], seconds: float, rounds: int, keep_log: Path | None) -> Report:
    own = os.dup(2)
    with TemporaryDirectory(prefix="crossdock-bench-") as scratch, os.fdopen(own, "w") as words:
        Path(scratch).chmod(0o711)  # PostgreSQL runs as somebody else when we are root
        with (keep_log or Path(scratch, "log")).open("w") as log:
            os.dup2(log.fileno(), 2)  # log lines are written as in production, and not into the table
            columns = (BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
            try:
                with Progress(*columns, console=Console(file=words), refresh_per_second=1) as progress:
                    bar = _Bar(progress, rounds * len(rows))
                    return asyncio.run(run(rows, seconds, rounds, Path(scratch, "hub"), log, bar))
            finally:
                os.dup2(own, 2)


class _Bar:
    """How far the run is, on stderr."""

    def __init__(self, progress: Progress, loads: int) -> None:
        self._progress = progress
        self._loads = progress.add_task("", total=loads)

    def begin(self, what: str) -> None:
        self._progress.update(self._loads, description=what)

    def advance(self) -> None:
        self._progress.advance(self._loads)


if __name__ == "__main__":
    sys.exit(main())
