"""Evermile's webhooks for readers of the OpenAPI document, with the shortest of the documented examples."""

from gateway.dialects.evermile.wire import EvermileMessage
from gateway.openapi.fragments import DescribedMessage

DESCRIBED = DescribedMessage(
    model=EvermileMessage,
    source="https://webhooks.prod.evermile.io",
    example={
        "orderId": "f9bc2fa1-fa33-4b79-8fe5-f4fbe24c6edd",
        "timestamp": "2022-12-05T10:22:28.000Z",
        "trackingInfo": {
            "courierLocation": {"lat": 51.511221, "lng": -0.140666},
            "courierName": "John Smith",
            "courierPhone": "+447883196637",
            "dropoffEta": "2023-01-02T10:20:28.000Z",
            "dropoffWindowEnd": "2023-01-02T10:20:28.000Z",
            "dropoffWindowStart": "2023-01-02T10:20:28.000Z",
            "dropoffWindowType": "committed",
            "isCourierAssigned": True,
            "isOnWayToPickup": True,
            "pickupEta": "2023-01-02T10:20:28.000Z",
            "pickupWindowEnd": "2023-01-02T10:20:28.000Z",
            "pickupWindowStart": "2023-01-02T10:20:28.000Z",
            "vehicleType": "pushbike",
        },
        "updateKind": "DropoffEta",
    },
)
