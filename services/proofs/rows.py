"""Pictures as rows, and which picture a URL gave; knows no rule about them."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.ext.asyncio import AsyncConnection

from services.db.proof_tables import proof_fetches, proof_images
from services.proofs.pictures import Picture

Key = tuple[UUID, bytes]
"""Tenant and hash."""


class StoredPicture(NamedTuple):
    """What is served."""

    media_type: str
    content: bytes


async def insert(connection: AsyncConnection, pictures: Mapping[Key, Picture], now: datetime) -> None:
    """Stores each picture once, in one order, so that transactions with the same pictures cannot wait in a circle."""
    for tenant_id, digest in sorted(pictures):
        picture = pictures[tenant_id, digest]
        # A statement each: together they may be larger than a statement's parameters should be.
        await connection.execute(
            insert_or(proof_images)
            .values(
                tenant_id=tenant_id,
                sha256=digest,
                media_type=picture.media_type,
                size=len(picture.content),
                content=picture.content,
                create_time=now,
            )
            .on_conflict_do_nothing()
        )


async def read(connection: AsyncConnection, key: Key) -> StoredPicture | None:
    """A picture by its hash."""
    query = sa.select(proof_images.c.media_type, proof_images.c.content).where(
        proof_images.c.tenant_id == key[0], proof_images.c.sha256 == key[1]
    )
    row = (await connection.execute(query)).first()
    return None if row is None else StoredPicture(row.media_type, row.content)


async def fetched(connection: AsyncConnection, delivery: tuple[UUID, UUID], url: str) -> bytes | None:
    """The hash of the picture that a URL gave for this delivery; None when nobody has fetched it."""
    columns = proof_fetches.c
    query = sa.select(columns.sha256).where(
        columns.tenant_id == delivery[0],
        columns.delivery_id == delivery[1],
        columns.url_sha256 == sha256(url.encode()).digest(),
    )
    found: bytes | None = await connection.scalar(query)
    return found


async def note_fetched(
    connection: AsyncConnection, delivery: tuple[UUID, UUID], url: str, digest: bytes, now: datetime
) -> None:
    """Remembers what a URL gave; the first answer counts, as a proof does not change."""
    await connection.execute(
        insert_or(proof_fetches)
        .values(
            tenant_id=delivery[0],
            delivery_id=delivery[1],
            url_sha256=sha256(url.encode()).digest(),
            sha256=digest,
            create_time=now,
        )
        .on_conflict_do_nothing()
    )
