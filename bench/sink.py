"""A subscriber for loads: verifies every signature, and tells what came when; run by uvicorn."""

import time

from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_verifiers: dict[str, Webhook] = {}
_came: dict[str, float] = {}
_wrong: list[str] = []


async def know(request: Request) -> Response:
    """Takes the secrets of subscriptions by the names that stand in their paths, and forgets what came."""
    for told in (_verifiers, _came, _wrong):
        told.clear()
    _verifiers.update({name: Webhook(secret) for name, secret in (await request.json()).items()})
    return Response(status_code=204)


async def hook(request: Request) -> Response:
    """A message: 204 when its signature is right."""
    name = request.path_params["name"]
    body = await request.body()
    try:
        _verifiers[name].verify(body, dict(request.headers))
    except Exception as error:  # noqa: BLE001  whatever is wrong with it, it is told
        _wrong.append(type(error).__name__)
        return Response(status_code=400)
    _came.setdefault(f"{name} {request.headers['webhook-id']}", time.time())
    return Response(status_code=204)


async def came(request: Request) -> Response:
    """The messages by subscription and id with the moment of their first coming; or, briefly, how many."""
    if "count" in request.query_params:
        return JSONResponse({"came": len(_came), "wrong": len(_wrong)})
    return JSONResponse({"came": _came, "wrong": _wrong})


app = Starlette(
    routes=[
        Route("/know", know, methods=["POST"]),
        Route("/came", came),
        Route("/hooks/{name}", hook, methods=["POST"]),
    ]
)
