"""A foreign gRPC client that knows our contract only by reflection calls every unary method."""

import asyncio
import base64
import json
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from google.rpc.error_details_pb2 import ErrorInfo

from services.config import Settings
from services.registry import SERVICERS
from services.server import Server
from tests.services.contract import Method, every_method
from tests.services.least_requests import least_request
from tests.services.worlds import Metadata, World

BUF = str(Path(sys.executable).with_name("buf"))
AT_ONCE = 4
SERVED = frozenset(each.name for each in SERVICERS)
SENDERS = ("LeaseSubscriptions", "ReportAttempts")
SYSTEM_ONLY = (
    "Tenant",
    "ResolveWebhookSource",
    "IngestWebhook",
    "BatchIngestWebhooks",
    "ResolveShipmentLink",
    *SENDERS,
)
FOR_A_TENANT = ("ResolveDeliveryProof", "StoreDeliveryProof")
"""What our own processes call, naming the tenant."""
DOCUMENTED = {
    "invalid_argument": {"INVALID_REQUEST", "INVALID_PAGE_TOKEN"},
    "not_found": {"NOT_FOUND"},
    "failed_precondition": {"DELIVERY_NOT_CANCELLABLE", "STATUS_NOT_REACHABLE"},
}
"""With the least request of each method: the errors that may come, and their reasons."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"log_calls": False})


async def curl(server: Server, method: Method, request: dict[str, Any], metadata: Metadata) -> tuple[int, Any]:
    """What `buf curl` says: its exit status, and the answer or the error."""
    headers = [word for name, value in metadata for word in ("-H", f"{name}: {value}")]
    process = await asyncio.create_subprocess_exec(
        *(BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge", *headers),
        *("-d", json.dumps(request), f"http://{server.address}{method.path}"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    status = process.returncode
    assert status is not None
    try:
        return status, json.loads(err if status else out)
    except ValueError:
        raise AssertionError(f"{method.name}: {status} {out!r} {err!r}") from None


async def test_buf_curl_calls_every_unary_method_through_reflection(
    server: Server, channel: grpc.aio.Channel, system: Metadata
) -> None:
    world = await World.make(channel, system)
    places = asyncio.Semaphore(AT_ONCE)

    async def call(method: Method) -> str:
        metadata = system if any(word in method.name for word in SYSTEM_ONLY) else world.account
        if any(word in method.name for word in FOR_A_TENANT):
            metadata = (*system, ("x-crossdock-tenant", world.tenant_id))
        request = json_format.MessageToDict(least_request(method.request_class))
        async with places:
            status, told = await curl(server, method, request, metadata)
        if status == 0:
            return ""
        details = [each for each in told.get("details", []) if each["type"] == "google.rpc.ErrorInfo"]
        reasons = {ErrorInfo.FromString(base64.b64decode(each["value"] + "==")).reason for each in details}
        fits = reasons and reasons <= DOCUMENTED.get(told["code"], set())
        return "" if fits else f"{method.name}: {told}"

    methods = [
        each
        for each in every_method()
        if not each.descriptor.server_streaming and each.descriptor.containing_service.full_name in SERVED
    ]
    wrong = await asyncio.gather(*map(call, methods))

    assert [each for each in wrong if each] == []
    assert len(methods) > 30


async def test_what_is_not_served_is_not_advertised(server: Server, system: Metadata) -> None:
    unserved = [each for each in every_method() if each.descriptor.containing_service.full_name not in SERVED]
    if not unserved:
        return

    process = await asyncio.create_subprocess_exec(
        *(BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge", "--list-services"),
        f"http://{server.address}",
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()

    listed = set(out.decode().split())
    assert listed >= SERVED
    assert not {each.descriptor.containing_service.full_name for each in unserved} & listed
