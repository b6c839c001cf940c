"""How results are printed: tables for people, tab-separated lines for pipes, proto3 JSON; knows no noun."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

NARROWEST_LAST = 24
"""Cells that the last column of a table needs, which may wrap."""


def console() -> Console:
    """Where results go."""
    return Console(highlight=False, markup=False, emoji=False)


def complain(line: str) -> None:
    """A line beside the results, on stderr."""
    sys.stderr.write(f"crossdock: {printable(line)}\n")


def as_json(message: Message) -> dict[str, Any]:
    """The message in proto3 JSON."""
    return MessageToDict(message)


def print_json(document: dict[str, Any]) -> None:
    """Indented for people, one line per document for pipes."""
    print(json.dumps(document, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None), flush=True)


def print_list(key: str, messages: Iterable[Message]) -> None:
    """A list as the contract's list answers write it; the list is there also when it is empty."""
    print_json({key: [as_json(message) for message in messages]})


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], nothing: str) -> None:
    """A row per thing, or one below the other on a narrow terminal; `nothing` is said when there is none."""
    shown = [[printable(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in ([name.lower() for name in columns], *shown):
            print("\t".join(cell.replace("\t", " ") for cell in row), flush=True)
        return
    if not shown:
        print(nothing)
        return
    screen = console()
    if _width(columns, shown) > screen.width:
        for row in shown:
            print_facts(zip((name.lower() for name in columns), row, strict=True))
            print()
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, no_wrap=name != columns[-1])  # what is to be copied must be whole
    for row in shown:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))
    screen.print(table)


def _width(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How wide a terminal must be for a table in which only the last column wraps."""
    widths = [max(map(cell_len, column)) for column in zip(columns, *rows, strict=True)]
    return sum(widths[:-1]) + min(widths[-1], NARROWEST_LAST) + 2 * len(widths)


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Names and values, a line each; empty values are left out."""
    kept = [(name, value) for name, value in facts if value]
    width = max((len(name) for name, _ in kept), default=0)
    for name, value in kept:
        print(f"{name:<{width}}  {printable(value)}", flush=True)


def printable(text: str) -> str:
    """The text without what a terminal would obey: other people's words must not move our cursor."""
    return "".join(
        character if character.isprintable() or character in "\n\t" else character.encode("unicode_escape").decode()
        for character in text
    )
