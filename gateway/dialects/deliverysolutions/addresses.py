"""Which part of an address is a shipment's id: its sender's ids may have slashes, and words of ours in them.

`%2F` belongs to an id, whatever stands behind it: `/shipments/a%2Fstatus-history` is the shipment "a/status-history".
A bare slash does too, as some clients and proxies send it, unless what follows is the name of an operation:
`/shipments/a/status-history` is the history of the shipment "a".
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import Depends, FastAPI, Request
from starlette.types import Receive, Scope, Send

_ENCODED = re.compile(r"%2f", re.IGNORECASE)
_KEPT = "\udc2f"
"""A slash of an id, until the route is found: half a character, which no decoded address has."""


class Addresses:
    """An ASGI application around another one, which finds routes by the slashes that were not encoded."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    @property
    def routes(self) -> Sequence[Any]:
        """The routes within, for those who name requests by them."""
        return self._app.routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = str(scope.get("raw_path") or b"", "latin-1")
        if _ENCODED.search(raw):
            scope["path"] = _KEPT.join(unquote(part) for part in _ENCODED.split(raw))
        await self._app(scope, receive, send)


def _external_id(request: Request) -> str:
    told: str = request.path_params["shipment_external_id"]
    return told.replace(_KEPT, "/")


AnId = Annotated[str, Depends(_external_id)]
"""The id by which the sender of a shipment calls it, as it was meant."""
