import pytest
from crossdock.v1.access_pb2 import Scope

from services.callers import Caller
from services.errors import Problem
from services.permissions import ACCOUNT, LOCATION, PERMISSIONS, SYSTEM, require
from tests.services.contract import every_method

SCOPES = [value for value in Scope.values() if value]
LEVELS = [LOCATION, ACCOUNT, SYSTEM]


def allowed(method: str, caller: Caller) -> bool:
    try:
        require(method, caller)
    except Problem as problem:
        if problem.reason != "SCOPE_MISSING":
            raise
        return False
    return True


def test_every_method_of_the_contract_has_an_entry_and_no_other_has() -> None:
    assert set(PERMISSIONS) == {method.path for method in every_method()}


def test_a_method_without_an_entry_is_refused_to_everybody() -> None:
    with pytest.raises(Problem) as caught:
        require("/crossdock.v1.OrderService/DropOrders", Caller(None, SYSTEM))

    assert caught.value.reason == "METHOD_NOT_SERVED"


@pytest.mark.parametrize("method", sorted(PERMISSIONS))
def test_a_method_takes_its_own_scope_and_level_and_nothing_less(method: str) -> None:
    scope, least = PERMISSIONS[method]

    for level in (LOCATION, ACCOUNT):
        for held in SCOPES:
            caller = Caller(None, level, frozenset({held}))
            assert allowed(method, caller) == (level >= least and scope in (None, held))
        assert allowed(method, Caller(None, level, frozenset(SCOPES))) == (level >= least)
        assert allowed(method, Caller(None, level)) == (level >= least and scope is None)
    assert allowed(method, Caller(None, SYSTEM))


def test_a_token_of_one_location_reaches_no_webhooks_no_tokens_and_changes_no_locations() -> None:
    caller = Caller(None, LOCATION, frozenset(SCOPES))
    refused = {method for method in PERMISSIONS if not allowed(method, caller)}

    for service, methods in {
        "WebhookService": None,
        "SubscriptionService": None,
        "CarrierDirectoryService": None,
        "AccessService": {"CreateTenant", "ListTenants", "CreateToken", "ListTokens", "RevokeToken"},
        "LocationService": {"CreateLocation", "UpdateLocation"},
        "OrderService": set[str](),
        "DeliveryService": {"ResolveDeliveryProof", "StoreDeliveryProof"},
        "EventService": set[str](),
        "ShipmentService": {"UpdateDispatchRules", "ResolveShipmentLink"},
    }.items():
        of_service = {m for m in PERMISSIONS if m.startswith(f"/crossdock.v1.{service}/")}
        expected = of_service if methods is None else {f"/crossdock.v1.{service}/{method}" for method in methods}
        assert refused & of_service == expected


@pytest.mark.parametrize("method", ["IngestWebhook", "BatchIngestWebhooks", "ResolveWebhookSource"])
def test_what_is_for_the_gateway_is_for_the_deployments_own_key_alone(method: str) -> None:
    path = f"/crossdock.v1.WebhookService/{method}"

    assert not allowed(path, Caller(None, ACCOUNT, frozenset(SCOPES)))
    assert allowed(path, Caller(None, SYSTEM))


def test_what_is_missing_is_told() -> None:
    with pytest.raises(Problem) as caught:
        require("/crossdock.v1.OrderService/CreateOrder", Caller(None, ACCOUNT))

    assert caught.value.metadata == {"scope": "SCOPE_ORDERS_WRITE", "level": "ACCESS_LEVEL_LOCATION"}
