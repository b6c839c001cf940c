"""The contract's own rules, read from its descriptors: what lint cannot know and every client relies on."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    MethodOptions,
)

from services.errors import CODES, TRANSIENT

IMAGE = Path(__file__).resolve().parents[1] / "gen/crossdock/v1/descriptors.binpb"
PACKAGE = "crossdock.v1"
# The wheel has no types for extensions.
HTTP: Any = annotations_pb2.http

# Unary RPCs that no HTTP client ever calls.
WITHOUT_HTTP = {
    "WebhookService.ResolveWebhookSource": "for the gateway alone: it tells secrets",
    "WebhookService.IngestWebhook": "for the gateway alone",
    "WebhookService.BatchIngestWebhooks": "for the gateway alone",
    "DeliveryService.ResolveDeliveryProof": "for the gateway alone: it tells secrets",
    "DeliveryService.StoreDeliveryProof": "for the gateway alone",
    "ShipmentService.ResolveShipmentLink": "for the gateway alone: the bearer of a link sees less",
    "SubscriptionService.LeaseSubscriptions": "for the gateway alone: it tells secrets",
    "SubscriptionService.ReportAttempts": "for the gateway alone",
    "CarrierService.DescribeCarrier": "carriers serve it, the hub calls it",
    "CarrierService.Quote": "carriers serve it, the hub calls it",
    "CarrierService.Book": "carriers serve it, the hub calls it",
    "CarrierService.GetBooking": "carriers serve it, the hub calls it",
    "CarrierService.AmendBooking": "carriers serve it, the hub calls it",
    "CarrierService.CancelBooking": "carriers serve it, the hub calls it",
}

# Idempotent RPCs that are so by themselves.
WITHOUT_REQUEST_ID = {
    "AccessService.RevokeToken": "what is revoked stays revoked",
    "WebhookService.UpdateWebhookSource": "sets values, guarded by the etag",
    "WebhookService.IngestWebhook": "has a dedupe key",
    "WebhookService.BatchIngestWebhooks": "each message has a dedupe key",
    "WebhookService.ReplayWebhook": "what was applied is not applied twice",
    "DeliveryService.StoreDeliveryProof": "the first picture of a URL counts",
    "CarrierDirectoryService.DeleteCarrier": "what is removed stays removed",
    "CarrierService.Book": "the reference names the booking",
    "CarrierService.CancelBooking": "what is called off stays called off",
    "SubscriptionService.DeleteSubscription": "what is removed stays removed",
    "SubscriptionService.PauseSubscription": "what is paused stays paused",
    "SubscriptionService.ResumeSubscription": "what goes on goes on",
    "SubscriptionService.AcknowledgeEvents": "a cursor only moves forward",
    "SubscriptionService.ReportAttempts": "lease, event and number name a try",
}

# RPCs that change something each time they are called.
NOT_IDEMPOTENT = {
    "AccessService.CreateToken": "every call makes another secret",
    "WebhookService.RotateWebhookSourceSecret": "every call makes another secret",
    "SubscriptionService.RotateSubscriptionSecret": "every call makes another secret",
    "SubscriptionService.TestSubscription": "every call sends a message",
    "SubscriptionService.LeaseSubscriptions": "every call hands out other work",
}

# Lists without the usual tokens.
WITHOUT_PAGE_TOKENS = {
    "EventService.ListEvents": "the log is read by its cursor, and only forward",
}

MONEY_WORDS = {
    "price",
    "fee",
    "fees",
    "amount",
    "cost",
    "costs",
    "total",
    "pay",
    "charge",
    "charges",
    "tax",
    "tip",
}
REASON = re.compile(
    r"(?P<code>[A-Z_]+), (?P<severity>hard|transient)\. \S.*"
    r" Metadata: (?P<metadata>.+?)\. Example: (?P<example>\{.+\})"
)


@dataclass(frozen=True)
class Rpc:
    """A method with its name as the lists above write it."""

    name: str
    method: MethodDescriptorProto

    @property
    def has_http(self) -> bool:
        return bool(self.method.options.HasExtension(HTTP))

    @property
    def http(self) -> http_pb2.HttpRule:
        rule: http_pb2.HttpRule = self.method.options.Extensions[HTTP]
        return rule

    @property
    def verb(self) -> str:
        return str(self.http.WhichOneof("pattern"))

    @property
    def path(self) -> str:
        return str(getattr(self.http, self.verb))

    @property
    def level(self) -> "MethodOptions.IdempotencyLevel.ValueType":
        return self.method.options.idempotency_level

    @property
    def request(self) -> DescriptorProto:
        return MESSAGES[self.method.input_type]

    @property
    def response(self) -> DescriptorProto:
        return MESSAGES[self.method.output_type]


def messages_in(prefix: str, messages: Iterable[DescriptorProto]) -> Iterator[tuple[str, DescriptorProto]]:
    for message in messages:
        name = f"{prefix}.{message.name}"
        yield name, message
        yield from messages_in(name, message.nested_type)


FILES = [file for file in FileDescriptorSet.FromString(IMAGE.read_bytes()).file if file.package == PACKAGE]
MESSAGES = {name: message for file in FILES for name, message in messages_in(f".{PACKAGE}", file.message_type)}
RPCS = [
    Rpc(f"{service.name}.{method.name}", method)
    for file in FILES
    for service in file.service
    for method in service.method
]


def for_each(rpcs: Iterable[Rpc]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("rpc", rpcs, ids=lambda rpc: rpc.name)


EVERY_RPC = for_each(RPCS)
EVERY_RPC_OVER_HTTP = for_each([rpc for rpc in RPCS if rpc.has_http])
EVERY_LIST = for_each(
    [rpc for rpc in RPCS if rpc.method.name.startswith("List") and rpc.name not in WITHOUT_PAGE_TOKENS]
)


def fields(message: DescriptorProto) -> dict[str, FieldDescriptorProto]:
    return {field.name: field for field in message.field}


def resolve(message: DescriptorProto, path: str) -> FieldDescriptorProto | None:
    """The field at the end of a dotted path, or None when the path leads nowhere."""
    head, _, rest = path.partition(".")
    field = fields(message).get(head)
    if field is None or not rest:
        return field
    inner = MESSAGES.get(field.type_name)
    return resolve(inner, rest) if inner else None


def error_reasons() -> dict[str, str]:
    """The comment above each reason that is ever sent, by its name without prefix."""
    file = next(file for file in FILES if file.name.endswith("/error_reason.proto"))
    # A path in the source info alternates field numbers and positions: enum_type = 5, value = 2.
    comments = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
    values = list(file.enum_type[0].value)
    return {
        value.name.removeprefix("ERROR_REASON_"): comments.get((5, 0, 2, at), "")
        for at, value in enumerate(values)
        if value.number
    }


def test_the_image_holds_the_contract() -> None:
    services = {rpc.name.partition(".")[0] for rpc in RPCS}

    assert services >= {"DeliveryService", "ShipmentService", "CarrierService", "SubscriptionService"}
    assert len(error_reasons()) > 40


def test_every_rpc_has_a_request_and_a_response_of_its_own() -> None:
    used = [name for rpc in RPCS for name in (rpc.method.input_type, rpc.method.output_type)]

    assert sorted({name for name in used if used.count(name) > 1}) == []
    assert [name for name in used if name not in MESSAGES] == []


@EVERY_RPC
def test_request_and_response_are_named_after_their_rpc(rpc: Rpc) -> None:
    name = rpc.method.name

    assert (rpc.request.name, rpc.response.name) == (f"{name}Request", f"{name}Response")


@EVERY_RPC
def test_every_public_rpc_has_an_http_form(rpc: Rpc) -> None:
    assert rpc.has_http is (rpc.name not in WITHOUT_HTTP and not rpc.method.client_streaming)


@EVERY_RPC_OVER_HTTP
def test_the_http_form_names_what_exists(rpc: Rpc) -> None:
    assert rpc.path.startswith("/v1/")
    for variable in re.findall(r"\{([^}=]+)[^}]*\}", rpc.path):
        field = resolve(rpc.request, variable)
        assert field is not None, f"{variable} is no field of {rpc.request.name}"
        assert field.type in {FieldDescriptorProto.TYPE_STRING, FieldDescriptorProto.TYPE_INT32}
    assert rpc.http.body in {"", "*", *fields(rpc.request)}
    assert rpc.http.response_body in {"", *fields(rpc.response)}


@EVERY_RPC_OVER_HTTP
def test_the_verb_tells_whether_there_is_a_body_and_an_effect(rpc: Rpc) -> None:
    harmless = rpc.level == MethodOptions.NO_SIDE_EFFECTS

    assert bool(rpc.http.body) is (rpc.verb in {"post", "put", "patch"})
    # A question too long for a URL is posted, so POST says nothing of effects.
    assert rpc.verb == "post" or harmless is (rpc.verb == "get")


def test_no_two_rpcs_share_a_route() -> None:
    routes: dict[tuple[str, str], list[str]] = {}
    for rpc in RPCS:
        if rpc.has_http:
            shape = re.sub(r"\{[^}]+\}", "{}", rpc.path)
            routes.setdefault((rpc.verb, shape), []).append(rpc.name)

    assert [names for names in routes.values() if len(names) > 1] == []


@EVERY_RPC
def test_every_changing_rpc_can_be_repeated_by_its_request_id(rpc: Rpc) -> None:
    has_request_id = "request_id" in fields(rpc.request)

    if rpc.level == MethodOptions.NO_SIDE_EFFECTS:
        assert not has_request_id
    elif rpc.level == MethodOptions.IDEMPOTENT:
        assert has_request_id is (rpc.name not in WITHOUT_REQUEST_ID)
    else:
        assert rpc.name in NOT_IDEMPOTENT, "say how it may be repeated: idempotency_level, or a reason why not"


@EVERY_LIST
def test_every_list_has_pages_in_both_directions(rpc: Rpc) -> None:
    assert {"page_size", "page_token"} <= fields(rpc.request).keys()
    assert {"next_page_token", "previous_page_token"} <= fields(rpc.response).keys()


def test_every_exception_is_still_needed() -> None:
    by_level: dict[int, set[str]] = {}
    for rpc in RPCS:
        by_level.setdefault(rpc.level, set()).add(rpc.name)

    assert WITHOUT_HTTP.keys() | WITHOUT_PAGE_TOKENS.keys() <= {rpc.name for rpc in RPCS}
    assert WITHOUT_REQUEST_ID.keys() <= by_level[MethodOptions.IDEMPOTENT]
    assert NOT_IDEMPOTENT.keys() <= by_level[MethodOptions.IDEMPOTENCY_UNKNOWN]


def test_money_is_never_a_float() -> None:
    floats = {
        f"{name}.{field.name}": set(field.name.split("_"))
        for name, message in MESSAGES.items()
        for field in message.field
        if field.type in {FieldDescriptorProto.TYPE_FLOAT, FieldDescriptorProto.TYPE_DOUBLE}
    }

    assert floats, "no float was looked at"
    assert [path for path, words in floats.items() if words & MONEY_WORDS] == []


def test_a_timestamp_is_named_as_a_moment() -> None:
    moments = [
        f"{name}.{field.name}"
        for name, message in MESSAGES.items()
        for field in message.field
        if field.type_name == ".google.protobuf.Timestamp"
    ]

    assert moments, "no timestamp was looked at"
    assert [path for path in moments if not path.endswith(("time", "_after", "_before", "_until"))] == []


@pytest.mark.parametrize(("reason", "comment"), sorted(error_reasons().items()))
def test_every_error_reason_documents_itself_as_it_is_sent(reason: str, comment: str) -> None:
    found = REASON.fullmatch(" ".join(comment.split()))

    assert found, f"code, severity, Metadata and Example are wanted, not {comment!r}"
    assert CODES[reason].name == found["code"]
    assert (reason in TRANSIENT) is (found["severity"] == "transient")
    example = json.loads(found["example"])
    assert example["reason"] == reason
    assert example["metadata"].keys() <= set(re.split(r"\W+", found["metadata"]))
