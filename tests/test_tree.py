"""The tree: who imports whom, what is pure, how long a module is, what no file may name."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LONGEST_MODULE = 400

MUST_NOT_IMPORT = {
    "gateway": {"services", "carriers", "cli"},
    "services": {"gateway", "carriers", "cli"},
    "carriers": {"services", "gateway", "cli"},
    "runtime": {"services", "gateway", "carriers", "cli"},
}
INPUT_AND_OUTPUT = {
    "asyncio",
    "asyncpg",
    "grpc",
    "httpx",
    "requests",
    "socket",
    "sqlalchemy",
    "urllib.request",
}
PURE = ("services/deliveries/lifecycle.py", "gateway/dialects/*/read.py", "gateway/dialects/*/write.py")

# Character classes keep these patterns from finding themselves.
HOME = re.compile(r"/(?:root|home/[a-z]\w*|Users/\w+)[/]\w")
REGISTRY = re.compile(
    r"(?:pypi|pythonhosted|npmjs|golang|crates)[.](?:org|io)|deb[.]debian|index[-]url|find[-]links",
    re.IGNORECASE,
)


def tracked(pattern: str) -> list[Path]:
    """The files that are, or with the next `git add .` would be, in the repository."""
    command = [
        "git",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--",
        f":(glob){pattern}",
    ]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return sorted(ROOT / name for name in set(names.split("\0")) if name and (ROOT / name).is_file())


def imports_in(source: str) -> set[str]:
    """Every absolute module name a source imports: at the top, in a function, for types only."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def offences(files: list[Path], forbidden: set[str]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files
        for name in sorted(imports_in(file.read_text()))
        if any(name == banned or name.startswith(f"{banned}.") for banned in forbidden)
    ]


def mentions(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for file in tracked("**"):
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{file.relative_to(ROOT)}: {match.group()}" for match in pattern.finditer(text)]
    return found


@pytest.mark.parametrize("package", sorted(MUST_NOT_IMPORT))
def test_a_package_does_not_import_the_ones_it_must_not_know(package: str) -> None:
    modules = tracked(f"{package}/**/*.py")

    assert modules, f"{package} has no modules: was it renamed?"
    assert offences(modules, MUST_NOT_IMPORT[package]) == []


@pytest.mark.parametrize("pattern", PURE)
def test_pure_modules_do_no_input_and_output(pattern: str) -> None:
    modules = tracked(pattern)

    assert modules, f"nothing matches {pattern}: was it renamed?"
    assert offences(modules, INPUT_AND_OUTPUT) == []


@pytest.mark.parametrize(
    "source",
    [
        "import services.db",
        "from services import db",
        "from services.db import tables as t",
        "def late():\n    import services",
        "if TYPE_CHECKING:\n    from services.db import tables",
    ],
)
def test_no_form_of_import_escapes_the_rules(source: str) -> None:
    assert {"services", "services.db"} & imports_in(source)


def test_a_name_that_only_begins_alike_is_no_import_of_the_package() -> None:
    assert not {"services", "grpc"} & imports_in("import services_of_others, grpc_status\nfrom . import services")


def test_no_module_is_too_long_to_read() -> None:
    lengths = {file.relative_to(ROOT).as_posix(): len(file.read_text().splitlines()) for file in tracked("**/*.py")}

    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE} == {}


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    here = re.compile(rf"{re.escape(str(ROOT))}\b")

    assert mentions(here) + mentions(HOME) == []


def test_no_file_names_a_package_registry() -> None:
    assert mentions(REGISTRY) == []


@pytest.mark.parametrize("address", ["https://pypi" + ".org/simple", "--extra-index" + "-url x", "deb" + ".debian.org"])
def test_a_registrys_address_would_be_found(address: str) -> None:
    assert REGISTRY.search(address)
