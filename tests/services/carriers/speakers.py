"""A carrier that says who it is and remembers with what it was called."""

from dataclasses import dataclass, field
from typing import Any

import grpc
from crossdock.v1 import carrier_service_pb2 as pb

from tests.services.dispatching.stand_ins import StandIn


@dataclass
class Speaker(StandIn):
    """``heard`` holds the authorization of every call; ``codes`` are what it fails with next."""

    description: pb.DescribeCarrierResponse = field(default_factory=pb.DescribeCarrierResponse)
    heard: list[str] = field(default_factory=list)
    codes: list[grpc.StatusCode] = field(default_factory=list)

    async def DescribeCarrier(self, request: pb.DescribeCarrierRequest, context: Any) -> pb.DescribeCarrierResponse:
        self._hear(context)
        if self.codes:
            await context.abort(self.codes.pop(), "it says so")
        await self._misbehave(self._next("DescribeCarrier", request), context)
        return self.description

    async def Quote(self, request: pb.QuoteRequest, context: Any) -> pb.QuoteResponse:
        self._hear(context)
        return await super().Quote(request, context)

    def _hear(self, context: Any) -> None:
        self.heard.append(dict(context.invocation_metadata()).get("authorization", ""))
