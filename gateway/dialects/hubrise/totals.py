"""What an order costs, as HubRise calculates it: items with their options, plus charges, minus discounts."""

from collections.abc import Sequence
from decimal import Decimal

from gateway.dialects.hubrise.wire import NewOrder, OrderItem
from gateway.money import MAX_MINOR_UNITS, Money


def subtotal(item: OrderItem) -> Money | None:
    """Price with options, times quantity; None when currencies differ or the smallest coin is too large for it."""
    one = [item.price]
    for option in item.options or ():
        if option.price is not None:
            count = 1 if option.quantity is None else option.quantity
            one.append(Money(option.price.currency, option.price.minor_units * count))
    price = _sum(one)
    if price is None:
        return None
    amount = price.minor_units * Decimal(item.quantity)
    if amount != amount.to_integral_value() or abs(amount) > MAX_MINOR_UNITS:
        return None
    return Money(price.currency, int(amount))


def order_total(order: NewOrder) -> Money | None:
    """The total; None when nothing has a price, or when a part of it cannot be told exactly."""
    parts = [subtotal(item) for item in order.items or () if not item.deleted]
    parts += [charge.price for charge in order.charges or () if not charge.deleted]
    parts += [
        Money(discount.price_off.currency, -discount.price_off.minor_units)
        for discount in order.discounts or ()
        if not discount.deleted
    ]
    return _sum(parts)


def _sum(parts: Sequence[Money | None]) -> Money | None:
    known = [part for part in parts if part is not None]
    if len({part.currency for part in known}) != 1 or len(known) != len(parts):
        return None
    amount = sum(part.minor_units for part in known)
    return Money(known[0].currency, amount) if abs(amount) <= MAX_MINOR_UNITS else None
