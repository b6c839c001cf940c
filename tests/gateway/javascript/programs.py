"""How the programs of this folder are started; knows nothing of what they say."""

import shutil
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
LIBRARIES = FOLDER / "node_modules"


def node(program: str, *arguments: str) -> list[str]:
    """The command line of one. Skips the test without node, or without the libraries that `make test` installs."""
    found = shutil.which("node")
    if found is None or not all((LIBRARIES / name).is_dir() for name in ("standardwebhooks", "svix")):
        pytest.skip("there is no node, or npm could not install the libraries")
    return [found, str(FOLDER / program), *arguments]
