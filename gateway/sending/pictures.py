"""Brings pictures that are stored with the services to messages that carry them; knows no dialect."""

from crossdock.v1 import delivery_service_pb2 as pb
from crossdock.v1.event_pb2 import EVENT_KIND_PROOF_ADDED
from crossdock.v1.subscription_pb2 import OutboundEvent

from gateway.services_client import ServicesClient


class Pictures:
    """The pictures of deliveries, asked for with the gateway's own key."""

    def __init__(self, services: ServicesClient) -> None:
        self._services = services

    async def bring(self, tenant_id: str, told: OutboundEvent) -> None:
        """Puts the pictures that an event tells of beside their hashes in the delivery. Raises AioRpcError."""
        if EVENT_KIND_PROOF_ADDED not in told.event.kinds:
            return
        wanted = {proof.image_sha256 for proof in told.event.report.patch.proofs} - {""}
        metadata = (*self._services.system, ("x-crossdock-tenant", tenant_id))
        for number, proof in enumerate(told.delivery.proofs, start=1):
            if proof.image_sha256 in wanted:
                request = pb.GetDeliveryProofRequest(delivery_id=told.delivery.id, number=number)
                answer = await self._services.deliveries.GetDeliveryProof(
                    request, metadata=metadata, timeout=self._services.seconds
                )
                proof.image = answer.image.data
