"""Delivery Solutions' answers for readers of the OpenAPI document: their members, and the documented examples."""

from typing import Final

from gateway.openapi.fragments import Json

_TEXT: Final[Json] = {"type": ["string", "null"]}
_NUMBER: Final[Json] = {"type": ["number", "null"]}
_OBJECT: Final[Json] = {"type": ["object", "null"]}
_LIST: Final[Json] = {"type": "array", "items": {"type": "object"}}
_MOMENT: Final[Json] = {"type": ["string", "null"], "format": "date-time"}
_WINDOW: Final[Json] = {
    "type": ["object", "null"],
    "description": "Unix milliseconds.",
    "properties": {"startsAt": {"type": ["integer", "null"]}, "endsAt": {"type": ["integer", "null"]}},
}

SHIPMENT_SCHEMA: Final[Json] = {
    "type": "object",
    "required": ["id", "status", "orderExternalId", "createdAt", "lastUpdatedAt"],
    "properties": {
        "id": {"type": "string"},
        "tenantId": {"type": "string", "description": "The account."},
        **dict.fromkeys(("brandExternalId", "locationExternalId", "orderExternalId", "groupId"), _TEXT),
        "orderValue": _NUMBER,
        "itemList": _LIST,
        **dict.fromkeys(("pickupTime", "deliveryTime", "estimatedPickupTime", "estimatedDeliveryTime"), _WINDOW),
        **dict.fromkeys(("pickupContact", "pickupAddress", "deliveryContact", "deliveryAddress", "package"), _OBJECT),
        **dict.fromkeys(("pickupInstructions", "deliveryInstructions", "signature", "label", "trackingId"), _TEXT),
        **dict.fromkeys(("orderAttributes", "referenceLinks", "provider"), _OBJECT),
        **dict.fromkeys(("actualPickupTime", "actualDeliveryTime"), _MOMENT),
        **dict.fromkeys(("attachments", "proposedProviders", "warnings"), _LIST),
        **dict.fromkeys(("amount", "fee"), _NUMBER),
        "currencyCode": _TEXT,
        "status": {"type": "string", "description": "Their word for how far it is."},
        "subStatus": _TEXT,
        **dict.fromkeys(("createdAt", "lastUpdatedAt"), _MOMENT),
    },
    "description": "A shipment; a member of which nothing is known is null.",
}
SHIPMENT: Final[Json] = {
    "id": "5e1f1ef5167ab20010a74b94",
    "brandExternalId": "demoBrand",
    "locationExternalId": "NYClocation101",
    "orderExternalId": "876581",
    "groupId": "group1",
    "orderValue": 11,
    "itemList": [],
    "pickupTime": {"startsAt": 1609513200000, "endsAt": 1609516800000},
    "deliveryTime": {"startsAt": 1609520400000, "endsAt": 1609527600000},
    "deliveryContact": {"name": "Robert Wan", "phone": "4344344344", "email": "nycustomer@email.com"},
    "deliveryAddress": {
        "street1": "8th 62nd Avenue, Times Square",
        "street2": "",
        "city": "Manhattan",
        "state": "NY",
        "postalCode": "10039",
        "countryCode": "US",
    },
    "package": {
        "name": "custom",
        "size": {"length": 2, "width": 2, "height": 2, "unit": "in"},
        "weight": {"value": 2, "unit": "lb"},
        "itemQuantity": 1,
        "barcode": "1YT4V90308440011",
        "temperatureControl": "refrigerated",
        "content": ["alcohol"],
    },
    "deliveryInstructions": "Some text for delivery instructions",
    "orderAttributes": {"payment": "Cash"},
    "estimatedDeliveryTime": {"startsAt": 1598421638000, "endsAt": None},
    "estimatedPickupTime": {"startsAt": 1598421538000, "endsAt": None},
    "label": None,
    "trackingId": "del_MoMtkAakB1LDVk",
    "referenceLinks": {},
    "provider": {
        "name": "Point Pickup",
        "serviceId": "delivery",
        "serviceType": "Delivery",
        "displayName": "Point Pickup",
        "id": "3322",
    },
    "amount": 6,
    "currencyCode": "USD",
    "pickupContact": {"name": "Peter Brown", "phone": "432-234-2232"},
    "pickupAddress": {
        "street1": "7th 42nd Avenue, Times Square",
        "street2": "",
        "city": "Manhattan",
        "state": "NY",
        "postalCode": "10036",
        "countryCode": "US",
    },
    "pickupInstructions": "Always be smiling",
    "status": "ORDER_CANCELLED",
    "tenantId": "NYC",
    "lastUpdatedAt": "2020-01-15T14:17:26.099Z",
    "createdAt": "2020-01-15T14:17:25.984Z",
}
"""The documented answer to GET."""

HISTORY_SCHEMA: Final[Json] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["orderId", "tenantId", "orderStatus"],
        "properties": {
            "orderId": {"type": "string"},
            "tenantId": {"type": "string"},
            "orderStatus": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["status", "updatedAt", "note", "statusUser"],
                    "properties": {
                        "status": {"type": "string"},
                        "updatedAt": {"type": "string", "description": "Text by the clock of the location."},
                        "note": _TEXT,
                        "statusUser": _TEXT,
                        "eventReason": _OBJECT,
                        "subStatus": _TEXT,
                    },
                },
            },
        },
    },
}
HISTORY: Final[list[Json]] = [
    {
        "orderId": "6268f4a9d9f309c2a43e3a6a",
        "tenantId": "dummyaccount1",
        "orderStatus": [
            {
                "status": "REQUEST_RECEIVED",
                "updatedAt": "April 27th 2022, 2:45:45 am CDT",
                "note": None,
                "statusUser": "Default_Business_Key",
            },
            {
                "status": "ESTIMATES_RECEIVED",
                "updatedAt": "April 27th 2022, 2:45:46 am CDT",
                "note": None,
                "statusUser": "Default_Business_Key",
            },
            {
                "status": "ORDER_DISPATCHED",
                "updatedAt": "April 27th 2022, 2:45:47 am CDT",
                "note": None,
                "statusUser": "Default_Business_Key",
            },
            {
                "status": "ORDER_UNDELIVERABLE",
                "updatedAt": "October 26th 2022, 3:46:07 pm CDT",
                "note": "ARRIVED_AT_RETURN( RT-001 - Customer rejected (missing item or quality issue) )",
                "statusUser": "Walmart GoLocal",
                "eventReason": {
                    "code": "CUSTOMER_REJECTED",
                    "title": "Customer Rejected",
                    "note": "RT-001 - Customer rejected (missing item or quality issue)",
                },
                "subStatus": "RETURN_AT_LOCATION",
            },
        ],
    }
]
"""The documented answer to GET …/status-history."""
