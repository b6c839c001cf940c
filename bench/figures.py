"""What one load gives, and the middle of several; knows no load and no table."""

from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Cost:
    """What a load cost one role's processes."""

    cpu_seconds: float
    peak_mib: float


@dataclass(frozen=True)
class Figures:
    """One load. ``acknowledged`` counts what was answered as it should be, messages of a batch one by one."""

    acknowledged: int
    failed: int
    seconds: float
    median_ms: float
    p99_ms: float
    costs: dict[str, Cost] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Acknowledged per second."""
        return self.acknowledged / self.seconds if self.seconds else 0.0

    def cpu_ms(self, role: str) -> float:
        """CPU of a role's processes for each that was acknowledged, in milliseconds."""
        return self.costs[role].cpu_seconds * 1000 / self.acknowledged if self.acknowledged else 0.0


@dataclass(frozen=True)
class Middle:
    """The medians over the rounds of one row; the highest of the peaks."""

    rate: float
    median_ms: float
    p99_ms: float
    cpu_ms: dict[str, float]
    peak_mib: dict[str, float]
    acknowledged: int
    failed: int

    @classmethod
    def of(cls, rounds: list[Figures]) -> "Middle":
        """Of at least one round."""
        roles = rounds[0].costs
        return cls(
            rate=median(each.rate for each in rounds),
            median_ms=median(each.median_ms for each in rounds),
            p99_ms=median(each.p99_ms for each in rounds),
            cpu_ms={role: median(each.cpu_ms(role) for each in rounds) for role in roles},
            peak_mib={role: max(each.costs[role].peak_mib for each in rounds) for role in roles},
            acknowledged=sum(each.acknowledged for each in rounds),
            failed=sum(each.failed for each in rounds),
        )


def percentile(values: list[float], percent: float) -> float:
    """Of unsorted values; 0 when there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0
