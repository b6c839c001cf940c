"""Who may call what: one scope and one least access level per method; knows no tokens and no data.

What a caller sees *within* a method (its tenant, its one location) is the servicer's business.
"""

from typing import NamedTuple

from crossdock.v1.access_pb2 import AccessLevel, Scope

from services.callers import Caller
from services.errors import Problem

LOCATION = AccessLevel.ACCESS_LEVEL_LOCATION
ACCOUNT = AccessLevel.ACCESS_LEVEL_ACCOUNT
SYSTEM = AccessLevel.ACCESS_LEVEL_SYSTEM


class Permission(NamedTuple):
    """What a method needs. ``scope`` is None where the level alone decides."""

    scope: "Scope.ValueType | None"
    level: "AccessLevel.ValueType"


_ANY_TOKEN = Permission(None, LOCATION)
_OUR_PROCESSES = Permission(None, SYSTEM)
_ACCESS = Permission(Scope.SCOPE_ACCESS_WRITE, ACCOUNT)
_DELIVERIES_READ = Permission(Scope.SCOPE_DELIVERIES_READ, LOCATION)
_DELIVERIES_WRITE = Permission(Scope.SCOPE_DELIVERIES_WRITE, LOCATION)
_EVENTS_READ = Permission(Scope.SCOPE_EVENTS_READ, LOCATION)
_LOCATIONS_READ = Permission(Scope.SCOPE_LOCATIONS_READ, LOCATION)
_LOCATIONS_WRITE = Permission(Scope.SCOPE_LOCATIONS_WRITE, ACCOUNT)
_ORDERS_READ = Permission(Scope.SCOPE_ORDERS_READ, LOCATION)
_ORDERS_WRITE = Permission(Scope.SCOPE_ORDERS_WRITE, LOCATION)
_CARRIERS_READ = Permission(Scope.SCOPE_SHIPMENTS_READ, ACCOUNT)
_CARRIERS_WRITE = Permission(Scope.SCOPE_SHIPMENTS_WRITE, ACCOUNT)
_SHIPMENTS_READ = Permission(Scope.SCOPE_SHIPMENTS_READ, LOCATION)
_SHIPMENTS_WRITE = Permission(Scope.SCOPE_SHIPMENTS_WRITE, LOCATION)
_DISPATCH_RULES_WRITE = Permission(Scope.SCOPE_SHIPMENTS_WRITE, ACCOUNT)
_SUBSCRIPTIONS_READ = Permission(Scope.SCOPE_SUBSCRIPTIONS_READ, ACCOUNT)
_SUBSCRIPTIONS_WRITE = Permission(Scope.SCOPE_SUBSCRIPTIONS_WRITE, ACCOUNT)
_WEBHOOKS_READ = Permission(Scope.SCOPE_WEBHOOKS_READ, ACCOUNT)
_WEBHOOKS_WRITE = Permission(Scope.SCOPE_WEBHOOKS_WRITE, ACCOUNT)

_SERVICES: dict[str, dict[str, Permission]] = {
    "AccessService": {
        "CreateTenant": _OUR_PROCESSES,
        "GetTenant": _ANY_TOKEN,  # its own; the servicer hides all others
        "ListTenants": _OUR_PROCESSES,
        "CreateToken": _ACCESS,
        "ListTokens": _ACCESS,
        "RevokeToken": _ACCESS,
        "GetCaller": _ANY_TOKEN,
    },
    "CarrierDirectoryService": {
        "CreateCarrier": _CARRIERS_WRITE,
        "GetCarrier": _CARRIERS_READ,
        "ListCarriers": _CARRIERS_READ,
        "UpdateCarrier": _CARRIERS_WRITE,
        "DeleteCarrier": _CARRIERS_WRITE,
    },
    "CarrierService": {  # carriers serve it and the hub calls it
        "DescribeCarrier": _OUR_PROCESSES,
        "Quote": _OUR_PROCESSES,
        "Book": _OUR_PROCESSES,
        "GetBooking": _OUR_PROCESSES,
        "AmendBooking": _OUR_PROCESSES,
        "CancelBooking": _OUR_PROCESSES,
    },
    "DeliveryService": {
        "CreateDelivery": _DELIVERIES_WRITE,
        "GetDelivery": _DELIVERIES_READ,
        "GetDeliveryByOrder": _DELIVERIES_READ,
        "GetDeliveryByReference": _DELIVERIES_READ,
        "ListDeliveries": _DELIVERIES_READ,
        "UpdateDelivery": _DELIVERIES_WRITE,
        "CancelDelivery": _DELIVERIES_WRITE,
        "OverrideDeliveryStatus": _DELIVERIES_WRITE,
        "ListDeliveryEvents": _DELIVERIES_READ,
        "ExplainDelivery": _DELIVERIES_READ,
        "WatchDelivery": _DELIVERIES_READ,
        "GetDeliveryProof": _DELIVERIES_READ,
        "ResolveDeliveryProof": _OUR_PROCESSES,
        "StoreDeliveryProof": _OUR_PROCESSES,
    },
    "EventService": {
        "ListEvents": _EVENTS_READ,
        "WatchEvents": _EVENTS_READ,
    },
    "LocationService": {
        "CreateLocation": _LOCATIONS_WRITE,
        "GetLocation": _LOCATIONS_READ,
        "ListLocations": _LOCATIONS_READ,
        "UpdateLocation": _LOCATIONS_WRITE,
    },
    "OrderService": {
        "CreateOrder": _ORDERS_WRITE,
        "GetOrder": _ORDERS_READ,
        "ListOrders": _ORDERS_READ,
        "UpdateOrder": _ORDERS_WRITE,
    },
    "ShipmentService": {
        "CreateShipment": _SHIPMENTS_WRITE,
        "GetShipment": _SHIPMENTS_READ,
        "GetShipmentByExternalId": _SHIPMENTS_READ,
        "ListShipments": _SHIPMENTS_READ,
        "UpdateShipment": _SHIPMENTS_WRITE,
        "CancelShipment": _SHIPMENTS_WRITE,
        "RetryShipment": _SHIPMENTS_WRITE,
        "ReleaseShipment": _SHIPMENTS_WRITE,
        "QuoteShipment": _SHIPMENTS_READ,
        "ExplainShipment": _SHIPMENTS_READ,
        "ListShipmentHistory": _SHIPMENTS_READ,
        "CreateReturn": _SHIPMENTS_WRITE,
        "ResolveShipmentLink": _OUR_PROCESSES,
        "GetDispatchRules": _SHIPMENTS_READ,
        "UpdateDispatchRules": _DISPATCH_RULES_WRITE,
    },
    "SubscriptionService": {
        "CreateSubscription": _SUBSCRIPTIONS_WRITE,
        "GetSubscription": _SUBSCRIPTIONS_READ,
        "ListSubscriptions": _SUBSCRIPTIONS_READ,
        "UpdateSubscription": _SUBSCRIPTIONS_WRITE,
        "DeleteSubscription": _SUBSCRIPTIONS_WRITE,
        "PauseSubscription": _SUBSCRIPTIONS_WRITE,
        "ResumeSubscription": _SUBSCRIPTIONS_WRITE,
        "RotateSubscriptionSecret": _SUBSCRIPTIONS_WRITE,
        "TestSubscription": _SUBSCRIPTIONS_WRITE,
        "GetSubscriptionStats": _SUBSCRIPTIONS_READ,
        "ListAttempts": _SUBSCRIPTIONS_READ,
        "RedeliverEvent": _SUBSCRIPTIONS_WRITE,
        "ReplaySubscription": _SUBSCRIPTIONS_WRITE,
        "RedriveFailures": _SUBSCRIPTIONS_WRITE,
        "PullEvents": _SUBSCRIPTIONS_READ,
        "AcknowledgeEvents": _SUBSCRIPTIONS_WRITE,
        "LeaseSubscriptions": _OUR_PROCESSES,
        "ReportAttempts": _OUR_PROCESSES,
    },
    "WebhookService": {
        "CreateWebhookSource": _WEBHOOKS_WRITE,
        "GetWebhookSource": _WEBHOOKS_READ,
        "ListWebhookSources": _WEBHOOKS_READ,
        "UpdateWebhookSource": _WEBHOOKS_WRITE,
        "RotateWebhookSourceSecret": _WEBHOOKS_WRITE,
        "ResolveWebhookSource": _OUR_PROCESSES,
        "IngestWebhook": _OUR_PROCESSES,
        "BatchIngestWebhooks": _OUR_PROCESSES,
        "ListWebhooks": _WEBHOOKS_READ,
        "GetWebhook": _WEBHOOKS_READ,
        "ReplayWebhook": _WEBHOOKS_WRITE,
    },
}

PERMISSIONS: dict[str, Permission] = {
    f"/crossdock.v1.{service}/{method}": permission
    for service, methods in _SERVICES.items()
    for method, permission in methods.items()
}
"""What every method of the contract needs, by its full name as gRPC writes it."""


def require(method: str, caller: Caller) -> None:
    """Raises SCOPE_MISSING when the caller may not call the method; one without entry is refused to all."""
    needed = PERMISSIONS.get(method)
    if needed is None:
        raise Problem("METHOD_NOT_SERVED", f"{method} is not served", {"method": method})
    if caller.level == SYSTEM:
        return
    if caller.level < needed.level:
        raise _missing(needed, f"this method needs level {AccessLevel.Name(needed.level)}")
    if needed.scope is not None and needed.scope not in caller.scopes:
        raise _missing(needed, f"this method needs {Scope.Name(needed.scope)}")


def _missing(needed: Permission, message: str) -> Problem:
    scope = Scope.Name(needed.scope) if needed.scope is not None else ""
    return Problem("SCOPE_MISSING", message, {"scope": scope, "level": AccessLevel.Name(needed.level)})
