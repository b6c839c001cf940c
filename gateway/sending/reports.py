"""Tells the services what was tried, many leases in one call, and again until they hear it; knows no HTTP."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import grpc
import structlog
from crossdock.v1 import subscription_service_pb2 as contract
from crossdock.v1.subscription_service_pb2 import LeaseReport, LeaseReportResult

from gateway.sending.measures import SendingMeasures
from gateway.services_client import ServicesClient
from runtime.coalescer import Coalescer

MAX_BATCH = 16
"""Leases per call: their attempts, with excerpts, must fit into one message."""
MAX_IN_FLIGHT = 4
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0

# What lies in the report itself and will be so next time. For all else the services are waited for.
_HOPELESS = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)

_log = structlog.get_logger("crossdock.sending")


class NotReported(Exception):
    """The services will not have this report. Its leases run out, and its events are sent again."""


class Reports:
    """The way of attempts to their commit. One per process."""

    def __init__(
        self, services: ServicesClient, measures: SendingMeasures, sender_id: str, lease_seconds: float
    ) -> None:
        self._services = services
        self._measures = measures
        self._sender_id = sender_id
        self._lease_seconds = lease_seconds
        self._given_up = asyncio.Event()
        self._coalescer: Coalescer[LeaseReport, LeaseReportResult] = Coalescer(
            self._send, max_batch=MAX_BATCH, max_waiting=100_000, max_in_flight=MAX_IN_FLIGHT
        )

    async def submit(self, report: LeaseReport) -> LeaseReportResult:
        """What became of the lease, however long the services are away. Raises NotReported."""
        return await self._coalescer.submit(report)

    def give_up(self) -> None:
        """Waits for the services no longer: what they do not take at once is not reported."""
        self._given_up.set()

    async def _send(self, reports: Sequence[LeaseReport]) -> Sequence[LeaseReportResult | BaseException]:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._call(reports)
            except grpc.aio.AioRpcError as error:
                code = error.code()
                self._measures.calls_failed.labels("ReportAttempts", code.name).inc()
                if code in _HOPELESS:
                    _log.error("the services refused a report", code=code.name, details=error.details())
                    if len(reports) == 1:
                        return [NotReported(code.name)]
                    # One report must not cost its neighbours.
                    return [result for each in reports for result in await self._send([each])]
            with suppress(TimeoutError):
                await asyncio.wait_for(self._given_up.wait(), pause)
                return [NotReported("the end has come") for _ in reports]
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _call(self, reports: Sequence[LeaseReport]) -> Sequence[LeaseReportResult]:
        request = contract.ReportAttemptsRequest(sender_id=self._sender_id, reports=reports)
        request.duration.FromMilliseconds(int(self._lease_seconds * 1000))
        response = await self._services.subscriptions.ReportAttempts(
            request, metadata=self._services.system, timeout=self._services.seconds
        )
        return response.results
