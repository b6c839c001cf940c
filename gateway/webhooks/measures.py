"""Counts what comes through the webhook routes, under labels that no stranger can multiply."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from runtime.metrics import BATCH_SIZE_BUCKETS, HTTP_SECONDS_BUCKETS


class WebhookMeasures:
    """The webhook metrics in one registry; make one per process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.stored = Counter(
            "crossdock_webhooks",
            "Authentic webhooks that are stored, by dialect and what became of them",
            ["dialect", "disposition"],
            registry=registry,
        )
        self.unverified = Counter(
            "crossdock_webhooks_unverified",
            "Webhooks that proved nothing and were answered 401, by dialect and reason",
            ["dialect", "reason"],
            registry=registry,
        )
        self.refused = Counter(
            "crossdock_webhooks_refused",
            "Authentic webhooks that could not be stored and were answered 503, by reason",
            ["reason"],
            registry=registry,
        )
        self.report_refused = Counter(
            "crossdock_webhook_reports_refused",
            "Webhooks whose reading the services could not take: stored as malformed, to be replayed",
            ["code"],
            registry=registry,
        )
        self.source_look_ups = Counter(
            "crossdock_source_look_ups",
            "Calls of the services to resolve a webhook source, by outcome",
            ["outcome"],
            registry=registry,
        )
        self.batch_size = Histogram(
            "crossdock_ingest_batch_size",
            "Webhooks per call of BatchIngestWebhooks",
            buckets=BATCH_SIZE_BUCKETS,
            registry=registry,
        )
        self.ingest_seconds = Histogram(
            "crossdock_ingest_seconds",
            "Time from the reading of a webhook to its commit",
            buckets=HTTP_SECONDS_BUCKETS,
            registry=registry,
        )
