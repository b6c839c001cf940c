"""Fetches pictures that carriers keep for themselves, and hands them to the services; serves none itself.

The services do no HTTP: asked for such a picture they answer PROOF_NOT_STORED, to who may see the delivery. Then this
fetches it, once for all who wait for it, has it stored, and the call is made again.
"""

import asyncio
from collections.abc import Mapping

import grpc
import structlog
from crossdock.v1 import delivery_service_pb2 as pb

from gateway import failures
from gateway.egress import Answer, Egress, EgressFailed, TimedOut, Unreachable
from gateway.services_client import ServicesClient
from gateway.transcode.endpoints import Remedy
from gateway.transcode.headers import Headers
from gateway.transcode.refusals import Refusal

log = structlog.get_logger("crossdock.proofs")

MAX_BYTES = 10 << 20
FETCH_SECONDS = 15.0

_GET = "/crossdock.v1.DeliveryService/GetDeliveryProof"
_OK, _TOO_MANY, _SERVER_ERRORS = 200, 429, 500
_SOON, _LATER = 5, 60

Key = tuple[str, str, str]
"""Tenant, delivery and number of a proof."""


class Proofs:
    """The fetches under way in this process."""

    def __init__(self, services: ServicesClient, egress: Egress) -> None:
        self._services = services
        self._egress = egress
        self._under_way: dict[Key, asyncio.Task[None]] = {}

    @property
    def remedies(self) -> Mapping[str, Remedy]:
        """What the canonical face does about methods that fail for the lack of a picture."""
        return {_GET: self._remedy}

    async def _remedy(self, failure: grpc.aio.AioRpcError, _headers: Headers) -> bool:
        said = failures.read(failure)
        if said.reason != "PROOF_NOT_STORED" or not self._services.system:
            return False
        key = (said.metadata["tenant_id"], said.metadata["delivery_id"], said.metadata["number"])
        fetch = self._under_way.get(key)
        if fetch is None:
            fetch = self._under_way[key] = asyncio.create_task(self._bring(key))
            fetch.add_done_callback(lambda done: self._done(key, done))
        # Whoever hangs up does not take it from the others.
        await asyncio.shield(fetch)
        return True

    def _done(self, key: Key, fetch: "asyncio.Task[None]") -> None:
        del self._under_way[key]
        if not fetch.cancelled():
            fetch.exception()  # looked at, should nobody wait any more

    async def _bring(self, key: Key) -> None:
        try:
            await self._fetch(key)
        except grpc.aio.AioRpcError as error:
            # About us, not about the caller, whose own call went through.
            if error.code() not in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
                raise
            log.error("the services refuse our own key", details=error.details())  # noqa: TRY400  no fault of the code
            message = "the services do not let the gateway fetch pictures"
            raise Refusal(grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", message, retry_seconds=_LATER) from None

    async def _fetch(self, key: Key) -> None:
        tenant_id, delivery_id, number = key
        metadata = (*self._services.system, ("x-crossdock-tenant", tenant_id))
        seconds = self._services.seconds
        wanted = pb.ResolveDeliveryProofRequest(delivery_id=delivery_id, number=int(number))
        kept = await self._services.deliveries.ResolveDeliveryProof(wanted, metadata=metadata, timeout=seconds)
        image = await self._image(key, kept)
        found = pb.StoreDeliveryProofRequest(delivery_id=delivery_id, url=kept.url, image=image)
        try:
            await self._services.deliveries.StoreDeliveryProof(found, metadata=metadata, timeout=seconds)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
                raise _unavailable(key, "what it answers is no picture", passing=False) from None
            raise

    async def _image(self, key: Key, kept: pb.ResolveDeliveryProofResponse) -> bytes:
        headers = {header.name: header.value for header in kept.headers}
        try:
            answer = await self._egress.get(kept.url, headers, timeout_seconds=FETCH_SECONDS, max_bytes=MAX_BYTES)
        except EgressFailed as failed:
            raise _unavailable(key, str(failed), passing=isinstance(failed, TimedOut | Unreachable)) from None
        if answer.status != _OK or not answer.body:
            raise _unavailable(key, f"it answers with status {answer.status}", passing=_may_pass(answer))
        return answer.body


def _may_pass(answer: Answer) -> bool:
    return answer.status == _TOO_MANY or answer.status >= _SERVER_ERRORS


def _unavailable(key: Key, answer: str, *, passing: bool) -> Refusal:
    """The carrier's fault: 503 for what may pass soon, 502 for what it would say again."""
    return Refusal(
        grpc.StatusCode.UNAVAILABLE,
        "PROOF_UNAVAILABLE",
        f"the carrier keeps this picture and does not give it: {answer}",
        {"delivery_id": key[1], "number": key[2], "answer": answer},
        http_status=503 if passing else 502,
        retry_seconds=_SOON if passing else _LATER,
    )
