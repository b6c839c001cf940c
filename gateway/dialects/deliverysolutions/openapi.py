"""Delivery Solutions' routes for readers of the OpenAPI document, with the documented examples; knows no mapping."""

import re
from collections.abc import Mapping

from fastapi.routing import APIRoute

from gateway.dialects.deliverysolutions import answers, routes, wire
from gateway.dialects.deliverysolutions.errors import rows
from gateway.openapi.comments import first_sentence
from gateway.openapi.fragments import Fragment, Json, json_content, model_schemas, schema_ref

NAME = "DeliverySolutions"
_KEY, _TENANT = "deliverySolutionsKey", "deliverySolutionsTenant"
BODIES: Mapping[str, Json] = {
    "create": {
        "locationExternalId": "7709",
        "orderExternalId": "7709-001",
        "orderValue": 10,
        "deliveryContact": {"name": "asd", "phone": "+1 234-567-8900", "email": ""},
        "deliveryAddress": {
            "street1": "725 Albany Street",
            "street2": "",
            "city": "Boston",
            "state": "MA",
            "countryCode": "US",
            "postalCode": "02118",
            "latitude": 42.3346944,
            "longitude": -71.071818,
            "apartmentNumber": "",
        },
        "package": {
            "name": "Solid",
            "size": {"length": 10, "width": 10, "height": 10, "unit": "in"},
            "weight": {"value": 10, "unit": "lb"},
            "itemQuantity": 1,
            "description": "bungii pack 1",
        },
        "itemList": [
            {
                "sku": "sku 1",
                "quantity": 1,
                "size": {"length": 3, "width": 2, "height": 2, "unit": "in"},
                "weight": {"value": 10, "unit": "lb"},
                "price": 3,
                "salePrice": 3,
                "title": "Watch",
            }
        ],
        "pickupTime": None,
        "deliveryTime": None,
    },
    "list": {
        "limit": 100,
        "lastUpdatedAt": {"startsAt": 1651402682000, "endsAt": 1652266731000},
        "orderExternalIds": ["1908241"],
        "locationExternalIds": ["100983"],
        "status": ["ORDER_DISPATCHED", "ORDER_DELIVERED"],
    },
    "edit": {
        "pickupTime": {"startsAt": 1655468102000},
        "deliveryTime": {"endsAt": 1655554502000},
        "deliveryContact": {"name": "John Smith", "phone": "232-323-2323", "email": "john.smith@email.com"},
        "orderExternalId": "19082413",
        "orderValue": 160.99,
    },
}
"""The documented bodies; of the longer ones as much as an example needs."""
_MODELS: Mapping[str, type[wire.Edit | wire.ListQuery]] = {
    "create": wire.NewShipment,
    "list": wire.ListQuery,
    "edit": wire.Edit,
}
_PLACE = re.compile(r"\{([^}]*)\}")
_ANSWERS: Mapping[str, Json] = {
    "list": {
        "type": "object",
        "required": ["data", "paginationToken"],
        "properties": {
            "data": {"type": "array", "items": schema_ref(f"{NAME}.Shipment")},
            "paginationToken": {
                "type": "object",
                "required": ["next", "previous"],
                "properties": {"next": {"type": ["string", "null"]}, "previous": {"type": ["string", "null"]}},
            },
        },
    },
    "history": answers.HISTORY_SCHEMA,
}
_EXAMPLES: Mapping[str, object] = {
    "list": {"data": [answers.SHIPMENT], "paginationToken": {"next": None, "previous": None}},
    "history": answers.HISTORY,
}
_ERROR: Json = {
    "type": "object",
    "required": ["type", "message"],
    "properties": {
        "type": {"type": "string"},
        "message": {"type": "string"},
        "code": {"type": "string"},
        "provider": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"type": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


def fragment() -> Fragment:
    """The dialect's paths and what they refer to."""
    return Fragment(
        tags=[{"name": NAME, "description": "Delivery Solutions' Shipping Order API."}],
        paths=_paths(),
        schemas={
            **model_schemas(f"{NAME}.", *_MODELS.values()),
            f"{NAME}.Shipment": answers.SHIPMENT_SCHEMA,
            f"{NAME}.Error": _ERROR,
        },
        security_schemes={
            _KEY: {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "A token of the account."},
            _TENANT: {"type": "apiKey", "in": "header", "name": "tenantid", "description": "The account's own name."},
        },
    )


def _paths() -> dict[str, Json]:
    paths: dict[str, Json] = {}
    for route in routes.router.routes:
        assert isinstance(route, APIRoute)
        for method in route.methods or ():
            paths.setdefault(routes.PREFIX + route.path_format, {})[method.lower()] = _operation(route)
    return paths


def _operation(route: APIRoute) -> Json:
    name = route.name
    operation: Json = {
        "operationId": f"deliverysolutions_{name}",
        "tags": [NAME],
        "summary": first_sentence(route.endpoint.__doc__ or ""),
        "description": " ".join((route.endpoint.__doc__ or "").split()),
        "security": [{_KEY: [], _TENANT: []}],
        "parameters": [
            {"name": each, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for each in _PLACE.findall(route.path_format)
        ],
    }
    if name in _MODELS:
        content = json_content(schema_ref(f"{NAME}.{_MODELS[name].__name__}"), example=BODIES[name])
        operation["requestBody"] = {"required": True, "content": content}
    answer = _ANSWERS.get(name, schema_ref(f"{NAME}.Shipment"))
    content = json_content(answer, example=_EXAMPLES.get(name, answers.SHIPMENT))
    responses = {str(route.status_code or 200): {"description": "The answer.", "content": content}}
    return operation | {"responses": {**responses, **_refusals(name)}}


def _refusals(operation: str) -> dict[str, Json]:
    kinds: dict[int, list[str]] = {405: ["NOT_FOUND"], 503: ["INTERNAL_SERVER_ERROR"]}
    if operation in _MODELS:
        kinds |= {408: ["UNMAPPED_ERROR"], 413: ["INVALID_DATA"]}
    for kind, row in rows(operation).items():
        kinds.setdefault(row.http, []).append(kind)
    return {
        str(status): {"description": ", ".join(names), "content": json_content(schema_ref(f"{NAME}.Error"))}
        for status, names in sorted(kinds.items())
    }
