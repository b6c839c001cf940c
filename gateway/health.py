"""Says whether this process lives and whether it serves: `/healthz`, `/readyz` and `/metrics`."""

from http import HTTPStatus

from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.problems import problem
from gateway.services_client import ServicesClient
from runtime.metrics import exposition


class Health:
    """The endpoints for load balancers, supervisors and Prometheus."""

    def __init__(self, services: ServicesClient, registry: CollectorRegistry) -> None:
        self._services = services
        self._registry = registry
        self.draining = False

    async def live(self, request: Request) -> Response:
        """200 while the event loop turns."""
        return JSONResponse({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """200 while the services are ready and this process is not stopping."""
        if self.draining:
            return problem(request, HTTPStatus.SERVICE_UNAVAILABLE, "stopping")
        if not await self._services.ready():
            return problem(request, HTTPStatus.SERVICE_UNAVAILABLE, "the services are not ready")
        return JSONResponse({"status": "ready"})

    async def metrics(self, request: Request) -> Response:
        """Everything that is counted, for Prometheus."""
        text, content_type = exposition(request.headers.get("accept", ""), self._registry)
        return Response(text, headers={"Content-Type": content_type})
