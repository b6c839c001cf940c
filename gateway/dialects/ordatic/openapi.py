"""Ordatic's webhooks for readers of the OpenAPI document, with the documented refund as an example."""

from gateway.dialects.ordatic.wire import OrdaticEvent
from gateway.openapi.fragments import DescribedMessage

DESCRIBED = DescribedMessage(
    model=OrdaticEvent,
    source="https://ordatic.readme.io/reference/webhooks-orders",
    example={
        "eventType": "rider-refund",
        "storeId": "7709",
        "data": {
            "orderId": "68fa12",
            "refund": {
                "id": "ref_1",
                "date": "2024-04-09T15:00:00Z",
                "totalRiderRefund": 1250,
                "totalPartnerRefund": 300,
                "reason": "Items missing",
                "refundItems": [
                    {
                        "reason": "MISSING_ITEM",
                        "riderAmount": 1250,
                        "partnerAmount": 300,
                        "partyAtFault": "RIDER",
                        "items": [{"name": "Margherita", "qty": 1}],
                    }
                ],
                "refundFees": [{"name": "Delivery fee", "amount": 250, "code": "DELIVERY_FEE"}],
            },
        },
    },
)
