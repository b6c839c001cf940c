"""How the programs of a hub are started: command line, environment, and how readiness is seen; starts nothing."""

import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from cli.hub.addresses import Address
from cli.hub.folders import Folder
from cli.hub.keys import Keys
from cli.hub_client import HubClient
from runtime.supervisor import Child

# Migrations of a large database take as long as they take; a process that ends is noticed at once.
SERVICES_READY_SECONDS = 600.0
GATEWAY_READY_SECONDS = 30.0
SIMULATOR_READY_SECONDS = 30.0


@dataclass(frozen=True)
class Programs:
    """What all programs of one hub have in common."""

    folder: Folder
    keys: Keys
    grpc: Address
    http: Address
    workers: int
    log_level: str

    def services(self, number: int, database_url: str, metrics: Address) -> Child:
        """The services worker of this number, from 1."""
        ready_file = self._ready_file("services", number)

        async def ready() -> bool:
            if not _exists(ready_file):
                return False
            async with HubClient(str(self.grpc.reachable)) as hub:
                return await hub.health(1.0) == "SERVING"

        settings = {
            "DATABASE_URL": database_url,
            "ENCRYPTION_KEY": self.keys.encryption_key,
            "GRPC": str(self.grpc),
            "METRICS": str(metrics),
            # Links for this machine, unless somebody serves the gateway to others and says where.
            "PUBLIC_URL": os.environ.get("CROSSDOCK_PUBLIC_URL", f"http://{self.http.reachable}"),
            # Simulated carriers, and those that somebody writes beside the hub.
            "CARRIERS_ALLOW": "localhost,127.0.0.0/8,::1",
        }
        return self._child("services", number, ready_file, settings, ready, SERVICES_READY_SECONDS)

    def gateway(self, number: int) -> Child:
        """The gateway worker of this number, from 1."""
        ready_file = self._ready_file("gateway", number)

        async def ready() -> bool:
            if not _exists(ready_file):
                return False
            async with httpx.AsyncClient(trust_env=False, timeout=2.0) as client:
                return (await client.get(f"http://{self.http.reachable}/readyz")).is_success

        settings = {"SERVICES": str(self.grpc.reachable), "HTTP": str(self.http)}
        return self._child("gateway", number, ready_file, settings, ready, GATEWAY_READY_SECONDS)

    def simulator(self, address: Address) -> Child:
        """The one process of simulated carriers."""
        ready_file = self._ready_file("simulator", 1)
        ready_file.unlink(missing_ok=True)

        async def ready() -> bool:
            if not _exists(ready_file):
                return False
            async with HubClient(str(address)) as simulator:
                return await simulator.health(1.0) == "SERVING"

        settings = {
            "GRPC": str(address),
            "HUB": f"http://{self.http.reachable}",
            "KEY": self.keys.simulator_key,
            "LEDGER": str(self.folder.simulator),
            "LOG_LEVEL": self.log_level,
            "READY_FILE": str(ready_file),
        }
        return Child(
            name="simulator",
            argv=[sys.executable, "-P", "-m", "carriers.simulator"],
            ready=ready,
            env={f"CROSSDOCK_SIMULATOR_{name}": value for name, value in settings.items()},
            ready_seconds=SIMULATOR_READY_SECONDS,
        )

    def _ready_file(self, role: str, number: int) -> Path:
        return self.folder.run / f"{role}-{number}.json"

    def _child(
        self,
        role: str,
        number: int,
        ready_file: Path,
        settings: Mapping[str, str],
        ready: Callable[[], Awaitable[bool]],
        ready_seconds: float,
    ) -> Child:
        ready_file.unlink(missing_ok=True)  # of a run before
        common = {
            "SYSTEM_TOKEN": self.keys.system_token,
            "READY_FILE": str(ready_file),
            "REUSE_PORT": str(self.workers > 1).lower(),
            "LOG_LEVEL": self.log_level,
        }
        return Child(
            name=role if self.workers == 1 else f"{role} {number}",
            # -P: a folder named like ours where the user happens to stand must not be taken for the program.
            argv=[sys.executable, "-P", "-m", role],
            ready=ready,
            env={f"CROSSDOCK_{name}": value for name, value in {**common, **settings}.items()},
            ready_seconds=ready_seconds,
        )


def _exists(path: Path) -> bool:
    return os.access(path, os.R_OK)
