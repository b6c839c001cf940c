"""What processes cost, read from /proc: CPU time and peak memory by role; knows no load."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType

from bench.figures import Cost

_TICK = os.sysconf("SC_CLK_TCK")


class Usage:
    """``with Usage(...) as usage`` around a load; ``usage.costs`` tells what each role's processes spent.

    A role is a process by its pid, with its children where ``trees`` names it. The memory of one process is its peak
    of resident pages; that of a tree is the sum of the proportional shares at the end of the load, since PostgreSQL's
    processes share most of theirs.
    """

    def __init__(self, roles: Mapping[str, int], trees: Iterable[str] = ("PostgreSQL",)) -> None:
        self._roles = roles
        self._trees = frozenset(trees)
        self.costs: dict[str, Cost] = {}

    def __enter__(self) -> "Usage":
        for role, pid in self._roles.items():
            if role not in self._trees:
                Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak begins anew
        self._before = self._cpu()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        after = self._cpu()
        self.costs = {role: Cost(after[role] - self._before[role], self._memory(role)) for role in self._roles}

    def _cpu(self) -> dict[str, float]:
        # PostgreSQL's processes come and go; the children of the others are not theirs: a client of the bench.
        return {
            role: sum(_cpu_seconds(each, 15) for each in _tree(pid)) if role in self._trees else _cpu_seconds(pid, 13)
            for role, pid in self._roles.items()
        }

    def _memory(self, role: str) -> float:
        pid = self._roles[role]
        if role in self._trees:
            return sum(_number(each, "smaps_rollup", "Pss:") for each in _tree(pid))
        return _number(pid, "status", "VmHWM:")


def parent_of(pid: int) -> int:
    """The parent of a process."""
    return int(_stat(pid)[1])


def _tree(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def _cpu_seconds(pid: int, end: int) -> float:
    """User and system time, up to field 13; with that of children that have ended, up to field 15."""
    try:
        return sum(map(int, _stat(pid)[11:end])) / _TICK
    except OSError:
        return 0.0


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat behind the name, which may hold anything: state, parent, …"""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _number(pid: int, file: str, name: str) -> float:
    """A figure in kB, as MiB."""
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), 0.0)
