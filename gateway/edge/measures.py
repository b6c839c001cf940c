"""Counts and times requests for Prometheus, under labels that no client can multiply."""

from prometheus_client import CollectorRegistry, Gauge, Histogram

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class HttpMeasures:
    """The gateway's HTTP metrics in one registry; make one per process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "crossdock_http_request_seconds",
            "Time to answer an HTTP request, by method, route template and status",
            ["method", "route", "status"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self.in_flight = Gauge("crossdock_http_requests_in_flight", "HTTP requests being answered", registry=registry)
        # Looking up a labelled child costs a lock and a tuple of strings; there are few of them.
        self._children: dict[tuple[str, str, int], Histogram] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Record one request that has been answered."""
        if method not in _METHODS:
            method = "other"
        child = self._children.get((method, route, status))
        if child is None:
            child = self._children[method, route, status] = self._seconds.labels(method, route, str(status))
        child.observe(seconds)
