"""Asks who calls and whether they may; how callers are recognised and what methods need is others' knowledge."""

from typing import Any

from services import callers, permissions
from services.authentication import Authenticator
from services.errors import Problem
from services.interceptors.calls import Context, Layer, Method, Proceed

TENANT_KEY = "x-crossdock-tenant"


def authenticating(authenticator: Authenticator) -> Layer:
    """The layer: within it ``callers.current()`` is the caller."""

    def layer(method: Method, proceed: Proceed) -> Proceed:
        name = method.name

        async def recognise(request: bytes, context: Context) -> Any:
            bearer = tenant = None
            for key, value in context.invocation_metadata() or ():
                if key == "authorization":
                    bearer = _bearer(value, bearer)
                elif key == TENANT_KEY:
                    tenant = value if isinstance(value, str) else None
            caller = await authenticator.authenticate(bearer, tenant)
            permissions.require(name, caller)
            callers.set_current(caller)
            return await proceed(request, context)

        return recognise

    return layer


def _bearer(value: str | bytes, former: str | None) -> str:
    scheme, _, token = value.partition(" ") if isinstance(value, str) else ("", "", "")
    if former is not None or scheme.lower() != "bearer" or not token.strip():
        raise Problem("TOKEN_INVALID", "the authorization metadata must be one value: Bearer and a token")
    return token.strip()
