"""Calls carriers, each with a deadline, and says how far what came of it can be believed; stores and decides nothing.

Nothing that a carrier does, or does not do, raises here or holds up a call to another one.
"""

import asyncio
from collections.abc import Hashable
from datetime import timedelta
from typing import Any

import grpc
import structlog
from crossdock.v1.carrier_pb2 import Carrier, CircuitState
from crossdock.v1.carrier_service_pb2_grpc import CarrierServiceStub

from services.carriers.channels import Channels, Line
from services.carriers.circuits import Circuits
from services.carriers.replies import Certainty, Reply, not_asked, of_error, of_response
from services.carriers.targets import NotAllowed, Unreadable

log = structlog.get_logger()

NEW_BUSINESS = frozenset(("Quote", "Book"))
"""What a disabled carrier is not asked for. Live bookings go on."""


class CarrierClients:
    """The calls of one process. ``key`` names whose carrier it is: circuits and rates are counted by it."""

    def __init__(self, channels: Channels, circuits: Circuits | None = None) -> None:
        self._channels = channels
        self._circuits = circuits or Circuits()

    async def call(self, key: Hashable, carrier: Carrier, method: str, request: Any, limit: timedelta) -> Reply:
        """Calls a method of ``CarrierService``; raises nothing but the caller's own cancellation.

        ``carrier`` holds its authorization; ``limit`` is how long all of it may take, finding its address included.
        """
        if carrier.disabled and method in NEW_BUSINESS:
            return not_asked("It is disabled.")
        if not carrier.address:
            return not_asked("It is not registered.")
        if limit <= timedelta():
            return not_asked("There was no time left to ask it.")
        circuit = self._circuits.of(key)
        if why := circuit.admit(carrier.calls_per_minute):
            return not_asked(why)
        try:
            reply = await self._call(carrier, method, request, limit.total_seconds())
        except BaseException:
            circuit.forget()
            raise
        if reply.certainty in (Certainty.YES, Certainty.NO):
            circuit.succeed()
        else:
            circuit.fail()
            log.warning("carrier gave no certain answer", carrier=carrier.ref, method=method, why=reply.explanation)
        return reply

    def circuit_state(self, key: Hashable) -> "CircuitState.ValueType":
        """Whether this process calls a carrier now."""
        return self._circuits.state(key)

    async def close(self) -> None:
        """Ends all connections; calls under way fail."""
        await self._channels.close()

    async def _call(self, carrier: Carrier, method: str, request: Any, seconds: float) -> Reply:
        line = Line(carrier.address, carrier.plaintext, carrier.authorization)
        sent = False
        try:
            async with asyncio.timeout(seconds), self._channels.use(line) as channel:
                stub = getattr(CarrierServiceStub(channel), method)
                metadata = (("authorization", carrier.authorization),) if carrier.authorization else ()
                sent = True
                return of_response(await stub(request, metadata=metadata, timeout=seconds))
        except grpc.aio.AioRpcError as error:
            return of_error(error.code(), error.details())
        except (NotAllowed, Unreadable) as error:
            return not_asked(f"Its address is not called: {error}.")
        except OSError as error:  # TimeoutError among them
            if sent:
                return of_error(grpc.StatusCode.DEADLINE_EXCEEDED, "It did not answer in time.")
            return not_asked(f"Its name leads nowhere: {error.strerror or 'no answer in time'}.")
        except grpc.aio.BaseError as error:
            # What cannot be sent, or a channel that this process ends at the moment.
            return of_error(grpc.StatusCode.INTERNAL, f"Our own library gave up: {type(error).__name__}.")
