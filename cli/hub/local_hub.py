"""A whole hub on this machine: database, services, gateway, simulator, demo data, and back; prints nothing."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import grpc
import structlog

from cli.hub import demo_carriers, demo_data, keys
from cli.hub.addresses import Address, Reservation
from cli.hub.databases import WatchedPostgres
from cli.hub.folders import Folder, write_private
from cli.hub.problems import HubNotStarted
from cli.hub.programs import Programs
from runtime.postgres_clusters import DataFolderInUse, lock_folder
from runtime.supervisor import ChildNotReady, Supervisor

log = structlog.get_logger()


@dataclass(frozen=True)
class Plan:
    """What is to be started. Without `database_url` the hub has a PostgreSQL of its own."""

    data_dir: Path
    grpc: Address
    http: Address
    database_url: str = ""
    demo_data: bool = False
    workers: int = 1
    log_level: str = "INFO"
    ready_file: Path | None = None
    simulator: bool = True


class LocalHub:
    """A running hub; `ready` is what the ready file says."""

    ready: dict[str, Any]

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._folder = Folder(plan.data_dir)
        self._postgres: WatchedPostgres | None = None
        self._supervisor = Supervisor()
        self._resources = AsyncExitStack()
        self._hurried = False
        self._names: list[str] = []
        self._ports: dict[int, str] = {}

    @classmethod
    async def start(cls, plan: Plan) -> "LocalHub":
        """Returns when everything serves. Raises HubNotStarted, with nothing left behind."""
        hub = cls(plan)
        try:
            await hub._start()
        except ChildNotReady as error:
            await hub.stop()
            raise HubNotStarted(str(error)) from error
        except BaseException:
            await hub.stop()
            raise
        return hub

    async def stop(self) -> None:
        """The files first, then the simulator, the gateway, the services and PostgreSQL."""
        await self._resources.aclose()

    def pid(self, name: str) -> int | None:
        """The process that is the program of this name now; None while it is being restarted."""
        return self._supervisor.pid(name)

    @property
    def database_url(self) -> str:
        """The address of the database, its own or the one it was given."""
        return self._postgres.url if self._postgres else self._plan.database_url

    def hurry(self) -> None:
        """End what still runs at once: what was acknowledged is safe, calls under way are cut."""
        self._hurried = True
        for name in self._names:
            if pid := self._supervisor.pid(name):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    async def _start(self) -> None:
        plan, folder, stack = self._plan, self._folder, self._resources
        self._lock()
        for path in filter(None, (folder.running, plan.ready_file)):
            self._withdraw(path)
        hub_keys = keys.find_or_make(folder)
        address = self._reserve(plan.grpc, "--grpc")
        http = self._reserve(plan.http, "--http")
        if not plan.database_url:
            self._postgres = await WatchedPostgres.start(folder.postgres, self._start_programs_again)
            stack.push_async_callback(self._stop_postgres)
        self._programs = Programs(folder, hub_keys, address, http, plan.workers, plan.log_level)
        self._metrics = [self._reserve_beside(address, number) for number in range(1, plan.workers + 1)]
        self._simulator = self._reserve_beside(address, -1) if plan.simulator else None
        stack.push_async_callback(self._stop_programs)
        await self._start_programs()
        server, url = str(address.reachable), f"http://{http.reachable}"
        self.ready = {"grpc": server, "http": url, "metrics": [f"http://{each}/metrics" for each in self._metrics]}
        if plan.demo_data:
            try:
                demo = await demo_data.find_or_make(folder, server, hub_keys.system_token)
            except grpc.aio.AioRpcError as error:
                raise HubNotStarted(f"the demo data could not be made: {error.details()}") from error
            self.ready |= demo_data.with_addresses(demo, url)
        if self._simulator:
            self.ready["simulator"] = {"grpc": str(self._simulator), "key": hub_keys.simulator_key}
            if plan.demo_data:
                await demo_carriers.connect(self.ready)
        for path in filter(None, (folder.running, plan.ready_file)):
            self._publish(path)

    def _lock(self) -> None:
        try:
            self._folder.make()
            lock = lock_folder(self._folder.path)
        except DataFolderInUse as error:
            raise HubNotStarted(f"{error}: stop that one, or choose another --data-dir") from error
        except OSError as error:
            raise HubNotStarted(f"the data folder {self._folder.path} cannot be used: {error.strerror}") from error
        self._resources.callback(lock.close)

    def _reserve(self, wish: Address, flag: str) -> Address:
        # Two sockets of one user may be bound to one port as long as neither listens.
        if owner := self._ports.get(wish.port):
            raise HubNotStarted(f"{flag} {wish}: {owner} has port {wish.port} already: choose another one")
        reservation = Reservation.take(wish, flag)
        self._resources.callback(reservation.release)
        self._ports[reservation.address.port] = flag
        return reservation.address

    def _reserve_beside(self, served: Address, number: int) -> Address:
        """On this machine so many ports after gRPC's, to be found again; any other when that is not free."""
        wish = served.port + number if self._plan.grpc.port and 0 < served.port + number < 65536 else 0
        try:
            return self._reserve(Address("127.0.0.1", wish), "another of its own")
        except HubNotStarted:
            return self._reserve(Address("127.0.0.1", 0), "another of its own")

    async def _start_programs(self) -> None:
        url = self._postgres.url if self._postgres else self._plan.database_url
        numbers = range(1, self._plan.workers + 1)
        services = [self._programs.services(number, url, self._metrics[number - 1]) for number in numbers]
        gateways = [self._programs.gateway(number) for number in numbers]
        simulators = [self._programs.simulator(self._simulator)] if self._simulator else []
        for child in (*services, *gateways, *simulators):
            self._names.append(child.name)
            await self._supervisor.start(child)

    async def _stop_programs(self) -> None:
        await self._supervisor.stop()

    async def _start_programs_again(self) -> None:
        """PostgreSQL is elsewhere now."""
        log.warning("PostgreSQL has another port: all programs are started again")
        await self._supervisor.stop()
        while True:
            try:
                await self._start_programs()
                return
            except ChildNotReady as error:
                log.error("not started again", error=str(error))  # noqa: TRY400  the message says it all
                await self._supervisor.stop()
                await asyncio.sleep(1.0)

    async def _stop_postgres(self) -> None:
        await cast("WatchedPostgres", self._postgres).stop(hurried=self._hurried)

    def _withdraw(self, path: Path) -> None:
        """What a run before wrote: whoever waits for the file would be led to where nobody listens."""
        if not path.absolute().parent.is_dir():
            raise HubNotStarted(f"the ready file {path} cannot be written: there is no folder {path.absolute().parent}")
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise HubNotStarted(f"the ready file {path} cannot be written: {error.strerror}") from error

    def _publish(self, path: Path) -> None:
        try:
            write_private(path.absolute(), self.ready)
        except OSError as error:
            raise HubNotStarted(f"the ready file {path} cannot be written: {error.strerror}") from error
        self._resources.callback(lambda: path.absolute().unlink(missing_ok=True))
