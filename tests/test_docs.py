"""What the documents say of the code is what the code says. `make docs` writes the generated parts anew."""

import os
import re
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from carriers.simulator.config import Settings as SimulatorSettings
from gateway.config import Settings as GatewaySettings
from services.config import Settings as ServicesSettings
from tests.dialects import crossing_tables, wire_tables

ROOT = Path(__file__).parent.parent
UPDATE = os.environ.get("UPDATE_DOCS") == "1"
INTRODUCTION = """\
Written by `make docs` from the settings themselves. Each variable is also a flag of `crossdock services`, `gateway` or
`simulator`: `CROSSDOCK_POOL_SIZE` is `--pool-size`; keys have no flag, because command lines are public.
`crossdock up` sets what it must and passes the rest of its environment on. Commands with `--tls` trust and show what
`CROSSDOCK_SERVICES_TLS_AUTHORITY`, `_CERTIFICATE` and `_KEY` name."""
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")


def configuration(title: str, settings: type[BaseSettings]) -> str:
    """One table of every variable of a process, with its default."""
    rows = [f"## {title}", "", "| variable | default | what |", "|---|---|---|"]
    prefix = settings.model_config.get("env_prefix", "")
    for name, field in settings.model_fields.items():
        default = "" if field.is_required() else field.get_default()
        if hasattr(default, "get_secret_value"):
            default = ""
        shown = "" if default in ("", None) else f"`{default}`"
        described = (field.description or "").replace("|", "\\|")
        rows.append(f"| `{prefix}{name.upper()}` | {'**required**' if field.is_required() else shown} | {described} |")
    return "\n".join(rows)


def test_the_configuration_page_lists_every_variable_with_its_default() -> None:
    page = ROOT / "docs" / "configuration.md"
    wanted = "\n\n".join(
        (
            "# Configuration",
            INTRODUCTION,
            configuration("services", ServicesSettings),
            configuration("gateway", GatewaySettings),
            configuration("simulator", SimulatorSettings),
            "",
        )
    )
    if UPDATE:
        page.write_text(wanted)
    assert page.read_text() == wanted, "run `make docs`"


def generated(page: Path, name: str, text: str) -> None:
    """Holds the part of a page between two marks against what it should be."""
    begin, end = f"<!-- {name}: written by `make docs` -->\n", f"\n<!-- {name}: end -->"
    before, found, rest = page.read_text().partition(begin)
    assert found, f"{page.name} has no mark {begin.strip()}"
    part, found, after = rest.partition(end)
    assert found, f"{page.name} has no mark {end.strip()}"
    if UPDATE and part != text:
        page.write_text(before + begin + text + end + after)
        part = text
    assert part == text, "run `make docs`"


def test_the_page_of_the_dialects_says_what_each_crossing_carries() -> None:
    generated(ROOT / "docs" / "dialects.md", "crossings", crossing_tables.tables())


WITH_PAGE = [
    name for name in wire_tables.dialects_with_wire_models() if (ROOT / "docs" / "vendors" / f"{name}.md").exists()
]


@pytest.mark.parametrize("dialect", WITH_PAGE)
def test_a_vendors_page_lists_every_member_of_its_documents(dialect: str) -> None:
    generated(ROOT / "docs" / "vendors" / f"{dialect}.md", "members", wire_tables.tables(dialect))


def documents() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file(document: Path) -> None:
    links = LINK.findall(document.read_text())

    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_promise_has_its_row_and_one() -> None:
    rows = re.findall(r"^\| ([0-9]+) \|", (ROOT / "docs" / "proof.md").read_text(), re.MULTILINE)

    assert [int(number) for number in rows] == list(range(1, 39))
