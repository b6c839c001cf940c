"""Skipcart's webhook for readers of the OpenAPI document, with the documented example."""

from gateway.dialects.skipcart.wire import SkipcartEvent
from gateway.openapi.fragments import DescribedMessage

DESCRIBED = DescribedMessage(
    model=SkipcartEvent,
    source="https://skipcartapi.readme.io/reference/standard-format-attributes",
    example={
        "partner_order_id": "Partner_2378437",
        "skipcart_order_id": "237126",
        "skipcart_delivery_id": "221635",
        "event_time_utc": "2021-12-13T17:35:23.583Z",
        "event_status": "delivered",
        "order_status": "delivered",
        "schedule_failed_reason": None,
        "driver": {
            "driver_id": "65847",
            "first_name": "Trey",
            "last_name": "Johnson",
            "phone": None,
            "photo": "http://liveventsapi.skipcart.com/v1api//Driver/GetImage/EA10C6A1-A2AB-457A-A88B-36AB4B09E8B3",
            "vehicle": {
                "make": "Tesla",
                "model": "3",
                "color": "Black",
                "license_plate": "J6B4JC",
                "type": "Sedan",
            },
        },
        "location": {"lat": "29.427832572805492", "lng": "-98.489873682142743"},
        "estimated_arrival": {"time_utc": "2021-12-13T17:35:24Z", "distance_meters": "5281"},
        "tracking_url": "https://livetrack.skipcart.com//?t=237126",
        "delivery_details": {
            "delivered_on_utc": "2021-12-13T17:35:23.583Z",
            "signature": "http://liveeventsapi.skipcart.com/v1api//Jobs/GetDeliveryImage/",
            "photo": "http://liveeventsapi.skipcart.com/v1api//Jobs/GetDeliveryImage/",
            "remarks": None,
            "delivery_fee": "9.95",
            "return_reason": None,
        },
        "parking_slot": None,
        "reason_code": None,
        "agg_order_id": None,
    },
)
