"""Hands authentic messages to the services in batches and tells what became of each; knows no HTTP.

One message must never cost its neighbours: a batch that is refused for what is in it is halved until the
culprit stands alone, and that one is stored without its reading, as malformed.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence

import grpc
import structlog
from crossdock.v1.webhook_service_pb2 import (
    BatchIngestWebhooksRequest,
    IngestWebhookRequest,
    IngestWebhookResponse,
)

from gateway.services_client import ServicesClient
from gateway.webhooks.measures import WebhookMeasures
from runtime.coalescer import BatchFailed, Coalescer, CoalescerClosed, Overloaded

# The services take 17 MiB in one message, and one webhook may have 16.
MAX_CALL_BYTES = 1 << 20

# What can lie in the batch. All else lies with the services or with our way to them.
_IN_THE_BATCH = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
    }
)

_log = structlog.get_logger("crossdock.ingest")


class NotStored(Exception):
    """It may be stored or not: nobody confirmed it. The sender must send it again, and dedupe keys make that safe."""

    def __init__(self, reason: str, *, ours: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.ours = ours  # it lies with the services, not with the message


class Ingest:
    """The way of messages to their commit. One per process."""

    def __init__(
        self,
        services: ServicesClient,
        measures: WebhookMeasures,
        *,
        max_batch: int,
        max_in_flight: int,
        max_waiting: int,
        max_waiting_bytes: int,
    ) -> None:
        self._services = services
        self._measures = measures
        self._max_waiting_bytes = max_waiting_bytes
        self._waiting_bytes = 0
        self._coalescer: Coalescer[IngestWebhookRequest, IngestWebhookResponse] = Coalescer(
            self._send, max_batch=max_batch, max_waiting=max_waiting, max_in_flight=max_in_flight
        )

    async def store(self, message: IngestWebhookRequest) -> IngestWebhookResponse:
        """Say what became of the message, once it is committed; raise NotStored if nobody says so."""
        began = time.perf_counter()
        size = len(message.body)
        try:
            if self._waiting_bytes + size > self._max_waiting_bytes:
                raise Overloaded
            self._waiting_bytes += size
            try:
                result = await self._coalescer.submit(message)
            finally:
                self._waiting_bytes -= size
        except (NotStored, Overloaded, CoalescerClosed, BatchFailed) as error:
            reason = error.reason if isinstance(error, NotStored) else type(error).__name__
            self._measures.refused.labels(reason).inc()
            # Here, not where the batch is sent: this line has the request's id.
            _log.error("an authentic webhook could not be stored", reason=reason, source_id=message.source_id)
            raise NotStored(reason) from error
        except Exception as error:
            self._measures.refused.labels("internal").inc()
            _log.exception("an authentic webhook could not be stored", source_id=message.source_id)
            raise NotStored("internal") from error
        self._measures.ingest_seconds.observe(time.perf_counter() - began)
        return result

    async def close(self) -> None:
        """Take nothing more, and return when all that was taken is answered."""
        await self._coalescer.close()

    async def _send(self, messages: Sequence[IngestWebhookRequest]) -> list[IngestWebhookResponse | BaseException]:
        results: list[IngestWebhookResponse | BaseException] = []
        for part in _parts(messages):
            failed = results[-1] if results else None
            if isinstance(failed, NotStored) and failed.ours:
                # Each further call would wait as long, and fail as the last one did.
                results += [NotStored(failed.reason, ours=True) for _ in part]
            else:
                results += await self._send_part(part)
        return results

    async def _send_part(
        self, messages: Sequence[IngestWebhookRequest]
    ) -> Sequence[IngestWebhookResponse | BaseException]:
        try:
            return await self._call(messages)
        except grpc.aio.AioRpcError as error:
            code = error.code()
            if code not in _IN_THE_BATCH:
                return [NotStored(code.name, ours=True) for _ in messages]
            if len(messages) == 1:
                return [await self._store_unread(messages[0], error)]
        half = len(messages) // 2
        return [*await self._send_part(messages[:half]), *await self._send_part(messages[half:])]

    async def _store_unread(
        self, message: IngestWebhookRequest, error: grpc.aio.AioRpcError
    ) -> IngestWebhookResponse | BaseException:
        code = error.code()
        _log.error(
            "the services refused a webhook", code=code.name, source_id=message.source_id, details=error.details()
        )
        if not message.HasField("report"):
            return NotStored(code.name)
        unread = IngestWebhookRequest()
        unread.CopyFrom(message)
        unread.ClearField("report")
        unread.malformed = f"its reading was refused: {error.details()}"[:2000]
        # Not the fact's own key: when the fault is mended and the message comes again, it must count.
        unread.dedupe_key = hashlib.sha256(message.body).hexdigest()
        try:
            result = (await self._call([unread]))[0]
        except grpc.aio.AioRpcError as second:
            return NotStored(second.code().name)
        self._measures.report_refused.labels(code.name).inc()
        return result

    async def _call(self, messages: Sequence[IngestWebhookRequest]) -> Sequence[IngestWebhookResponse]:
        self._measures.batch_size.observe(len(messages))
        response = await self._services.webhooks.BatchIngestWebhooks(
            BatchIngestWebhooksRequest(webhooks=messages),
            metadata=self._services.system,
            timeout=self._services.seconds,
        )
        if len(response.results) != len(messages):
            raise BatchFailed(f"{len(messages)} messages were sent, and {len(response.results)} results came back")
        return response.results


def _parts(messages: Sequence[IngestWebhookRequest]) -> Iterator[Sequence[IngestWebhookRequest]]:
    """The batch cut, in its order, into calls that the services take."""
    begin, total = 0, 0
    for position, message in enumerate(messages):
        size = message.ByteSize()
        if position > begin and total + size > MAX_CALL_BYTES:
            yield messages[begin:position]
            begin, total = position, 0
        total += size
    yield messages[begin:]
