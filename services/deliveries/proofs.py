"""The proofs of a delivery: their pictures, and where those are kept that nobody has fetched; does no HTTP."""

from crossdock.v1 import delivery_service_pb2 as pb
from crossdock.v1.proof_pb2 import Proof
from crossdock.v1.webhook_pb2 import FetchHeader
from google.api.httpbody_pb2 import HttpBody
from sqlalchemy.ext.asyncio import AsyncConnection

from services import ids
from services.deliveries import rows
from services.deliveries.rows import Stored
from services.errors import Problem, invalid, not_found
from services.hub import Hub
from services.proofs import rows as pictures
from services.proofs.pictures import NoPicture, picture_of
from services.webhooks import fetching, secrets, source_rows


async def show(hub: Hub, stored: Stored, number: int) -> pb.GetDeliveryProofResponse:
    """The picture of a proof, counted from 1.

    Raises NOT_FOUND when there is no such proof or it has no picture, PROOF_NOT_STORED when only its URL is known.
    """
    proof = _find(stored, number)
    async with hub.engine.connect() as connection:
        digest = bytes.fromhex(proof.image_sha256)
        if not digest and proof.url:
            digest = await pictures.fetched(connection, stored.key, proof.url) or b""
            if not digest:
                raise _not_stored(stored, number)
        found = await pictures.read(connection, (stored.tenant_id, digest))
    if found is None:
        raise _no_picture(stored, number)
    image = HttpBody(content_type=found.media_type, data=found.content)
    return pb.GetDeliveryProofResponse(image=image, etag=digest.hex())


async def resolve(hub: Hub, stored: Stored, number: int) -> pb.ResolveDeliveryProofResponse:
    """Where a proof is kept. Credentials only where the source that told of it names the host of its URL."""
    proof = _find(stored, number)
    if not proof.url:
        raise _no_picture(stored, number)
    async with hub.engine.connect() as connection:
        headers = await _credentials(hub, connection, stored, proof.url)
    return pb.ResolveDeliveryProofResponse(url=proof.url, headers=headers)


async def keep(hub: Hub, stored: Stored, request: pb.StoreDeliveryProofRequest) -> None:
    """Stores the picture that one of the delivery's URLs gave. Raises INVALID_REQUEST when it is none."""
    if all(proof.url != request.url for proof in stored.delivery.proofs):
        raise not_found("proof", request.url)
    try:
        picture = picture_of(request.image)
    except NoPicture as error:
        raise invalid("image", str(error), "proof.picture") from None
    async with hub.transaction() as connection:
        await pictures.insert(connection, {(stored.tenant_id, picture.sha256): picture}, hub.now())
        await pictures.note_fetched(connection, stored.key, request.url, picture.sha256, hub.now())


async def _credentials(hub: Hub, connection: AsyncConnection, stored: Stored, url: str) -> list[FetchHeader]:
    """Of the sources whose own messages told of this URL: what a partner wrote into a delivery earns no trust."""
    history = await rows.history(connection, [stored.key])
    told = {
        event.source_id
        for event in history[stored.key]
        if event.source_id and event.webhook_id and any(each.url == url for each in event.report.patch.proofs)
    }
    for source in (await source_rows.find_anywhere(connection, told)).values():
        if source.tenant_id == stored.tenant_id and fetching.names_host(source.source, url):
            return secrets.unseal_headers(hub.sealer, source.tenant_id, source.source_id, source.sealed)
    return []


def _find(stored: Stored, number: int) -> Proof:
    if number > len(stored.delivery.proofs):
        raise _no_picture(stored, number)
    return stored.delivery.proofs[number - 1]


def _no_picture(stored: Stored, number: int) -> Problem:
    return not_found("proof", f"{stored.delivery.id}/proofs/{number}")


def _not_stored(stored: Stored, number: int) -> Problem:
    metadata = {
        "tenant_id": ids.write("tenant", stored.tenant_id),
        "delivery_id": stored.delivery.id,
        "number": str(number),
    }
    return Problem("PROOF_NOT_STORED", "the carrier keeps the picture, and nobody has fetched it yet", metadata)
