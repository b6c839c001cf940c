"""Generates the contract's Python code; knows protoc and the wheels with third-party protos, not the program.

Hatch runs it before every build, people run `python hatch_build.py`. Nothing is written when `gen/` already
belongs to the present protos and tools.
"""

import argparse
import hashlib
import importlib.metadata
import importlib.resources
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
PROTO = ROOT / "proto"
GEN = ROOT / "gen"
IMAGE = "crossdock/v1/descriptors.binpb"
VALIDATE = "buf/validate/validate.proto"
# In the image because errors carry these messages as `Any`, which no import statement shows.
ALSO_IN_IMAGE = "google/rpc/error_details.proto"
TOOLS = ("grpcio-tools", "mypy-protobuf", "protovalidate", "googleapis-common-protos")
SERVICE = re.compile(r"^service\s+\w+", re.MULTILINE)


class ContractBuildHook(BuildHookInterface[Any]):
    """Lets `pip install`, `python -m build` and `uv run` find the generated code in place."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Generates before hatch collects the files."""
        generate()


def generate() -> bool:
    """Brings `gen/` up to date with `proto/` and says whether it had to; SystemExit when protoc refuses."""
    protos = find_protos(PROTO)
    fingerprint = _fingerprint(protos)
    stamp = GEN / ".fingerprint"
    if stamp.exists() and stamp.read_text() == fingerprint:
        return False
    with tempfile.TemporaryDirectory(prefix="crossdock-gen-") as folder:
        fresh = Path(folder)
        services = [name for name in protos if SERVICE.search((PROTO / name).read_text())]
        (fresh / IMAGE).parent.mkdir(parents=True)
        with_stubs = [f"--python_out={fresh}", f"--mypy_out=quiet:{fresh}", _plugin("protoc-gen-mypy")]
        _protoc(PROTO, [*with_stubs, *protos, VALIDATE])
        if services:
            # only_async: servicers and stubs are typed for grpc.aio alone, as every process here uses it.
            for_grpc = [f"--grpc_python_out={fresh}", f"--mypy_grpc_out=quiet,only_async:{fresh}"]
            _protoc(PROTO, [*for_grpc, _plugin("protoc-gen-mypy_grpc"), *services])
        write_image(PROTO, fresh / IMAGE)
        for package in {parent for file in fresh.rglob("*.py") for parent in _packages_above(file, fresh)}:
            (package / "__init__.py").touch()
            (package / "py.typed").touch()
        _mirror(fresh, GEN)
    stamp.write_text(fingerprint)
    return True


def write_image(proto: Path, image: Path) -> None:
    """Writes the descriptors of a proto tree, with comments and everything they import, to one file."""
    image.parent.mkdir(parents=True, exist_ok=True)
    options = ["--include_imports", "--include_source_info", f"--descriptor_set_out={image}"]
    _protoc(proto, [*options, *find_protos(proto), ALSO_IN_IMAGE])


def find_protos(proto: Path) -> list[str]:
    """Lists our protos as protoc wants to be told them: relative to the tree's root."""
    return sorted(file.relative_to(proto).as_posix() for file in proto.rglob("*.proto"))


def _protoc(proto: Path, arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="crossdock-protoc-") as folder:
        rules = Path(folder) / "validate.binpb"
        rules.write_bytes(_validate_descriptor())
        wheels = importlib.metadata.distribution("googleapis-common-protos").locate_file("")
        includes = [f"-I{proto}", f"-I{wheels}", f"-I{importlib.resources.files('grpc_tools') / '_proto'}"]
        command = [sys.executable, "-m", "grpc_tools.protoc", *includes, f"--descriptor_set_in={rules}"]
        if subprocess.run([*command, *arguments], check=False).returncode:
            raise SystemExit("protoc refused the contract: see above")


def _validate_descriptor() -> bytes:
    """The rules' own proto, which no wheel ships as text, taken from the descriptor inside protovalidate."""
    from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
    from protovalidate import ViolationPb

    file = FileDescriptorProto.FromString(ViolationPb.desc().file.proto.to_binary())
    return FileDescriptorSet(file=[file]).SerializeToString()


def _plugin(name: str) -> str:
    found = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is missing: run `make setup`")
    return f"--plugin={name}={found}"


def _fingerprint(protos: list[str]) -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for tool in TOOLS:
        digest.update(f"{tool}={importlib.metadata.version(tool)}\n".encode())
    for name in protos:
        digest.update(name.encode() + b"\0" + (PROTO / name).read_bytes() + b"\0")
    return digest.hexdigest()


def _packages_above(file: Path, top: Path) -> list[Path]:
    return [parent for parent in file.parents if parent.is_relative_to(top) and parent != top]


def _mirror(fresh: Path, target: Path) -> None:
    """Makes `target` equal to `fresh` file by file, so that nobody reads a file half written meanwhile."""
    wanted = {file.relative_to(fresh) for file in fresh.rglob("*") if file.is_file()}
    for name in wanted:
        old, new = target / name, (fresh / name).read_bytes()
        if old.exists() and old.read_bytes() == new:
            continue
        old.parent.mkdir(parents=True, exist_ok=True)
        part = old.with_name(f"{old.name}.{os.getpid()}.part")
        part.write_bytes(new)
        part.replace(old)
    for file in target.rglob("*"):
        stale = file.is_file() and file.relative_to(target) not in wanted
        if stale and "__pycache__" not in file.parts:
            file.unlink()


def main() -> None:
    """Generates the code, or with --image only a proto tree's descriptors (to compare with a release)."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--proto", type=Path, default=PROTO, help="the proto tree of --image")
    parser.add_argument("--image", type=Path, help="write the descriptors there and generate nothing")
    arguments = parser.parse_args()
    if arguments.image:
        write_image(arguments.proto.resolve(), arguments.image.resolve())
    elif generate():
        print("gen/ is new")


if __name__ == "__main__":
    main()
