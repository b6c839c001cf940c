"""The ceiling of gRPC: a unary call that gives back its message of 1.2 kB; `python -m bench.noop_grpc PORT`."""

import sys
from typing import Any

import grpc
import uvloop
from google.protobuf.wrappers_pb2 import BytesValue

METHOD = "/bench.Noop/Echo"
MESSAGE = BytesValue(value=bytes(1200)).SerializeToString()


async def _echo(request: BytesValue, _: Any) -> BytesValue:
    return request


async def _serve(port: int) -> None:
    server = grpc.aio.server()
    echo = grpc.unary_unary_rpc_method_handler(
        _echo, request_deserializer=BytesValue.FromString, response_serializer=BytesValue.SerializeToString
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Noop", {"Echo": echo}),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
