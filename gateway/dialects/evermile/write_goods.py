"""Prices, costs and parcels in Evermile's form; pure, converts units exactly, and no currency.

Members that are not known are null here; `write` leaves them out.
"""

from typing import Any, Final

from crossdock.v1 import cost_pb2, parcel_pb2
from crossdock.v1.delivery_pb2 import Delivery
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money as MoneyProto

from gateway.dialects.evermile.write_values import number, time
from gateway.dialects.structs import members_of
from gateway.money import Money, from_units_and_nanos

DELIVERY_COST: Final = "CostItemDeliveryCost"
"""The documented name of what the transport itself costs."""

_KILOGRAMS = {parcel_pb2.WEIGHT_UNIT_KILOGRAM: 1.0, parcel_pb2.WEIGHT_UNIT_POUND: 0.45359237}
_CENTIMETRES = {parcel_pb2.LENGTH_UNIT_CENTIMETER: 1.0, parcel_pb2.LENGTH_UNIT_INCH: 2.54}
_DIGITS = 6
"""To what a converted measure is rounded."""


def write_costs(delivery: Delivery) -> list[Any]:
    """The bill; where there is none, the fee is its only line."""
    if delivery.costs or not delivery.HasField("fee"):
        return [_cost(each) for each in delivery.costs]
    return [{"name": DELIVERY_COST, "price": {"currency": delivery.fee.currency_code, "value": _cents(delivery.fee)}}]


def write_price(price: parcel_pb2.Price) -> dict[str, Any]:
    """A price with all that belongs to it."""
    currency = price.amount.currency_code or price.booking_fee.currency_code or price.liability_price.currency_code
    currency = currency or price.discount.list_price.currency_code
    return {
        "bookingFeeCents": _cents(price.booking_fee, currency),
        "currency": currency,
        "discount": _discount(price.discount, currency),
        "liabilityPriceCents": _cents(price.liability_price, currency),
        "value": _cents(price.amount, currency),
    }


def write_parcel(parcel: parcel_pb2.Parcel) -> dict[str, Any]:
    """One physical piece and what is in it."""
    size = parcel.dimensions
    return {
        "id": parcel.external_id,
        "dimensions": {
            "heightCm": _length(size.height, size),
            "lengthCm": _length(size.length, size),
            "name": size.size_name,
            "widthCm": _length(size.width, size),
        },
        "itemsList": [_item(each) for each in parcel.items],
        "parcelType": parcel.type,
        "referenceId": parcel.reference,
        "templateName": parcel.template_name,
        "weightKg": _weight(parcel.weight),
    }


def _item(item: parcel_pb2.Item) -> dict[str, Any]:
    value = item.value if item.HasField("value") else parcel_pb2.Price(amount=item.price)
    quantity = number(item.quantity_text) if item.quantity_text else item.quantity or None
    return {
        "collectionConfig": members_of(item.collection_rules),
        "description": item.description or item.title,
        "quantity": quantity,
        "sku": item.sku,
        "value": write_price(value),
        "weightKg": _weight(item.weight),
    }


def _cost(cost: cost_pb2.CostItem) -> dict[str, Any]:
    currency = cost.price.amount.currency_code
    fee, waiver = cost.cancellation_fee, cost.waiver
    return {
        "cancellationFeeInfo": {
            "cancellationFeeType": fee.type,
            "originalCost": write_price(fee.original_cost),
            "percent": number(fee.percent),
        },
        "comment": cost.comment,
        "discountInfo": _discount(cost.discount, currency or cost.discount.list_price.currency_code),
        "effectiveDate": _second(cost.effective_time) if cost.HasField("effective_time") else None,
        "itemId": cost.item_id,
        "liabilityInfo": {
            "coverageCents": _cents(cost.liability_coverage, currency or cost.liability_coverage.currency_code)
        },
        "name": cost.name,
        "performedBy": cost.performed_by,
        "price": write_price(cost.price),
        "waiverDetails": {
            "comment": waiver.comment,
            "dpRefundStatus": waiver.carrier_refund_status,
            "itemId": waiver.item_id,
            "performedBy": waiver.performed_by,
            "price": write_price(waiver.price),
            "reason": waiver.reason,
        },
    }


def _second(moment: Timestamp) -> str | None:
    """The one time that the documentation shows without fractions."""
    return time(moment) if moment.nanos else moment.ToJsonString()


def _discount(discount: parcel_pb2.Discount, currency: str) -> dict[str, Any]:
    return {
        "discountPercent": number(discount.percent),
        "listPriceCents": _cents(discount.list_price, currency),
        "reason": discount.reason,
    }


def _cents(money: MoneyProto, currency: str | None = None) -> int | None:
    """Minor units; None for what is not told, or not in the currency that stands beside it."""
    if not money.currency_code or (currency is not None and money.currency_code != currency):
        return None
    amount = from_units_and_nanos(money.currency_code, money.units, money.nanos)
    return amount.minor_units if isinstance(amount, Money) else None


def _length(length: float, size: parcel_pb2.Dimensions) -> int | float | None:
    return _converted(length, _CENTIMETRES.get(size.unit))


def _weight(weight: parcel_pb2.Weight) -> int | float | None:
    return _converted(weight.value, _KILOGRAMS.get(weight.unit))


def _converted(measure: float, factor: float | None) -> int | float | None:
    """None without a unit: what the number means is not guessed."""
    if factor is None:
        return None
    return number(measure if factor == 1 else round(measure * factor, _DIGITS))
