"""HubRise's routes for readers of the OpenAPI document, with the documented examples; knows no mapping."""

import re
from collections.abc import Iterator, Mapping

from fastapi.routing import APIRoute

from gateway.dialects.hubrise import order_routes, routes, wire
from gateway.openapi.comments import camel, first_sentence
from gateway.openapi.fragments import Fragment, Json, json_content, model_schemas, schema_ref

NAME = "HubRise"
_SCHEME = "hubriseToken"
_UPS: Json = {
    "carrier": "UPS",
    "carrier_ref": "ups",
    "ref": "1Z12345E0291980793",
    "status": "pending",
    "fee": "4.50 EUR",
    "estimated_pickup_at": "2023-01-01T12:00:00+01:00",
    "estimated_dropoff_at": "2023-01-01T12:30:00+01:00",
    "tracking_url": "https://www.ups.com/track?tracknum=1Z12345E0291980793",
    "driver_name": "John",
    "driver_phone": "+33612345678",
    "driver_phone_access_code": "1234",
    "driver_latitude": "48.856614",
    "driver_longitude": "2.3522219",
}
DELIVERY: Json = {
    "id": "ez351",
    "order_id": "5dpm9",
    "location_id": "3r4s3-1",
    **_UPS,
    "status": "pickup_waiting",
    "estimated_pickup_at": "2023-01-01T12:17:00+01:00",
    "estimated_dropoff_at": "2023-01-01T12:29:00+01:00",
    "assigned_at": "2023-01-01T12:11:03+01:00",
    "pickup_at": None,
    "delivered_at": None,
    "cancelled_at": None,
    "driver_latitude": "48.856702",
    "driver_longitude": "2.35222",
}
"""The documented answer."""
BODIES: Mapping[str, Json] = {
    "create_delivery": _UPS,
    "update_delivery": {"driver_latitude": "48.856614", "driver_longitude": "2.3522219"},
    "create_order": {"status": "new", "service_type": "delivery", "private_ref": "A-17"},
    "update_order": {"status": "in_preparation"},
}
"""The documented bodies; those of orders are as much of HubRise's as a delivery needs."""
_MODELS: Mapping[str, str] = {
    "create_delivery": "NewDelivery",
    "update_delivery": "DeliveryChange",
    "create_order": "NewOrder",
    "update_order": "OrderChange",
}
CALLBACK: Json = {
    "type": "object",
    "description": "An event of a callback.",
    "properties": {
        "id": {"type": "string"},
        "resource_type": {"enum": ["delivery", "order"]},
        "event_type": {"enum": ["create", "update"]},
        "created_at": {"type": "string", "format": "date-time"},
        "delivery_id": {"type": "string", "description": "Not with an order."},
        "order_id": {"type": ["string", "null"]},
        "location_id": {"type": ["string", "null"]},
        "previous_state": {
            "type": "object",
            "description": "What it was before, without members of which only the new value is kept. Not with create.",
        },
        "new_state": {"anyOf": [schema_ref(f"{NAME}.Delivery"), schema_ref(f"{NAME}.Order")]},
    },
}
_ANSWERS: Mapping[str, Json] = {
    "create_delivery": schema_ref(f"{NAME}.Delivery"),
    "retrieve_delivery": schema_ref(f"{NAME}.Delivery"),
    "update_delivery": schema_ref(f"{NAME}.Delivery"),
    "create_order": schema_ref(f"{NAME}.Order"),
    "retrieve_order": schema_ref(f"{NAME}.Order"),
    "update_order": schema_ref(f"{NAME}.Order"),
    "list_orders": {"type": "array", "items": schema_ref(f"{NAME}.Order")},
}
_ERROR: Json = {
    "type": "object",
    "required": ["error_type"],
    "properties": {
        "message": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "error_type": {"type": "string"},
    },
}
_BODY_ERRORS: Mapping[int, str] = {408: "The body did not arrive in time", 413: "The body is too large"}
_ERRORS: Mapping[int, str] = {
    400: "The body is not a JSON object",
    401: "The access token is missing or not valid",
    403: "The token does not reach this",
    404: "There is no such route, location, order or delivery",
    415: "The Content-Type is not application/json",
    422: "A field is wrong, or the request does not fit the present state",
    429: "Too many requests",
    500: "Something broke on our side",
    503: "Not available at the moment",
}
_PLACE = re.compile(r"\{([^}]*)\}")
_ASSIGNED = ("id", "order_id", "location_id")
_NEVER_SHOWN = ("driver_pickup_url",)
_FREE = ("items", "discounts", "charges", "customer", "customer_id")
"""Members of an order that are shown as they were told, other callers' included."""


def fragment() -> Fragment:
    """The dialect's paths, in both forms, and what they refer to."""
    schemas = model_schemas(f"{NAME}.", wire.NewDelivery, wire.DeliveryChange, wire.NewOrder)
    order_change = {**schemas[f"{NAME}.NewOrder"], "description": "The body of PATCH …/orders/:order_id."}
    order_change.pop("required", None)
    return Fragment(
        tags=[{"name": NAME, "description": "HubRise's deliveries, and as much of its orders as a delivery needs."}],
        paths=_paths(),
        schemas={
            **schemas,
            f"{NAME}.OrderChange": order_change,
            f"{NAME}.Delivery": _delivery(schemas[f"{NAME}.DeliveryChange"]),
            f"{NAME}.Order": _order(schemas[f"{NAME}.NewOrder"]),
            f"{NAME}.Error": _ERROR,
        },
        responses={
            f"{NAME}{status}": {"description": told, "content": json_content(schema_ref(f"{NAME}.Error"))}
            for status, told in {**_ERRORS, **_BODY_ERRORS}.items()
        },
        security_schemes={
            _SCHEME: {
                "type": "apiKey",
                "in": "header",
                "name": "X-Access-Token",
                "description": "A token of a location or of the account. The short addresses take those of a location.",
            }
        },
    )


def _paths() -> dict[str, Json]:
    paths: dict[str, Json] = {}
    for route in (*routes.router.routes, *order_routes.router.routes):
        assert isinstance(route, APIRoute)
        for method in route.methods or ():
            paths.setdefault(routes.PREFIX + route.path, {})[method.lower()] = _operation(route)
    return paths


def _operation(route: APIRoute) -> Json:
    name = route.name
    short = "Short" if route.path.startswith("/location/") else ""
    operation: Json = {
        "operationId": f"hubrise_{camel(name)}{short}",
        "tags": [NAME],
        "summary": first_sentence(route.endpoint.__doc__ or ""),
        "description": " ".join((route.endpoint.__doc__ or "").split()),
        "security": [{_SCHEME: []}],
        "parameters": [
            *(_in_path(each) for each in _PLACE.findall(route.path)),
            *(_filters() if name == "list_orders" else ()),
        ],
    }
    if name in _MODELS:
        content = json_content(schema_ref(f"{NAME}.{_MODELS[name]}"), example=BODIES[name])
        operation["requestBody"] = {"required": True, "content": content}
    example = {"example": DELIVERY} if name.endswith("_delivery") else {}
    answer: Json = {"description": "The answer.", "content": json_content(_ANSWERS[name], **example)}
    if name == "list_orders":
        following = "The `cursor` of the following page; absent on the last."
        answer["headers"] = {"X-Cursor-Next": {"description": following, "schema": {"type": "string"}}}
    told = {**_ERRORS, **(_BODY_ERRORS if name in _MODELS else {})}
    refusals = {str(status): {"$ref": f"#/components/responses/{NAME}{status}"} for status in told}
    return operation | {"responses": {"200": answer, **refusals}}


def _in_path(name: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _filters() -> Iterator[Json]:
    schema = model_schemas("", wire.OrderFilters)["OrderFilters"]
    for name, each in schema["properties"].items():
        [single] = [kind for kind in each.get("anyOf", [each]) if kind != {"type": "null"}]
        yield {"name": name, "in": "query", "schema": single}


def _delivery(change: Json) -> Json:
    """Every documented member, null where nothing is known; others that a client sent follow behind."""
    members = {name: {"type": ["string", "null"]} for name in _ASSIGNED}
    members |= {name: _shown(each) for name, each in change["properties"].items()}
    required = [name for name in members if name not in _NEVER_SHOWN]
    return {"type": "object", "description": "A delivery.", "properties": members, "required": required}


def _order(new: Json) -> Json:
    members: Json = {name: {"type": ["string", "null"]} for name in ("id", "location_id", "created_at", "created_by")}
    members |= {name: _shown(each) for name, each in new["properties"].items() if name not in _FREE}
    members["items"] = {"type": "array", "items": {"type": "object"}}
    members["customer"] = {"type": ["object", "null"]}
    # Without its position, which changes too often to go along.
    members["delivery"] = {"anyOf": [{"type": "object"}, {"type": "null"}]}
    required = ["id", "location_id", "status", "items", "customer", "delivery"]
    return {"type": "object", "description": "An order.", "properties": members, "required": required}


def _shown(member: Json) -> Json:
    """A member as answers have it: whoever told it, the bounds of this dialect's requests need not hold."""
    kinds = member.get("anyOf", [member])
    words = [word for kind in kinds for word in kind.get("enum", [])]
    if words:
        return {"type": ["string", "null"], "enum": [*words, None]}
    forms = {kind["format"] for kind in kinds if "format" in kind}
    return {"type": ["string", "null"]} | ({"format": forms.pop()} if forms else {})
