"""Who is calling, as far as a servicer needs to know; how a caller is recognised is `authentication`'s business."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import UUID

from crossdock.v1 import actor_pb2
from crossdock.v1.access_pb2 import AccessLevel, Scope
from crossdock.v1.actor_pb2 import ActorKind

from runtime import typeid
from services.errors import Problem, not_found


@dataclass(frozen=True)
class Caller:
    """The bearer of a token. ``tenant_id`` is None only for the deployment's own key with no tenant chosen.

    ``calls_per_minute`` is the token's own limit; 0 for the deployment's default.
    """

    tenant_id: UUID | None
    level: "AccessLevel.ValueType"
    scopes: frozenset["Scope.ValueType"] = field(default_factory=frozenset)
    location_id: UUID | None = None
    token_id: UUID | None = None
    display_name: str = ""
    calls_per_minute: int = 0

    @property
    def tenant(self) -> UUID:
        """The tenant on whose data the call works. Raises when the deployment's own key chose none."""
        if self.tenant_id is None:
            raise Problem(
                "SCOPE_MISSING",
                "this key belongs to no tenant: name one in the x-crossdock-tenant metadata",
                {"level": AccessLevel.Name(AccessLevel.ACCESS_LEVEL_ACCOUNT), "scope": ""},
            )
        return self.tenant_id

    @property
    def actor(self) -> actor_pb2.Actor:
        """The caller as the actor of an event."""
        identifier = typeid.encode("tok", self.token_id) if self.token_id else "system"
        return actor_pb2.Actor(kind=ActorKind.ACTOR_KIND_CALLER, id=identifier, display_name=self.display_name)

    def require_location(self, location_id: UUID | None, resource: str, identifier: str) -> None:
        """Hides what lies outside the one location of a LOCATION token."""
        if self.location_id is not None and self.location_id != location_id:
            raise not_found(resource, identifier)


_current: ContextVar[Caller] = ContextVar("caller")


def current() -> Caller:
    """The caller of the RPC that is being served."""
    return _current.get()


def set_current(caller: Caller) -> None:
    """Remembers the caller for the rest of this RPC's task; only the authentication interceptor does it."""
    _current.set(caller)
