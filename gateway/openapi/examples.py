"""Small true examples of the canonical face, which the tests send to a real hub; knows no schema."""

from typing import Any

_DELIVERY_ID = "dlv_01kdf0g5aqe4rt0kw1yr2d6m8x"
_LOCATION_ID = "loc_01kdf0fzp2fd5tr7m1x4d8q2nv"
_EVENT_ID = "evt_01kdf0h2b7ev8s3w5n9q1c4rxz"
_ORDER_ID = "ord_01kdf0g17cf0frkm9a3zw6b5ty"
_SOURCE_ID = "src_01kdf0f8m4f4cba2x7e9n1r5kw"

BODIES: dict[str, Any] = {
    "AccessService_CreateTenant": {"externalId": "dummyaccount1", "displayName": "Dummy account"},
    "AccessService_CreateToken": {
        "displayName": "analytics",
        "level": "ACCESS_LEVEL_ACCOUNT",
        "scopes": ["SCOPE_DELIVERIES_READ", "SCOPE_EVENTS_READ"],
    },
    "AccessService_RevokeToken": {},
    "CarrierDirectoryService_CreateCarrier": {
        "ref": "swift",
        "name": "Swift",
        "address": "carriers.example.com:443",
        "dialect": "skipcart",
    },
    "CarrierDirectoryService_UpdateCarrier": {"callsPerMinute": 600},
    "DeliveryService_CreateDelivery": {
        "carrier": "UPS",
        "carrierRef": "ups",
        "trackingNumber": "1Z12345E0291980793",
        "status": "DELIVERY_STATUS_DISPATCHED",
        "fee": {"currencyCode": "EUR", "units": "4", "nanos": 500000000},
        "courier": {"name": "John", "phone": {"raw": "+33612345678", "e164": "+33612345678", "accessCode": "1234"}},
        "references": [{"scope": "partner", "value": "A-17"}],
    },
    "DeliveryService_UpdateDelivery": {"position": {"latitude": "48.856614", "longitude": "2.3522219"}},
    "DeliveryService_CancelDelivery": {"reason": {"code": "customer_changed_mind"}},
    "DeliveryService_OverrideDeliveryStatus": {
        "status": "DELIVERY_STATUS_DELIVERED",
        "actor": "Jane of night support",
        "reason": "The recipient says on the telephone that the parcel is there.",
    },
    "LocationService_CreateLocation": {
        "externalId": "4711",
        "name": "Downtown",
        "timeZone": "America/Chicago",
        "currencyCode": "USD",
    },
    "LocationService_UpdateLocation": {"pickupInstructions": "Ring at the back door."},
    "OrderService_CreateOrder": {
        "locationId": _LOCATION_ID,
        "privateRef": "A-17",
        "serviceType": "SERVICE_TYPE_DELIVERY",
        "status": "FULFILMENT_STATUS_NEW",
        "customer": {"name": "Ada Fox"},
    },
    "OrderService_UpdateOrder": {"status": "FULFILMENT_STATUS_IN_PREPARATION"},
    "ShipmentService_CreateShipment": {
        "externalId": "7709-001",
        "locationExternalId": "7709",
        "consignment": {
            "dropoff": {
                "contact": {"name": "Ada Fox", "phone": {"raw": "+1 234-567-8900"}},
                "address": {
                    "postalAddress": {
                        "regionCode": "US",
                        "postalCode": "02118",
                        "administrativeArea": "MA",
                        "locality": "Boston",
                        "addressLines": ["725 Albany Street"],
                    },
                    "position": {"latitude": 42.3346944, "longitude": -71.071818},
                },
            },
            "parcels": [{"name": "Solid", "weight": {"value": 10, "unit": "WEIGHT_UNIT_POUND"}}],
        },
        "hold": True,
    },
    "ShipmentService_UpdateShipment": {"groupId": "morning"},
    "ShipmentService_CancelShipment": {"reason": {"code": "customer_changed_mind"}},
    "ShipmentService_RetryShipment": {"asynchronous": True},
    "ShipmentService_ReleaseShipment": {"asynchronous": True},
    "ShipmentService_QuoteShipment": {
        "shipment": {
            "locationExternalId": "7709",
            "consignment": {
                "dropoff": {
                    "address": {
                        "postalAddress": {
                            "regionCode": "US",
                            "addressLines": ["725 Albany Street", "Boston, MA 02118"],
                        },
                        "position": {"latitude": 42.3346944, "longitude": -71.071818},
                    }
                }
            },
        },
        "rules": {
            "rules": [{"name": "cheapest", "kind": "DISPATCH_RULE_KIND_SORT", "expression": "price"}],
        },
    },
    "ShipmentService_CreateReturn": {"reason": {"code": "customer_refused"}, "returnLocationExternalId": "7709"},
    "ShipmentService_UpdateDispatchRules": {
        "rules": [
            {
                "name": "no express above 20 USD",
                "kind": "DISPATCH_RULE_KIND_EXCLUDE",
                "expression": "quote.service_level.type == 'express' && price > 2000",
            },
            {"name": "cheapest", "kind": "DISPATCH_RULE_KIND_SORT", "expression": "price"},
        ],
        "quoteDeadline": "3s",
    },
    "SubscriptionService_CreateSubscription": {
        "displayName": "Kitchen screen",
        "dialect": "cloudevents",
        "url": "https://subscriber.example/hooks/crossdock",
        "filter": {"kinds": ["EVENT_KIND_STATUS_CHANGED"], "excludeSynthetic": True},
    },
    "SubscriptionService_UpdateSubscription": {"displayName": "Kitchen screen, upstairs"},
    "SubscriptionService_PauseSubscription": {"reason": "The kitchen is being rebuilt."},
    "SubscriptionService_ResumeSubscription": {},
    "SubscriptionService_RotateSubscriptionSecret": {"overlap": "3600s"},
    "SubscriptionService_TestSubscription": {},
    "SubscriptionService_RedeliverEvent": {"eventId": _EVENT_ID},
    "SubscriptionService_ReplaySubscription": {"startTime": "2026-01-01T00:00:00Z"},
    "SubscriptionService_RedriveFailures": {},
    "SubscriptionService_AcknowledgeEvents": {"cursor": "AAAAAAAAAAEBmLIAAAAAAIAAAAAAAAAA"},
    "WebhookService_CreateWebhookSource": {
        "dialect": "skipcart",
        "displayName": "Skipcart, all stores",
        "authScheme": "AUTH_SCHEME_PATH_SECRET",
        "unknownTargetPolicy": "UNKNOWN_TARGET_POLICY_CREATE",
        "defaultCurrencyCode": "USD",
        "defaultRegionCode": "US",
    },
    "WebhookService_UpdateWebhookSource": {"allowedNetworks": ["203.0.113.0/24"]},
    "WebhookService_RotateWebhookSourceSecret": {"overlap": "3600s"},
    "WebhookService_ReplayWebhook": {"validateOnly": True},
}
"""The bodies of requests, by operation."""

MESSAGES: dict[str, Any] = {
    "Delivery": {
        "id": _DELIVERY_ID,
        "locationId": _LOCATION_ID,
        "orderId": _ORDER_ID,
        "kind": "DELIVERY_KIND_OUTBOUND",
        "status": "DELIVERY_STATUS_DROPOFF_EN_ROUTE",
        "statusTime": "2026-01-31T12:11:03Z",
        "carrier": "UPS",
        "carrierRef": "ups",
        "trackingNumber": "1Z12345E0291980793",
        "fee": {"currencyCode": "EUR", "units": "4", "nanos": 500000000},
        "courier": {"name": "John", "phone": {"raw": "+33612345678", "e164": "+33612345678"}},
        "position": {"latitude": "48.856702", "longitude": "2.35222", "time": "2026-01-31T12:14:40Z"},
        "attempt": 1,
        "driverSequence": 1,
        "lastEventNumber": "3",
        "createTime": "2026-01-31T11:58:20Z",
        "updateTime": "2026-01-31T12:14:40Z",
        "etag": "3",
    },
    "Event": {
        "id": "evt_01kdf0h2w6eqjb0t3d5zr8m1cx",
        "deliveryId": _DELIVERY_ID,
        "number": "3",
        "kind": "EVENT_KIND_STATUS_CHANGED",
        "kinds": ["EVENT_KIND_STATUS_CHANGED"],
        "disposition": "DISPOSITION_APPLIED",
        "previousStatus": "DELIVERY_STATUS_PICKED_UP",
        "status": "DELIVERY_STATUS_DROPOFF_EN_ROUTE",
        "eventTime": "2026-01-31T12:11:03Z",
        "recordTime": "2026-01-31T12:11:03.412Z",
    },
    "Location": {
        "id": _LOCATION_ID,
        "externalId": "4711",
        "name": "Downtown",
        "timeZone": "America/Chicago",
        "currencyCode": "USD",
        "createTime": "2026-01-30T09:00:00Z",
        "updateTime": "2026-01-30T09:00:00Z",
        "etag": "1",
    },
    "Order": {
        "id": _ORDER_ID,
        "locationId": _LOCATION_ID,
        "privateRef": "A-17",
        "serviceType": "SERVICE_TYPE_DELIVERY",
        "status": "FULFILMENT_STATUS_NEW",
        "customer": {"name": "Ada Fox"},
        "createTime": "2026-01-31T11:58:02Z",
        "updateTime": "2026-01-31T11:58:02Z",
        "etag": "1",
    },
    "WebhookSource": {
        "id": _SOURCE_ID,
        "dialect": "skipcart",
        "displayName": "Skipcart, all stores",
        "unknownTargetPolicy": "UNKNOWN_TARGET_POLICY_CREATE",
        "authScheme": "AUTH_SCHEME_PATH_SECRET",
        "path": f"/webhooks/skipcart/{_SOURCE_ID}",
        "secrets": [{"id": "sec_01kdf0f8m5f7vvw1y2j6c4t9qe", "createTime": "2026-01-30T09:05:00Z"}],
        "createTime": "2026-01-30T09:05:00Z",
        "updateTime": "2026-01-30T09:05:00Z",
        "etag": "1",
    },
}
"""Things as answers show them, by message."""
