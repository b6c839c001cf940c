"""Serves the OpenAPI document and the page that shows it, all from this process: nothing comes from elsewhere.

The page is Swagger UI, whose files come with the package fastapi-swagger. Made at the first request, in a thread,
and kept; a caller that has it already is answered 304.
"""

import asyncio
import gzip
import hashlib
import importlib.resources
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

_HERE = importlib.resources.files("gateway.openapi") / "page"
_PAGE = "docs.html"
_OWN = {_PAGE: "text/html; charset=utf-8", "start.js": "text/javascript; charset=utf-8"}
_SWAGGER = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What the page may do: nothing inline, nothing from elsewhere."""
# Asked for each time, answered 304 as long as it is the same: a new release is seen at once.
_CACHE = "no-cache"


@dataclass(frozen=True)
class Kept:
    """Bytes ready to be sent, plain and compressed."""

    body: bytes
    media_type: str
    etag: str
    compressed: bytes

    @classmethod
    def of(cls, body: bytes, media_type: str) -> "Kept":
        """Of these bytes."""
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        return cls(body, media_type, etag, gzip.compress(body, 6, mtime=0))

    def answer(self, request: Request) -> Response:
        """What this request gets of it."""
        headers = {"ETag": self.etag, "Cache-Control": _CACHE, "Vary": "Accept-Encoding"}
        if self.media_type.startswith("text/html"):
            headers["Content-Security-Policy"] = POLICY
        if _has(request.headers.get("if-none-match", ""), self.etag):
            return Response(status_code=304, headers=headers)
        body = self.body
        if _takes_gzip(request.headers.get("accept-encoding", "")):
            body, headers["Content-Encoding"] = self.compressed, "gzip"
        return Response(body, headers=headers | {"Content-Type": self.media_type})


class Pages:
    """The routes of the document and its page. `make` gives the document's bytes; it is called once, in a thread."""

    def __init__(self, make: Callable[[], bytes]) -> None:
        self._makers: Mapping[str, Callable[[], Kept]] = {
            "openapi.json": lambda: Kept.of(make(), "application/json"),
            **{name: _loader(_HERE / name, kind) for name, kind in _OWN.items()},
            **{name: _swagger_loader(name, kind) for name, kind in _SWAGGER.items()},
        }
        self._kept: dict[str, asyncio.Task[Kept]] = {}

    def routes(self) -> list[BaseRoute]:
        """Where they are served."""
        return [
            Route("/openapi.json", self._document),
            Route("/docs", self._page),
            Route("/docs/{file}", self._file),
        ]

    async def _document(self, request: Request) -> Response:
        return await self._answer("openapi.json", request)

    async def _page(self, request: Request) -> Response:
        return await self._answer(_PAGE, request)

    async def _file(self, request: Request) -> Response:
        name = request.path_params["file"]
        if name == _PAGE or name not in (*_OWN, *_SWAGGER):
            raise HTTPException(404, "the page has no such file")
        return await self._answer(name, request)

    async def _answer(self, name: str, request: Request) -> Response:
        making = self._kept.get(name)
        if making is None or (making.done() and making.exception() is not None):
            making = self._kept[name] = asyncio.create_task(asyncio.to_thread(self._makers[name]))
        # A caller who leaves must not take away what others wait for.
        return (await asyncio.shield(making)).answer(request)


def _loader(file: Traversable, kind: str) -> Callable[[], Kept]:
    return lambda: Kept.of(file.read_bytes(), kind)


def _swagger_loader(name: str, kind: str) -> Callable[[], Kept]:
    return lambda: Kept.of((importlib.resources.files("fastapi_swagger.resources") / name).read_bytes(), kind)


def _has(condition: str, etag: str) -> bool:
    """`If-None-Match`, compared weakly."""
    return any(each.strip().removeprefix("W/") in (etag, "*") for each in condition.split(","))


def _takes_gzip(accepted: str) -> bool:
    for each in accepted.lower().split(","):
        coding, _, quality = each.replace(" ", "").partition(";")
        if coding in ("gzip", "*"):
            return quality not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
