"""The requests that both faces are asked, generated for every annotated unary method from the contract itself."""

import itertools
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from crossdock.v1 import access_pb2, access_service_pb2, location_pb2, location_service_pb2, proof_pb2
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.transcode.bindings import Binding
from gateway.transcode.fields import TextField, UnknownField
from tests.services.least_requests import least_request
from tests.services.worlds import World

NOTHING = "dlv_01h455vb4pex5vsknk084sn02q"
"""An identifier of nothing."""
JSON = {"content-type": "application/json"}

GOOD: dict[str, dict[str, Any]] = {
    "Tenant": {"externalId": "of TENANT"},
    "Token": {"level": "ACCESS_LEVEL_ACCOUNT", "scopes": ["SCOPE_ORDERS_READ"], "displayName": "made"},
    "Location": {"name": "Made", "timeZone": "America/Chicago", "currencyCode": "USD"},
    "Order": {"locationId": "LOCATION", "serviceType": "SERVICE_TYPE_DELIVERY"},
    "WebhookSource": {"dialect": "skipcart", "authScheme": "AUTH_SCHEME_PATH_SECRET"},
}
"""Members that a new thing needs; words in capitals stand for what each tenant has."""
UNIQUE = "external_id"
"""Tenants have one each, so the second face would be told that it is taken."""

Resource = Callable[[World], Awaitable[str]]


@dataclass
class Case:
    """One request; `{name}` in the path stands for the identifier of a fresh thing in each tenant."""

    binding: Binding
    kind: str
    path: str
    query: str = ""
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    http_method: str = ""

    @property
    def name(self) -> str:
        """For reports."""
        method = self.http_method or self.binding.http_method
        return f"{method} {self.path}?{self.query} {self.body!r} {self.headers or ''}"


async def _token(world: World) -> str:
    made = await world.access.CreateToken(
        access_service_pb2.CreateTokenRequest(
            token=access_pb2.Token(
                level=access_pb2.ACCESS_LEVEL_ACCOUNT, scopes=[access_pb2.SCOPE_ORDERS_READ], display_name="short-lived"
            )
        ),
        metadata=world.account,
    )
    return made.token.id


async def _webhook(world: World) -> str:
    result = await world.ingest(world.message(f"order-{next(_NUMBERS)}", "confirmed"))
    return result[0].webhook_id


async def _delivery(world: World) -> str:
    return (await world.delivery(carrier="Skipcart", proofs=[proof_pb2.Proof(image=b"GIF89a" + bytes(range(256)))])).id


async def _first(_: World) -> str:
    return "1"


async def _order(world: World) -> str:
    return (await world.order()).id


async def _source(world: World) -> str:
    return (await world.source("UNKNOWN_TARGET_POLICY_PARK")).id


async def _location(world: World) -> str:
    location = location_pb2.Location(name="Another", time_zone="America/Chicago", currency_code="USD")
    request = location_service_pb2.CreateLocationRequest(location=location)
    return (await world.locations.CreateLocation(request, metadata=world.account)).location.id


async def _tenant(world: World) -> str:
    return world.tenant_id


_NUMBERS = itertools.count(1)
RESOURCES: dict[str, Resource] = {
    "delivery_id": _delivery,
    "delivery.id": _delivery,
    "number": _first,
    "order_id": _order,
    "order.id": _order,
    "source_id": _source,
    "source.id": _source,
    "token_id": _token,
    "webhook_id": _webhook,
    "location_id": _location,
    "location.id": _location,
    "tenant_id": _tenant,
}


def cases_of(bindings: list[Binding]) -> Iterator[Case]:
    """For each binding; every member of a body's type only for the first binding that has it."""
    seen: set[str] = set()
    methods: dict[str, set[str]] = {}
    for binding in bindings:
        methods.setdefault(binding.template.text, set()).add(binding.http_method)
    for binding in bindings:
        wrong = next(each for each in ("PUT", "PATCH", "DELETE") if each not in methods[binding.template.text])
        yield from _cases(binding, wrong, seen)


def _cases(binding: Binding, wrong_method: str, seen: set[str]) -> Iterator[Case]:
    """Good, missing, wrong and unknown, in path, query, body and headers."""
    path = binding.template.text
    body = _least_body(binding)
    raw = None if body is None else json.dumps(body).encode()

    def case(kind: str, **changed: Any) -> Case:
        sent = {"path": path, "body": raw, **changed}
        if sent["body"] is not None:
            sent["headers"] = {**JSON, **sent.get("headers", {})}
        return Case(binding, kind, **sent)

    yield case("good")
    yield case("unknown query", query="nonsense=1")
    yield case("no token", headers={"authorization": ""})
    yield case("wrong method", http_method=wrong_method)
    yield case("unknown verb", path=f"{path}:nonsense" if ":" not in path else f"{path}nonsense")
    yield case("trailing slash", path=f"{path}/")
    if binding.http_method == "GET":
        yield case("head", http_method="HEAD")
        yield case("body on a read", body=b"{}")
    if binding.template.variables:
        variable = "{" + binding.template.variables[0].path + "}"
        odd = ("nonsense", "a+b", "a:b", "%zz", "%ff") if binding.http_method == "GET" else ("%zz",)
        for bad in (NOTHING, quote("a/b c%ü", safe=""), *odd):
            yield case("bad path" if bad in ("%zz", "%ff") else "good", path=path.replace(variable, bad))
        yield case("trailing slash", path=path.replace(variable, ""))
    yield from _query_cases(binding, case)
    if body is not None:
        yield from _body_cases(binding, body, case, seen)


def _query_cases(binding: Binding, case: Callable[..., Case]) -> Iterator[Case]:
    beside = 0
    for name, found in _queryable(binding.method.input_type, ""):
        if name in {each.path for each in binding.template.variables} or name == "update_mask":
            continue
        texts = _good_texts(found)
        if binding.body in ("*", name.split(".")[0]):
            beside += 1
            if beside <= 2:
                yield case("query beside the body", query=f"{name}={quote(texts[0])}")
            continue
        for text in texts:
            yield case("good", query=f"{_camel(name)}={quote(text)}")
        yield case("good", query=f"{name}={quote(texts[0])}")
        if not found.field.is_repeated:
            yield case("given twice", query=f"{name}={quote(texts[0])}&{name}={quote(texts[0])}")
        for text in _bad_texts(found):
            yield case("wrong query", query=f"{name}={quote(text)}")


def _body_cases(binding: Binding, body: dict[str, Any], case: Callable[..., Case], seen: set[str]) -> Iterator[Case]:
    def sent(of: str, /, **members: Any) -> Case:
        return case(of, body=json.dumps({**body, **members}).encode())

    yield case("no body" if binding.body != "*" else "good", body=b"")
    yield case("good", body=b"{}")
    yield sent("unknown member", nonsense=1)
    for raw in (b"{", b"{} x", b"[]", b"5", b"\xff{}", b"{'a': 1}"):
        yield case("malformed", body=raw)
    yield case("null body", body=b"null")
    yield case("same member twice", body=b'{"etag": "a", "etag": "b"}')
    yield case("content type", headers={"content-type": "text/plain"})
    kind = _body_type(binding)
    if kind.full_name in seen:
        return
    seen.add(kind.full_name)
    for each in kind.fields:
        if each.name in ("request_id", "etag") or (kind.name == "Tenant" and each.name == UNIQUE):
            continue
        in_path = binding.body == "*" and each.name in {variable.path for variable in binding.template.variables}
        for number, value in enumerate(_good_values(each)):
            contradicts = in_path and value is not None
            yield sent(
                "path and body" if contradicts else "good", **{each.name if number % 2 else each.json_name: value}
            )
        for value in _bad_values(each):
            yield sent("wrong member", **{each.json_name: value})
        if each.message_type is not None and not each.message_type.full_name.startswith("google.protobuf"):
            inner: Any = {"nonsense": 1}
            if not each.message_type.GetOptions().map_entry:
                yield sent("unknown member", **{each.json_name: [inner] if each.is_repeated else inner})


def _least_body(binding: Binding) -> dict[str, Any] | None:
    if not binding.body:
        return None
    request = least_request(message_factory.GetMessageClass(binding.method.input_type))
    written = json_format.MessageToDict(request)
    for variable in binding.template.variables:
        written.pop(_camel(variable.path), None)
    if binding.body == "*":
        return written
    if binding.http_method != "POST":
        return {}
    return GOOD.get(_body_type(binding).name) or written.get(_camel(binding.body), {})


def _body_type(binding: Binding) -> Descriptor:
    request = binding.method.input_type
    if binding.body == "*":
        return request
    kind = request.fields_by_name[binding.body].message_type
    assert kind is not None
    return kind


def _queryable(descriptor: Descriptor, prefix: str) -> Iterator[tuple[str, TextField]]:
    for each in descriptor.fields:
        name = prefix + each.name
        try:
            found = TextField.find(descriptor, each.name)
        except UnknownField:
            if each.message_type is not None and not each.is_repeated and not prefix:
                yield from _queryable(each.message_type, f"{name}.")
        else:
            yield name, found


def _good_texts(found: TextField) -> list[str]:
    kind = found.field
    if kind.message_type is not None:
        return {
            "google.protobuf.Timestamp": ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.123456+02:00"],
            "google.protobuf.Duration": ["3.5s", "0s"],
            "google.protobuf.FieldMask": ["id,nonsense"],
        }[kind.message_type.full_name]
    if kind.enum_type is not None:
        value = kind.enum_type.values[1]
        return [value.name, str(value.number)]
    if kind.type == FieldDescriptor.TYPE_BOOL:
        return ["true", "false"]
    return ["x y+ü", ""] if kind.type == FieldDescriptor.TYPE_STRING else ["7"]


def _bad_texts(found: TextField) -> list[str]:
    if found.field.type == FieldDescriptor.TYPE_STRING:
        return []
    if found.field.type in (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64):
        return ["nonsense", "1.5", "99999999999999999999", ""]
    return ["nonsense", ""]


def _good_values(kind: FieldDescriptor) -> list[Any]:
    value = _good_value(kind)
    if kind.message_type is not None and kind.message_type.GetOptions().map_entry:
        return [{}]
    if kind.is_repeated:
        return [[value], []] if value is not None else [[]]
    return [value] if value is not None else [None]


def _good_value(kind: FieldDescriptor) -> Any:
    if kind.message_type is not None:
        return {
            "google.protobuf.Timestamp": "2026-01-31T12:00:00.500Z",
            "google.protobuf.Duration": "3.5s",
            "google.protobuf.Struct": {"a": [1, "x", None, {"b": True}], "c": 1.5},
            "google.protobuf.FieldMask": "id",
        }.get(kind.message_type.full_name, {})
    if kind.enum_type is not None:
        return kind.enum_type.values[1].name
    return {
        FieldDescriptor.TYPE_STRING: "x ü \u2028",
        FieldDescriptor.TYPE_BOOL: True,
        FieldDescriptor.TYPE_BYTES: "aGk_",
        FieldDescriptor.TYPE_DOUBLE: 1.5,
        FieldDescriptor.TYPE_FLOAT: 1.5,
        FieldDescriptor.TYPE_INT64: "7",
    }.get(kind.type, 7)


def _bad_values(kind: FieldDescriptor) -> list[Any]:
    if kind.is_repeated:
        return [5, [None]]
    if kind.message_type is not None:
        return [5, []]
    if kind.enum_type is not None:
        return ["NO_SUCH", 1.5]
    if kind.type == FieldDescriptor.TYPE_STRING:
        return [5]
    if kind.type == FieldDescriptor.TYPE_BOOL:
        return ["nonsense", "true"]
    return ["nonsense", 1e300]


def _camel(path: str) -> str:
    return ".".join(
        head + "".join(word.capitalize() for word in rest)
        for head, *rest in (part.split("_") for part in path.split("."))
    )
