"""The gateway's one ASGI application: every route on one screen, and what stands around them."""

import asyncio
from collections.abc import Mapping

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from gateway.config import Settings
from gateway.dialects.inbound import InboundDialect
from gateway.dialects.registry import OUTBOUND, REST
from gateway.edge import Edge, Envelopes, HttpMeasures, RouteTemplates
from gateway.egress import Egress
from gateway.health import Health
from gateway.openapi.document import document_bytes
from gateway.openapi.pages import Pages
from gateway.problems import answer_http_exception
from gateway.proofs import Proofs
from gateway.sending import Sender, SendingSettings
from gateway.sending.measures import SendingMeasures
from gateway.services_client import ServicesClient
from gateway.tracking.routes import Tracking
from gateway.transcode import canonical_routes
from gateway.webhooks.bodies import body_limits
from gateway.webhooks.ingest import Ingest
from gateway.webhooks.measures import WebhookMeasures
from gateway.webhooks.receive import Receiver
from gateway.webhooks.sources import Sources


class Gateway:
    """The application with what it holds: `app` is for the server, `drain` and `close` are for its end."""

    def __init__(
        self,
        settings: Settings,
        services: ServicesClient,
        registry: CollectorRegistry,
        dialects: Mapping[str, InboundDialect],
    ) -> None:
        measures = WebhookMeasures(registry)
        self._services = services
        self._ingest = Ingest(
            services,
            measures,
            max_batch=settings.max_batch,
            max_in_flight=settings.max_batches_in_flight,
            max_waiting=settings.max_waiting,
            max_waiting_bytes=settings.max_waiting_bytes,
        )
        sources = Sources(
            services, measures, seconds=settings.source_seconds, stale_seconds=settings.source_stale_seconds
        )
        receiver = Receiver(dialects, sources, self._ingest, measures, settings.trusted_networks)
        self.egress = Egress(
            settings.egress_allowances,
            authority=settings.egress_authority,
            connect_seconds=settings.egress_connect_seconds,
        )
        self._sender = _sender(settings, services, self.egress, registry)
        remedies = Proofs(services, self.egress).remedies
        self._health = Health(services, registry)
        self._ending = asyncio.Event()
        self.app = Starlette(
            routes=[
                # The hot path first, and outside of FastAPI: its routing costs three times as much.
                Route("/webhooks/{dialect}/{source_id}", receiver, methods=["POST"]),
                Route("/webhooks/{dialect}/{source_id}/{secret}", receiver, methods=["POST"]),
                Route("/healthz", self._health.live),
                Route("/readyz", self._health.ready),
                Route("/metrics", self._health.metrics),
                *(dialect.mount(services) for dialect in REST),
                *Tracking(services, settings.label_font).routes(),
                *canonical_routes(services.channel, services.seconds, self._ending, remedies=remedies),
                *Pages(lambda: document_bytes(dialects, REST, OUTBOUND)).routes(),
            ],
            exception_handlers={HTTPException: answer_http_exception},
            middleware=[
                Middleware(
                    Edge,
                    limits=body_limits(settings, dialects),
                    measures=HttpMeasures(registry),
                    templates=RouteTemplates(lambda: self.app.routes),
                    envelopes=Envelopes({dialect.prefix: dialect.envelope for dialect in REST}),
                    log_successes=settings.log_requests,
                )
            ],
        )
        # A sender does not follow redirects, and the path may carry a secret.
        self.app.router.redirect_slashes = False
        self.app.state.services = services

    def start(self) -> None:
        """Begin what the process does by itself."""
        if self._sender is not None:
            self._sender.start()

    async def stop_sending(self, seconds: float) -> None:
        """Send nothing more to subscribers, and give back what is not sent."""
        if self._sender is not None:
            await self._sender.stop(seconds)

    def drain(self) -> None:
        """Tell load balancers to send no more, and readers of streams to come again; what else comes is served."""
        self._health.draining = True
        self._ending.set()

    @property
    def draining(self) -> bool:
        """Whether `drain` was called."""
        return self._health.draining

    async def close(self) -> None:
        """End the channels: calls under way are cancelled, and what waits for them is answered 503."""
        await self._services.close()
        await self._ingest.close()
        await self.egress.close()


def _sender(settings: Settings, services: ServicesClient, egress: Egress, registry: CollectorRegistry) -> Sender | None:
    """Events of all tenants go out through it, so it is only for a process with the deployment's own key."""
    if not settings.sending or not services.system:
        return None
    limits = SendingSettings(
        leases=settings.sending_leases,
        concurrency=settings.sending_concurrency,
        lease_seconds=settings.sending_lease_seconds,
    )
    return Sender(services, egress, OUTBOUND, SendingMeasures(registry), limits)
