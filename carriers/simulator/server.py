"""The gRPC server of one simulator process, from its settings to a clean end; knows no carrier by its name."""

from collections.abc import Callable
from datetime import datetime

import grpc
import structlog
from crossdock.simulator.v1 import simulator_service_pb2
from crossdock.simulator.v1.simulator_service_pb2_grpc import add_SimulatorServiceServicer_to_server
from crossdock.v1 import carrier_service_pb2
from crossdock.v1.carrier_service_pb2_grpc import add_CarrierServiceServicer_to_server
from grpc_health.v1 import _async as health
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server
from grpc_reflection.v1alpha import reflection

from carriers.simulator.carrier_service import CarrierServicer
from carriers.simulator.config import Settings
from carriers.simulator.ledger import Ledger
from carriers.simulator.posting import Poster
from carriers.simulator.rides import Rides
from carriers.simulator.simulator_service import SimulatorServicer
from carriers.simulator.times import present

SERVICES = (
    carrier_service_pb2.DESCRIPTOR.services_by_name["CarrierService"].full_name,
    simulator_service_pb2.DESCRIPTOR.services_by_name["SimulatorService"].full_name,
)
# A second process must not bind the same port in silence.
_OPTIONS = (("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 4 << 20))

log = structlog.get_logger()


class AddressNotServed(Exception):
    """The address cannot be had."""


class Server:
    """A running simulator; `address` is where it is served."""

    address: str

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        key = settings.key.get_secret_value()
        self._ledger = Ledger(settings.ledger)
        self._poster = Poster(self._ledger, settings.hub)
        self._rides = Rides(self._ledger, self._poster, settings.seed, now)
        self._server = grpc.aio.server(options=_OPTIONS)
        carriers = CarrierServicer(
            self._ledger, self._rides, self._poster, seed=settings.seed, key=key, pace=settings.pace, now=now
        )
        add_CarrierServiceServicer_to_server(carriers, self._server)
        add_SimulatorServiceServicer_to_server(SimulatorServicer(self._ledger, self._rides, key), self._server)
        self._health = health.HealthServicer()
        add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((*SERVICES, reflection.SERVICE_NAME), self._server)

    @classmethod
    async def start(cls, settings: Settings, now: Callable[[], datetime] = present) -> "Server":
        """Serves, and drives on what a process before this one drove. Raises AddressNotServed."""
        server = cls(settings, now)
        host, _, _ = settings.grpc.rpartition(":")
        try:
            port = server._server.add_insecure_port(settings.grpc)
        except RuntimeError as error:
            raise AddressNotServed(f"{settings.grpc} cannot be served: is the port in use?") from error
        await server._server.start()
        server.address = f"{host}:{port}"
        server._poster.resume()
        server._rides.resume()
        await server._health.set("", HealthCheckResponse.SERVING)
        log.info("serving", grpc=server.address)
        return server

    async def stop(self, grace_seconds: float = 1.0) -> None:
        """Journeys stand still where they are; with a file for the books the next process drives on."""
        await self._rides.close()
        await self._server.stop(grace_seconds)
        await self._poster.close()
        self._ledger.close()
        log.info("stopped")
