"""Who is calling: turns a bearer token into a ``Caller``; knows nothing of what a caller may do.

Tokens are looked up by their SHA-256, those of many simultaneous calls in one statement, and remembered for a
second at most, so that a revoked one is refused within two. The expiry is checked on every call.
"""

import hmac
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from crossdock.v1.access_pb2 import AccessLevel, Token

from runtime import typeid
from runtime.coalescer import Coalescer, Overloaded
from services import tokens
from services.callers import Caller
from services.db import tables
from services.errors import Problem, not_found
from services.hub import Hub

REMEMBERED_SECONDS = 1.0
MAX_REMEMBERED = 10_000
MAX_WAITING = 2_000


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    expire_time: datetime | None
    revoked: bool
    forget_at: float


class Authenticator:
    """Recognises callers. One per process."""

    def __init__(self, hub: Hub, *, max_remembered: int = MAX_REMEMBERED) -> None:
        self._hub = hub
        self._max_remembered = max_remembered
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._tenants: OrderedDict[UUID, None] = OrderedDict()
        self._look_ups: Coalescer[bytes, _Known | None] = Coalescer(self._look_up, max_waiting=MAX_WAITING)
        key = hub.settings.system_token.get_secret_value()
        self._system_digest = tokens.digest(key) if key else None

    async def authenticate(self, bearer: str | None, tenant_hint: str | None = None) -> Caller:
        """The bearer of the token, which comes without its ``Bearer`` word.

        ``tenant_hint`` is the id of the tenant for which the deployment's own key acts; from other tokens
        it may only be their own tenant. Raises TOKEN_INVALID, TOKEN_ENDED, or NOT_FOUND of the tenant.
        """
        if not bearer:
            raise Problem("TOKEN_INVALID", "a bearer token is needed in the authorization metadata")
        digest = tokens.digest(bearer)
        if self._system_digest is not None and hmac.compare_digest(digest, self._system_digest):
            return await self._system_caller(tenant_hint)
        if not tokens.is_well_formed(bearer):
            raise Problem("TOKEN_INVALID", "the bearer token is not one of ours")
        known = await self._find(digest)
        if known is None:
            raise Problem("TOKEN_INVALID", "the bearer token is not one of ours")
        if known.revoked or (known.expire_time is not None and known.expire_time <= self._hub.now()):
            raise Problem("TOKEN_ENDED", "the bearer token was revoked or has ended")
        if tenant_hint and tenant_hint != typeid.encode("ten", known.caller.tenant):
            raise not_found("tenant", tenant_hint)
        return known.caller

    async def close(self) -> None:
        """Waits for the look-ups under way."""
        await self._look_ups.close()

    async def _find(self, digest: bytes) -> _Known | None:
        known = self._known.get(digest)
        if known is not None and known.forget_at > time.monotonic():
            self._known.move_to_end(digest)
            return known
        try:
            return await self._look_ups.submit(digest)
        except Overloaded:
            raise Problem("OVERLOADED", "too many tokens wait to be looked up", {"limit": str(MAX_WAITING)}) from None

    async def _look_up(self, digests: Sequence[bytes]) -> list[_Known | None]:
        # Counted from before the statement: what it misses must not be believed any longer than that.
        forget_at = time.monotonic() + REMEMBERED_SECONDS
        t = tables.tokens
        query = sa.select(t).where(
            t.c.token_hash == sa.any_(sa.literal(list(set(digests)), sa.ARRAY(t.c.token_hash.type)))
        )
        async with self._hub.engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        found: dict[bytes, _Known] = {}
        for row in rows:
            token = Token.FromString(row.document)
            found[row.token_hash] = _Known(
                Caller(
                    tenant_id=row.tenant_id,
                    level=AccessLevel.ValueType(row.level),
                    scopes=frozenset(row.scopes),
                    location_id=row.location_id,
                    token_id=row.token_id,
                    display_name=token.display_name,
                    calls_per_minute=token.calls_per_minute,
                ),
                row.expire_time,
                row.revoke_time is not None,
                forget_at,
            )
        # Unknown ones are not remembered: inventing tokens must not push out those that exist.
        self._known.update(found)
        while len(self._known) > self._max_remembered:
            self._known.popitem(last=False)
        return [found.get(digest) for digest in digests]

    async def _system_caller(self, tenant_hint: str | None) -> Caller:
        tenant_id = await self._existing_tenant(tenant_hint) if tenant_hint else None
        return Caller(tenant_id=tenant_id, level=AccessLevel.ACCESS_LEVEL_SYSTEM, display_name="system")

    async def _existing_tenant(self, identifier: str) -> UUID:
        try:
            tenant_id = typeid.decode("ten", identifier)
        except typeid.InvalidId:
            raise not_found("tenant", identifier) from None
        if tenant_id not in self._tenants:  # tenants are never removed
            t = tables.tenants
            query = sa.select(t.c.tenant_id).where(t.c.tenant_id == tenant_id)
            async with self._hub.engine.connect() as connection:
                if (await connection.execute(query)).first() is None:
                    raise not_found("tenant", identifier)
            self._tenants[tenant_id] = None
            while len(self._tenants) > self._max_remembered:
                self._tenants.popitem(last=False)
        return tenant_id
