"""Refuses calls beyond what this process takes at once: quickly, so that those under way are not slowed."""

from typing import Any

from prometheus_client import Counter

from services.errors import Problem
from services.interceptors.calls import Context, Layer, Method, Proceed

_SHED = Counter("crossdock_rpc_shed", "Calls that were refused because too many were under way", ["method"])


class Places:
    """A number of places and how many of them are taken."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0
        self.peak = 0


def concurrency(calls: Places, streams: Places) -> Layer:
    """The layer. Streams are counted apart: they stay for hours and cost little."""

    def layer(method: Method, proceed: Proceed) -> Proceed:
        places = streams if method.streaming else calls
        shed = _SHED.labels(method.name)

        async def admit(request: bytes, context: Context) -> Any:
            if places.taken >= places.limit:
                shed.inc()
                raise Problem("OVERLOADED", "too many calls are under way here", {"limit": str(places.limit)})
            places.taken += 1
            places.peak = max(places.peak, places.taken)
            try:
                return await proceed(request, context)
            finally:
                places.taken -= 1

        return admit

    return layer
