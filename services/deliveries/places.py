"""The one place that an order, or a shipment, has for a delivery on the way out: who takes it when one opens again."""

from collections.abc import Sequence

from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.ext.asyncio import AsyncConnection

from services import ids
from services.deliveries import rows
from services.deliveries.matching import live_of_orders
from services.deliveries.rows import Key, Stored
from services.errors import has_delivery
from services.shipments import followers

BESIDE = "another_delivery_is_live"
"""The attention on a delivery that opened again while its order or shipment has another one under way."""


async def take(connection: AsyncConnection, touched: Sequence[Stored], now: Timestamp, *, refuse: bool) -> None:
    """Lets deliveries that opened again take their place, where no other has taken it meanwhile.

    One that cannot stays beside, for a person to look at: what its carrier says of it is true all the same. With
    ``refuse``, for a command that would open it, raises DELIVERY_ALREADY_EXISTS.
    """
    opened = [each for each in touched if not each.live and _has_place(each) and rows.may_be_live(each.delivery)]
    orders = {_order_of(each) for each in opened if each.delivery.order_id}
    shipments = {followers.shipment_of(each) for each in opened if each.delivery.shipment_id}
    of_orders = await live_of_orders(connection, orders)
    of_shipments = await followers.live_of_shipments(connection, shipments)
    for each in opened:
        other = of_orders.get(_order_of(each)) if each.delivery.order_id else None
        if other is None and each.delivery.shipment_id:
            other = of_shipments.get(followers.shipment_of(each))
        each.live = other is None
        if other is not None and refuse:
            raise has_delivery(each.delivery.order_id, ids.write("delivery", other[1]))
        if other is not None and all(known.reason != BESIDE for known in each.delivery.attention):
            each.delivery.attention.add(reason=BESIDE, message=ids.write("delivery", other[1]), time=now)
    for each in touched:
        each.live = each.live or not _has_place(each)


def _has_place(stored: Stored) -> bool:
    return bool(stored.delivery.order_id or stored.delivery.shipment_id)


def _order_of(stored: Stored) -> Key:
    return stored.tenant_id, ids.read("order", stored.delivery.order_id)
