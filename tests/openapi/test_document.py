"""The document against its standard, the routes, the contract and the vendors' own examples."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from prometheus_client import CollectorRegistry
from starlette.routing import Mount

from gateway.app import Gateway
from gateway.config import Settings
from gateway.dialects.deliverysolutions import answers as deliverysolutions
from gateway.dialects.evermile import openapi as evermile
from gateway.dialects.hubrise import openapi as hubrise
from gateway.dialects.inbound import InboundDialect
from gateway.dialects.registry import INBOUND, OUTBOUND, REST
from gateway.dialects.skipcart import openapi as skipcart
from gateway.openapi.document import document, document_bytes
from gateway.openapi.examples import BODIES, MESSAGES
from gateway.openapi.fragments import Fragment, merged
from gateway.openapi.operations import NOT_SERVED
from gateway.services_client import ServicesClient
from gateway.transcode.bindings import contract_services
from gateway.transcode.routes import CanonicalRoute
from services.registry import SERVICERS

DOCUMENTS = Path(__file__).parents[1] / "dialects"
SERVED = {registration.name for registration in SERVICERS}
METHODS = ("get", "put", "post", "patch", "delete")
_PLACE = re.compile(r"\{[^}]*\}")


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return document(INBOUND, REST, OUTBOUND)


@pytest.fixture
async def gateway() -> Gateway:
    settings = Settings(http="127.0.0.1:0", services="127.0.0.1:1")
    return Gateway(settings, ServicesClient.connect(settings), CollectorRegistry(), INBOUND)


def operations(told: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in told["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def served(routes: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and template of everything that the application answers."""
    for route in routes:
        if isinstance(route, Mount):
            yield from served(getattr(route.app, "routes", route.routes), prefix + route.path)
        elif isinstance(route, CanonicalRoute):
            for each in route.routes:
                if each.endpoint.binding.method.containing_service.full_name in SERVED:
                    yield from ((method, each.path) for method in each.methods)
        elif hasattr(route, "effective_route_contexts"):  # FastAPI: a router that was included
            for context in route.effective_route_contexts():
                yield from ((method, prefix + context.path_format) for method in context.methods)
        else:
            yield from ((method, prefix + route.path) for method in route.methods - {"HEAD"})


def test_the_document_keeps_to_openapi_3_1(told: dict[str, Any]) -> None:
    errors = list(OpenAPIV31SpecValidator(told).iter_errors())

    assert told["openapi"].startswith("3.1.")
    assert errors == []


async def test_every_route_is_in_the_document_and_everything_in_the_document_is_a_route(
    gateway: Gateway, told: dict[str, Any]
) -> None:
    routes = set()
    for method, template in served(gateway.app.routes):
        names = INBOUND if "{dialect}" in template else ("",)
        routes |= {(method, _PLACE.sub("{}", template.replace("{dialect}", name))) for name in names}

    described = {(method, _PLACE.sub("{}", path)) for method, path, _ in operations(told)}

    assert described == routes
    assert len(routes) > 50


def test_what_the_document_leaves_out_is_what_the_services_do_not_serve() -> None:
    contract = {service.full_name for service in contract_services()}

    assert {f"crossdock.v1.{name}" for name in NOT_SERVED} == contract - SERVED


def test_every_operation_and_every_documented_member_of_the_contract_says_what_it_is(told: dict[str, Any]) -> None:
    silent = [
        *(f"{method} {path}" for method, path, each in operations(told) if not each["summary"]),
        *(
            f"{name}.{member}"
            for name, schema in told["components"]["schemas"].items()
            if "." not in name and name not in ("Error", "EdgeError")
            for member, each in schema.get("properties", {}).items()
            if member != "@type" and "const" not in each and "$ref" not in each and not each.get("description")
        ),
    ]

    assert silent == []


def contents(told: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every body with an example, asked, answered or posted to others."""
    webhooks = ((f"webhook {name}", each["post"]) for name, each in told["webhooks"].items())
    for name, operation in (*((f"{method} {path}", each) for method, path, each in operations(told)), *webhooks):
        for part in (operation.get("requestBody", {}), *operation["responses"].values()):
            yield from ((name, each) for each in part.get("content", {}).values() if "example" in each)


def test_every_example_fits_its_schema(told: dict[str, Any]) -> None:
    tried = 0
    for name, content in contents(told):
        schema = {**content["schema"], "components": told["components"]}
        assert [fault.message for fault in OAS31Validator(schema).iter_errors(content["example"])] == [], name
        tried += 1

    assert tried > 60


def test_what_subscribers_are_posted_is_in_the_document_in_every_dialect_with_its_signature(
    told: dict[str, Any],
) -> None:
    posted = {name: each["post"] for name, each in told["webhooks"].items() if name.startswith("subscription.")}
    headers = {name: {each["name"] for each in post["parameters"]} for name, post in posted.items()}

    assert posted.keys() == {f"subscription.{name}" for name in OUTBOUND}
    assert headers["subscription.evermile"] == {"svix-id", "svix-timestamp", "svix-signature"}
    assert headers["subscription.ordatic"] == {"authorization"}
    for post in posted.values():
        [content] = post["requestBody"]["content"].values()
        assert content["example"]
        assert content["schema"] != {"type": "object"}


def test_operations_have_names_of_their_own_and_known_tags(told: dict[str, Any]) -> None:
    names = [each["operationId"] for _, _, each in operations(told)]
    names += [each["post"]["operationId"] for each in told["webhooks"].values()]
    tags = {tag for _, _, each in operations(told) for tag in each["tags"]}

    assert len(names) == len(set(names))
    assert tags == {tag["name"] for tag in told["tags"]}


def test_a_field_is_described_with_its_comment_its_rules_and_the_form_it_has_in_json(told: dict[str, Any]) -> None:
    schemas = told["components"]["schemas"]
    delivery, source = schemas["Delivery"]["properties"], schemas["WebhookSource"]["properties"]

    assert delivery["carrierRef"] == {
        "type": "string",
        "maxLength": 255,
        "description": 'A code that identifies the carrier ("ups"). Set once.',
    }
    assert delivery["lastEventNumber"]["type"] == "string"
    assert delivery["createTime"]["format"] == "date-time"
    assert delivery["references"]["maxItems"] == 50
    assert delivery["extensions"]["additionalProperties"] == {"type": "object"}
    assert delivery["fee"]["$ref"] == "#/components/schemas/Money"
    assert source["defaultCurrencyCode"]["pattern"] == "^([A-Z]{3})?$"
    assert schemas["ExternalReference"]["required"] == ["scope", "value"]
    assert "`DELIVERY_STATUS_AT_HUB`: The goods wait in a hub." in schemas["DeliveryStatus"]["description"]


def test_queries_headers_and_bodies_are_what_the_transcoder_takes(told: dict[str, Any]) -> None:
    update = told["paths"]["/v1/deliveries/{deliveryId}"]["patch"]
    events = told["paths"]["/v1/events"]["get"]
    cancel = told["paths"]["/v1/deliveries/{deliveryId}:cancel"]["post"]
    reference = told["paths"]["/v1/deliveries:byReference"]["get"]
    watch = told["paths"]["/v1/events:watch"]["get"]

    assert {each["name"]: each["in"] for each in update["parameters"]} == {
        "deliveryId": "path",
        "updateMask": "query",
        "requestId": "query",
        "validateOnly": "query",
        "Idempotency-Key": "header",
        "If-Match": "header",
    }
    assert "filter.kinds" in {each["name"] for each in events["parameters"]}
    body = cancel["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) == {"reason", "etag", "requestId"}
    assert {each["name"] for each in reference["parameters"] if each.get("required")} == {
        "reference.scope",
        "reference.value",
    }
    assert set(watch["responses"]["200"]["content"]) == {"application/x-ndjson", "text/event-stream"}


def test_two_names_of_one_place_in_a_path_are_one_parameter(told: dict[str, Any]) -> None:
    shapes = [_PLACE.sub("{}", path) for path in told["paths"]]

    assert len(shapes) == len(set(shapes))


def test_the_same_release_makes_the_same_bytes() -> None:
    assert document_bytes(INBOUND, REST, OUTBOUND) == document_bytes(INBOUND, REST, OUTBOUND)


def test_a_vendor_joins_the_document_by_its_line_in_the_registry() -> None:
    one = InboundDialect("postman", "postman/1", lambda *_: None, described=skipcart.DESCRIBED)  # type: ignore[arg-type]

    told = document({"postman": one}, (), {})

    assert [path for path in told["paths"] if path.startswith("/webhooks")] == [
        "/webhooks/postman/{sourceId}",
        "/webhooks/postman/{sourceId}/{secret}",
    ]
    assert set(told["webhooks"]) == {"postman"}
    assert not any("hubrise" in path for path in told["paths"])


def test_two_things_of_one_name_do_not_become_one() -> None:
    with pytest.raises(ValueError, match="Thing"):
        merged([Fragment(schemas={"Thing": {"type": "string"}}), Fragment(schemas={"Thing": {"type": "object"}})])


@pytest.mark.parametrize("name", MESSAGES)
def test_the_examples_of_the_contract_are_messages_of_it(name: str) -> None:
    [descriptor] = [
        message
        for service in contract_services()
        for file in (service.file, *service.file.dependencies)
        for message in [file.message_types_by_name.get(name)]
        if message is not None
    ][:1]

    assert ParseDict(MESSAGES[name], descriptor._concrete_class())  # type: ignore[attr-defined]


def test_bodies_have_examples_and_examples_have_operations(told: dict[str, Any]) -> None:
    with_body = {
        each["operationId"]: each["requestBody"]["content"]["application/json"]
        for _, path, each in operations(told)
        if "requestBody" in each and path.startswith("/v1/")
    }

    assert {name for name, content in with_body.items() if "example" in content} == set(BODIES) == set(with_body)


@pytest.mark.parametrize(
    ("example", "file"),
    [
        (skipcart.DESCRIBED.example, "skipcart/documented_example.json"),
        (evermile.DESCRIBED.example, "evermile/documented_live_tracking.json"),
        (hubrise.BODIES["create_delivery"], "hubrise/new_deliveries/documented.json"),
        (hubrise.DELIVERY, "hubrise/deliveries/documented.json"),
        (deliverysolutions.SHIPMENT, "deliverysolutions/shipment.json"),
        (deliverysolutions.HISTORY, "deliverysolutions/history.json"),
    ],
    ids=["skipcart", "evermile", "hubrise, asked", "hubrise, answered", "a shipment", "its history"],
)
def test_the_dialects_examples_are_the_documented_ones(example: Any, file: str) -> None:
    assert example == json.loads((DOCUMENTS / file).read_text())
