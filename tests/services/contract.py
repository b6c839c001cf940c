"""The contract as its descriptors tell it, for tests that must hold for every method."""

import asyncio
import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import cast

import crossdock.v1
import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

SILENCE_SECONDS = 0.3


@dataclass(frozen=True)
class Method:
    """One method of the contract."""

    descriptor: MethodDescriptor

    @property
    def name(self) -> str:
        """Service and method: "OrderService.GetOrder"."""
        return f"{self.descriptor.containing_service.name}.{self.descriptor.name}"

    @property
    def path(self) -> str:
        """The full name as gRPC writes it."""
        return f"/{self.descriptor.containing_service.full_name}/{self.descriptor.name}"

    @property
    def request_class(self) -> type[Message]:
        """The class of its requests."""
        return message_factory.GetMessageClass(self.descriptor.input_type)

    async def call(
        self, channel: grpc.aio.Channel, request: Message, metadata: tuple[tuple[str, str], ...]
    ) -> Message | None:
        """The answer, or the first one of a stream; None when a stream stays silent for a while."""
        answers = message_factory.GetMessageClass(self.descriptor.output_type)
        if not self.descriptor.server_streaming:
            unary = channel.unary_unary(
                self.path, request_serializer=_serialised, response_deserializer=answers.FromString
            )
            return cast(Message, await unary(request, metadata=metadata, timeout=60))
        stream = channel.unary_stream(
            self.path, request_serializer=_serialised, response_deserializer=answers.FromString
        )(request, metadata=metadata, timeout=60)
        try:
            return cast(Message, await asyncio.wait_for(stream.read(), SILENCE_SECONDS))
        except TimeoutError:
            return None
        finally:
            stream.cancel()


def _serialised(message: Message) -> bytes:
    return message.SerializeToString()


@cache
def every_method() -> tuple[Method, ...]:
    """All methods of all services of the contract, served or not."""
    return tuple(_methods())


def _methods() -> Iterator[Method]:
    for module in sorted(info.name for info in pkgutil.iter_modules(crossdock.v1.__path__)):
        if module.endswith("_pb2"):
            file = importlib.import_module(f"crossdock.v1.{module}").DESCRIPTOR
            for service in file.services_by_name.values():
                yield from (Method(descriptor) for descriptor in service.methods)
