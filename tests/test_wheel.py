"""The wheel holds the whole program: it is built, installed into an empty environment and started there."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("services", "gateway", "carriers", "cli", "runtime")
GENERATED = ("crossdock", "buf")


def run(*command: str | Path, cwd: Path) -> str:
    """Runs a program that must not see this tree, and gives what it printed."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=cwd, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel alone, which borrows the dependencies that are installed here."""
    environment = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=environment)
    python = environment / "bin" / "python"
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--no-deps",
        "--no-index",
        wheel,
        cwd=environment,
    )
    # Only now, or pip would take the development install there for ours. A folder named in a .pth file is
    # searched, but the .pth files inside it are not read: that is what keeps this tree out.
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return environment


def test_every_file_of_every_package_is_in_the_wheel(names: set[str]) -> None:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *PACKAGES]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    ours = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}

    assert {name.split("/")[0] for name in ours} == set(PACKAGES)
    assert ours - names == set()


def test_the_migrations_are_in_the_wheel(names: set[str]) -> None:
    assert [name for name in names if name.startswith("services/") and "/migrations/versions/" in name]


def test_the_code_of_every_proto_is_in_the_wheel(names: set[str]) -> None:
    stems = {proto.relative_to(ROOT / "proto").with_suffix("").as_posix() for proto in ROOT.glob("proto/**/*.proto")}
    services = {stem for stem in stems if "\nservice " in (ROOT / f"proto/{stem}.proto").read_text()}
    wanted = {f"{stem}_pb2{end}" for stem in stems | {"buf/validate/validate"} for end in (".py", ".pyi")}
    wanted |= {f"{stem}_pb2_grpc{end}" for stem in services for end in (".py", ".pyi")}

    assert services
    assert wanted - names == set()


def test_the_descriptors_are_in_the_wheel_with_their_comments(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        image = FileDescriptorSet.FromString(archive.read("crossdock/v1/descriptors.binpb"))

    files = {file.name: file for file in image.file}
    ours = [file for name, file in files.items() if name.startswith("crossdock/")]
    assert {"google/rpc/error_details.proto", "google/api/http.proto", "buf/validate/validate.proto"} <= set(files)
    assert ours
    assert all(any(place.leading_comments for place in file.source_code_info.location) for file in ours)


def test_nothing_but_the_program_is_in_the_wheel(names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names}

    assert {top for top in tops if not top.endswith(".dist-info")} == {*PACKAGES, *GENERATED}


@pytest.mark.parametrize("package", [*PACKAGES, *GENERATED])
def test_a_package_is_imported_from_the_wheel(installed: Path, package: str) -> None:
    where = run(
        installed / "bin" / "python", "-c", f"import {package}; print({package}.__file__)", cwd=installed
    ).strip()

    assert Path(where).is_relative_to(installed)


def test_the_command_starts_from_the_wheel(installed: Path) -> None:
    assert "Usage: crossdock" in run(installed / "bin" / "crossdock", "--help", cwd=installed)
