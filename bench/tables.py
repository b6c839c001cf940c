"""A report as a table for people and as JSON for programs."""

from typing import Any

from rich import box
from rich.table import Table

from bench.figures import Middle
from bench.rows import ROWS, Row
from bench.run import Report

ROLES = ("gateway", "services", "PostgreSQL")
FAST_MS, MOST_MIB = 6.0, 150.0
"""The targets: the median of one connection, and a process's memory."""


def as_json(report: Report) -> dict[str, Any]:
    """Every figure, unrounded."""
    rows = {}
    for row in ROWS:
        middle = report.middles.get(row.key)
        if middle is not None:
            rows[row.key] = {
                "title": row.title,
                "per_second": middle.rate,
                "to_noop_grpc": _ratio(report, row.key, row.ceiling),
                "to_baseline": _ratio(report, row.key, row.baseline),
                "median_ms": middle.median_ms,
                "p99_ms": middle.p99_ms,
                "cpu_ms": middle.cpu_ms,
                "peak_mib": middle.peak_mib,
                "acknowledged": middle.acknowledged,
                "failed": middle.failed,
                "checks": report.found.get(row.key, []),
            }
    return {
        "machine": report.machine,
        "start_seconds": report.start_seconds,
        "restart_seconds": report.restart_seconds,
        "rows": rows,
        "skipped": report.skipped,
        "wrong": report.wrong,
    }


def as_table(report: Report) -> Table:
    """The medians of the rounds."""
    table = Table(box=box.SIMPLE_HEAD, title=report.machine, pad_edge=False)
    table.add_column("")
    for heading in ("per second", "× no-op\ngRPC", "× base-\nline", "median\nms", "p99\nms"):
        table.add_column(heading, justify="right")
    table.add_column("CPU ms each\ngateway/services/PG", justify="right")
    table.add_column("peak MiB\ngateway/services/PG", justify="right")
    table.add_column("lost, twice", justify="right")
    for row in ROWS:
        if row.key in report.skipped:
            table.add_row(row.title, "skipped", "", "", "", "", report.skipped[row.key], style="dim")
        elif (middle := report.middles.get(row.key)) is not None:
            table.add_row(*_cells(report, row, middle), style="" if row.kind == "hub" else "dim")
    return table


def conclusions(report: Report) -> list[str]:
    """The sentences under the table."""
    said = [f"Start: {report.start_seconds:.1f} s with a new database, {report.restart_seconds:.1f} s with an old one."]
    middles = report.middles
    if (webhook := middles.get("webhook-128")) and (noop := middles.get("noop-grpc-128")):
        said.append(f"Webhooks: {webhook.rate:,.0f}/s at 128 connections, {webhook.rate / noop.rate:.2f} × no-op gRPC.")
    if single := middles.get("webhook-1"):
        said.append(f"One connection: median {single.median_ms:.1f} ms (target {FAST_MS:g}).")
    peaks = {f"{role} {middle.peak_mib[role]:.0f} MiB in {key}": middle.peak_mib[role]
             for key, middle in middles.items() for role in ("gateway", "services") if role in middle.peak_mib
             and not key.startswith(("noop", "baseline"))}  # fmt: skip
    if peaks:
        said.append(f"Largest process: {max(peaks, key=lambda key: peaks[key])} (target {MOST_MIB:g}).")
    said += [f"WRONG: {each}" for each in report.wrong]
    return said


def _cells(report: Report, row: Row, middle: Middle) -> list[str]:
    checked = report.found.get(row.key)
    failed = any(each.startswith(row.key) for each in report.wrong)
    return [
        row.title,
        f"{middle.rate:,.0f}",
        _times(_ratio(report, row.key, row.ceiling)),
        _times(_ratio(report, row.key, row.baseline)),
        f"{middle.median_ms:.2f}",
        f"{middle.p99_ms:.1f}",
        " / ".join(f"{middle.cpu_ms[role]:.3f}" if role in middle.cpu_ms else "–" for role in ROLES),
        " / ".join(f"{middle.peak_mib[role]:.0f}" if role in middle.peak_mib else "–" for role in ROLES),
        "WRONG" if failed else ("none" if checked else ""),
    ]


def _ratio(report: Report, key: str, other: str) -> float | None:
    if other not in report.middles or not report.middles[other].rate:
        return None
    return report.middles[key].rate / report.middles[other].rate


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"
