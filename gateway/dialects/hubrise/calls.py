"""What every HubRise request brings along: a token, the location it is about, a JSON body; knows no delivery."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Annotated, Any, TypeVar

import grpc
from crossdock.v1.access_pb2 import AccessLevel
from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from gateway.dialects.callers import Callers, zone_of
from gateway.dialects.hubrise import errors
from gateway.dialects.hubrise.errors import Refused
from gateway.dialects.hubrise.wire import Document
from gateway.services_client import Metadata, ServicesClient
from gateway.strict_json import MalformedJson, loads

_TOKEN_HEADER = APIKeyHeader(name="X-Access-Token", auto_error=False)
MAX_TRIES = 5
_TOKEN = re.compile(r"[\x21-\x7e]{1,512}")
_JSON = re.compile(r'application/json(?:\s*;\s*charset="?utf-8"?)?', re.IGNORECASE)

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Call:
    """A request as far as all of them are alike: who calls, and about which location."""

    services: ServicesClient
    metadata: Metadata
    location_id: str
    zone: tzinfo

    async def __call__(self, method: Callable[..., Awaitable[Value]], request: Any) -> Value:
        """Call the services on the caller's behalf, with a deadline."""
        return await method(request, metadata=self.metadata, timeout=self.services.seconds)

    def require_here(self, location_id: str, thing: str, identifier: str) -> None:
        """Raise when a thing belongs to another location than the address names: there it is not found."""
        if location_id != self.location_id:
            raise errors.not_found(thing, identifier)


async def call_of(request: Request, told: Annotated[str | None, Security(_TOKEN_HEADER)]) -> Call:
    """The call, once its token is known and its location within reach. The short form is for location tokens."""
    services: ServicesClient = request.app.state.services
    callers: Callers = request.app.state.callers
    token = told or ""
    if not _TOKEN.fullmatch(token):
        raise Refused(errors.UNAUTHORIZED)
    metadata: Metadata = (("authorization", f"Bearer {token}"), *_request_id(request))
    caller = await callers.caller(token, metadata)
    location_id = request.path_params.get("location_id") or caller.token.location_id
    if "location_id" not in request.path_params and caller.level != AccessLevel.ACCESS_LEVEL_LOCATION:
        raise Refused(
            errors.FORBIDDEN, "This address is for tokens of a location: name it with /locations/:location_id"
        )
    location = await callers.location(token, location_id, metadata)
    return Call(services, metadata, location.id, zone_of(location))


async def document_of(request: Request) -> Document:
    """The body: a JSON object, and said to be one."""
    if not _JSON.fullmatch(request.headers.get("content-type", "").strip()):
        raise Refused(errors.UNSUPPORTED, "The Content-Type must be application/json")
    body = await request.body()
    try:
        document = loads(body, max_bytes=max(len(body), 1))  # the edge has bounded it
    except MalformedJson as error:
        raise Refused(errors.BAD_REQUEST, f"The body is not valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise Refused(errors.BAD_REQUEST, "The body must be a JSON object")
    return document


async def until_undisturbed(attempt: Callable[[], Awaitable[Value]]) -> Value:
    """Read, decide and write again when somebody else wrote in between, a few times."""
    for _ in range(MAX_TRIES - 1):
        try:
            return await attempt()
        except grpc.aio.AioRpcError as error:
            if errors.reason_of(error) != "ETAG_MISMATCH":
                raise
    return await attempt()


def _request_id(request: Request) -> Metadata:
    request_id = getattr(request.state, "request_id", "")
    return (("x-request-id", request_id),) if request_id else ()


ACall = Annotated[Call, Depends(call_of)]
ADocument = Annotated[Document, Depends(document_of)]
