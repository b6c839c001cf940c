"""Counts what goes out to subscribers, under labels that no stranger can multiply."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from runtime.metrics import HTTP_SECONDS_BUCKETS

AGE_SECONDS_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0, 86_400.0)


class SendingMeasures:
    """The metrics of the sender in one registry; make one per process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.attempts = Counter(
            "crossdock_attempts",
            "Tries to tell a subscriber of an event, by dialect and outcome",
            ["dialect", "outcome"],
            registry=registry,
        )
        self.seconds = Histogram(
            "crossdock_attempt_seconds",
            "Time from the beginning of a try to the end of its answer",
            buckets=HTTP_SECONDS_BUCKETS,
            registry=registry,
        )
        self.age_seconds = Histogram(
            "crossdock_attempt_age_seconds",
            "Time from the recording of an event to the answer of a subscriber that took it",
            buckets=AGE_SECONDS_BUCKETS,
            registry=registry,
        )
        self.in_flight = Gauge("crossdock_attempts_in_flight", "Tries under way", registry=registry)
        self.leases = Gauge(
            "crossdock_subscription_leases", "Subscriptions in the hands of this sender", registry=registry
        )
        self.given_back = Counter(
            "crossdock_subscription_leases_given_back",
            "Leases that were given back untouched because their host is slow or silent",
            registry=registry,
        )
        self.calls_failed = Counter(
            "crossdock_sender_calls_failed",
            "Calls of the sender that the services did not answer as asked",
            ["method", "code"],
            registry=registry,
        )
