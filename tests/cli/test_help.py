import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cli.main import app


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command below a group, by its words."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


PROCESSES = {("up",), ("services",), ("gateway",), ("simulator",)}
ALL = list(commands(typer.main.get_command(app)))


def test_all_commands_are_there() -> None:
    assert {" ".join(words) for words in ALL} == {
        "demo", "up", "services", "gateway", "simulator", "watch", "health",
        "simulate run", "simulate list", "simulate webhooks", "simulate misbehave", "simulate carriers",
        "simulate configure",
        "deliveries list", "deliveries show", "deliveries explain",
        "webhooks list", "webhooks show", "webhooks replay",
        "sources create", "sources list", "sources show", "sources rotate", "sources fetch",
        "subscriptions create", "subscriptions list", "subscriptions show", "subscriptions pause",
        "subscriptions resume", "subscriptions delete", "subscriptions rotate", "subscriptions test",
        "subscriptions stats", "subscriptions attempts", "subscriptions redeliver", "subscriptions replay",
        "subscriptions redrive", "subscriptions pull", "subscriptions acknowledge",
        "tokens create", "tokens list", "tokens revoke",
        "tenants create", "tenants list",
    }  # fmt: skip


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_help_says_what_it_does_and_shows_an_example(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [*words, "--help"], env={"TERM": "dumb", "COLUMNS": "200"})

    assert done.exit_code == 0
    assert "Examples" in done.output
    assert f"crossdock {' '.join(words)}" in done.output.partition("Examples")[2]


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_names_of_options_and_variables_are_whole_on_a_terminal_of_80_columns(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"], env={"TERM": "dumb", "COLUMNS": "80"}).output

    assert re.findall(r"(?:--|CROSSDOCK_)[\w-]*…", shown) == []


@pytest.mark.parametrize("words", [words for words in ALL if words not in PROCESSES])
def test_every_command_with_a_result_prints_json_when_asked(words: tuple[str, ...]) -> None:
    assert "--json" in CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"}).output


def test_it_tells_its_version() -> None:
    done = CliRunner().invoke(app, ["--version"])

    assert (done.exit_code, done.output) == (0, f"crossdock {version('crossdock')}\n")
