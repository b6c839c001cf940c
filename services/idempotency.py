"""Repeatable calls: the same request id gives the same answer; knows nothing of what the calls do.

The key is inserted first, in the caller's own transaction. A second copy of the call waits on the unique
key until the first one's transaction ends: then it gets the stored answer, or takes the key over if the
first one failed, was cancelled or died. Nothing is ever looked up first and inserted afterwards.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from uuid import UUID

import sqlalchemy as sa
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.callers import Caller
from services.db.tables import idempotency_keys as keys
from services.errors import Problem

Response = TypeVar("Response", bound=Message)

NO_TENANT = UUID(int=0)
"""Stands for the tenant in calls of the deployment's own key that belong to none."""


async def once(
    connection: AsyncConnection,
    caller: Caller,
    method: str,
    request: Any,
    produce: Callable[[], Awaitable[Response]],
    *,
    scrub: Callable[[Response], None] | None = None,
) -> Response:
    """The answer that ``produce`` gives, or gave to the caller's earlier call with the same ``request_id``.

    ``connection`` is in the transaction that does the work, and the caller lets every error out of it, so
    that an error stores nothing. ``method`` is the full name as gRPC writes it. ``scrub`` takes out of a
    copy of the answer what must not be stored: secrets that are told once. Raises REQUEST_ID_REUSED when
    the request id stands for another request.
    """
    if not request.request_id or getattr(request, "validate_only", False):
        return await produce()  # a dry run leaves nothing, not even the memory of it
    key = {
        "tenant_id": caller.tenant_id or NO_TENANT,
        "method": method,
        "caller": caller.actor.id,
        "request_id": request.request_id,
    }
    digest = _digest(request)
    this_key = sa.and_(*(keys.c[name] == value for name, value in key.items()))
    claim = (
        insert(keys)
        .values(**key, request_hash=digest, response=b"", create_time=datetime.now(UTC))
        .on_conflict_do_nothing()
        .returning(keys.c.request_id)
    )
    while (await connection.execute(claim)).first() is None:
        stored = (await connection.execute(sa.select(keys.c.request_hash, keys.c.response).where(this_key))).first()
        if stored is None:
            continue  # aged out between the two statements
        if stored.request_hash != digest:
            raise Problem(
                "REQUEST_ID_REUSED",
                "request_id was used for another request",
                {"request_id": request.request_id},
            )
        return cast(Response, _response_class(method).FromString(stored.response))

    response = await produce()
    kept = response
    if scrub is not None:
        kept = type(response)()
        kept.CopyFrom(response)
        scrub(kept)
    await connection.execute(sa.update(keys).where(this_key).values(response=kept.SerializeToString()))
    return response


async def revise(
    connection: AsyncConnection, caller: Caller, method: str, request: Any, response: Message | None
) -> None:
    """Puts a later answer in the place of the one that `once` stored; None forgets it, as an error stores nothing."""
    if not request.request_id:
        return
    this_key = sa.and_(
        keys.c.tenant_id == (caller.tenant_id or NO_TENANT),
        keys.c.method == method,
        keys.c.caller == caller.actor.id,
        keys.c.request_id == request.request_id,
    )
    change = sa.delete(keys) if response is None else sa.update(keys).values(response=response.SerializeToString())
    await connection.execute(change.where(this_key))


def _digest(request: Any) -> bytes:
    body = type(request)()
    body.CopyFrom(request)
    body.ClearField("request_id")
    return hashlib.sha256(body.SerializeToString(deterministic=True)).digest()


def _response_class(method: str) -> type[Message]:
    descriptor = descriptor_pool.Default().FindMethodByName(method.removeprefix("/").replace("/", "."))
    return message_factory.GetMessageClass(descriptor.output_type)
