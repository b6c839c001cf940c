"""What every Delivery Solutions request brings along: a key, an account, a JSON body; knows no shipment."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Annotated, Any, TypeVar

from crossdock.v1.shipment_pb2 import Shipment
from crossdock.v1.shipment_service_pb2 import GetShipmentByExternalIdRequest
from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from gateway.dialects.callers import Callers, zone_of
from gateway.dialects.deliverysolutions.errors import Refused
from gateway.dialects.deliverysolutions.wire import Document, Invalid
from gateway.services_client import Metadata, ServicesClient
from gateway.strict_json import MalformedJson, loads

_KEY_HEADER = APIKeyHeader(name="x-api-key", scheme_name="deliverySolutionsKey", auto_error=False)
_TENANT_HEADER = APIKeyHeader(name="tenantid", scheme_name="deliverySolutionsTenant", auto_error=False)
_KEY = re.compile(r"[\x21-\x7e]{1,512}")
_JSON = re.compile(r'application/json(?:\s*;\s*charset="?utf-8"?)?', re.IGNORECASE)
MAX_EXTERNAL_ID = 100
_EXTERNAL_ID = re.compile(r"[^\x00-\x1f\x7f]{1,100}")
_ANY = "USD"
"""The currency of amounts that nobody will see: those of a shipment from nowhere."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Call:
    """A request as far as all of them are alike: who calls, for which account."""

    services: ServicesClient
    callers: Callers
    metadata: Metadata
    token: str
    tenant: str
    """The account, as its operator calls it."""

    async def __call__(self, method: Callable[..., Awaitable[Value]], request: Any) -> Value:
        """Call the services on the caller's behalf, with a deadline."""
        return await method(request, metadata=self.metadata, timeout=self.services.seconds)

    async def shipment(self, external_id: str) -> Shipment:
        """The shipment that the address names. Raises `Refused` for what no id can be."""
        if not _EXTERNAL_ID.fullmatch(external_id):
            raise Refused("INVALID_DATA", "Invalid data: Invalid Order Id")
        request = GetShipmentByExternalIdRequest(external_id=external_id)
        return (await self(self.services.shipments.GetShipmentByExternalId, request)).shipment

    async def currency(self, document: Document) -> str:
        """The currency of a new shipment's amounts: the one it tells, or its location's."""
        told, location = document.get("currencyCode"), document.get("locationExternalId")
        if isinstance(told, str) and told:
            return told
        if not isinstance(location, str) or not 1 <= len(location) <= MAX_EXTERNAL_ID:
            return ""  # which the reader or the services will complain about
        found = await self.callers.location_named(self.token, location, self.metadata)
        return found.currency_code if found.id else _ANY  # the services say that there is no such location

    async def zone(self, location_id: str) -> tzinfo:
        """The time zone of a location."""
        return zone_of(await self.callers.location(self.token, location_id, self.metadata))


async def call_of(
    request: Request,
    key: Annotated[str | None, Security(_KEY_HEADER)],
    tenant: Annotated[str | None, Security(_TENANT_HEADER)],
) -> Call:
    """The call, once its key is known and is of the account that it names."""
    services: ServicesClient = request.app.state.services
    callers: Callers = request.app.state.callers
    token = key or ""
    if not _KEY.fullmatch(token) or not tenant:
        raise Refused("UNAUTHORIZED")
    metadata: Metadata = (("authorization", f"Bearer {token}"), *_request_id(request))
    caller = await callers.caller(token, metadata)
    if not caller.tenant.external_id or caller.tenant.external_id != tenant:
        raise Refused("UNAUTHORIZED")
    return Call(services, callers, metadata, token, tenant)


async def document_of(request: Request) -> Document:
    """The body: a JSON object, and said to be one."""
    if not _JSON.fullmatch(request.headers.get("content-type", "").strip()):
        raise Invalid(("", "the Content-Type must be application/json"))
    body = await request.body()
    try:
        document = loads(body, max_bytes=max(len(body), 1))  # the edge has bounded it
    except MalformedJson as error:
        raise Invalid(("", f"the body is not valid JSON: {error}")) from None
    if not isinstance(document, dict):
        raise Invalid(("", "the body must be a JSON object"))
    return document


def _request_id(request: Request) -> Metadata:
    request_id = getattr(request.state, "request_id", "")
    return (("x-request-id", request_id),) if request_id else ()


ACall = Annotated[Call, Depends(call_of)]
ADocument = Annotated[Document, Depends(document_of)]
