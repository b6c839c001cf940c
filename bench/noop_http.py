"""The ceiling of HTTP: a Starlette route that does nothing, under uvicorn set up as the gateway sets it up."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def _nothing(request: Request) -> Response:
    await request.body()
    return Response(b'{"statusCode":200}', media_type="application/json")


_PATHS = ("/webhooks/{dialect}/{source_id}/{secret}", "/webhooks/{dialect}/{source_id}")
app = Starlette(routes=[Route(path, _nothing, methods=["POST"]) for path in _PATHS])
