"""What the contract says about HTTP: a binding per `google.api.http` rule of each method; knows no request."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import crossdock.v1
from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from gateway.transcode.templates import Template

_HTTP: Any = annotations_pb2.http  # a plain descriptor to the stubs, which is none to themselves
_METHODS = ("get", "put", "post", "delete", "patch")


@dataclass(frozen=True)
class Binding:
    """One way to call a method over HTTP. `body` is empty, `*` or a field; `response_body` empty or a field."""

    method: MethodDescriptor
    http_method: str
    template: Template
    body: str
    response_body: str

    @property
    def grpc_path(self) -> str:
        """The method as gRPC names it."""
        return f"/{self.method.containing_service.full_name}/{self.method.name}"


def contract_services() -> Iterator[ServiceDescriptor]:
    """All services of the contract, those that nobody serves yet included."""
    for module in sorted(info.name for info in pkgutil.iter_modules(crossdock.v1.__path__)):
        if module.endswith("_service_pb2"):
            file = importlib.import_module(f"crossdock.v1.{module}").DESCRIPTOR
            yield from file.services_by_name.values()


def bindings_of(services: Iterable[ServiceDescriptor]) -> list[Binding]:
    """The bindings of all annotated methods, in the order of the contract."""
    return [
        binding
        for service in services
        for method in service.methods
        if method.GetOptions().HasExtension(_HTTP)
        for binding in _bindings(method)
    ]


def _bindings(method: MethodDescriptor) -> Iterator[Binding]:
    rule: http_pb2.HttpRule = method.GetOptions().Extensions[_HTTP]
    if method.client_streaming:
        raise ValueError(f"{method.full_name}: a stream of requests cannot be served as JSON")
    for each in (rule, *rule.additional_bindings):
        http_method, path = _method_and_path(each)
        yield Binding(method, http_method, Template.parse(path), each.body, each.response_body)


def _method_and_path(rule: http_pb2.HttpRule) -> tuple[str, str]:
    pattern = rule.WhichOneof("pattern")
    if pattern == "custom":
        return rule.custom.kind.upper(), rule.custom.path
    if pattern not in _METHODS:
        raise ValueError("an http rule without a path")
    return pattern.upper(), getattr(rule, pattern)
