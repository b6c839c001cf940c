"""Caps how long a call may take, whatever deadline its caller set.

A deadline, the caller's or ours, cancels the servicer wherever it waits. That is safe because all that a call does
stands in one transaction, whose end cannot be cut short: see ``services.db.engine.transaction``.
"""

import asyncio
from typing import Any

from services.errors import Problem
from services.interceptors.calls import Context, Layer, Method, Proceed, seconds_left


def deadlines(seconds: float) -> Layer:
    """The layer. Streams end when their reader or this process goes; only their own deadlines bind them."""

    def layer(method: Method, proceed: Proceed) -> Proceed:
        if method.streaming:
            return proceed

        async def hurry(request: bytes, context: Context) -> Any:
            remaining = seconds_left(context)
            if remaining is not None and remaining <= seconds:
                return await proceed(request, context)  # gRPC itself cancels us in time
            scope = asyncio.timeout(seconds)
            try:
                async with scope:
                    return await proceed(request, context)
            except TimeoutError:
                if not scope.expired():
                    raise
                raise Problem("DEADLINE_EXCEEDED", f"calls may take {seconds:g} s; this one was given up") from None

        return hurry

    return layer
