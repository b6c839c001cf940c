"""Prices, costs and parcels of Evermile's documents put into the contract; pure, and rounds no amount."""

from crossdock.v1 import cost_pb2, parcel_pb2
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.parcel_pb2 import LENGTH_UNIT_CENTIMETER, WEIGHT_UNIT_KILOGRAM

from gateway.dialects.evermile import wire_goods as wire
from gateway.dialects.evermile.members import MOST_INT32, Members, fill
from gateway.dialects.tolerance import as_kept

MAX_COSTS = 1000
MAX_PARCELS = 100
MAX_ITEMS = 1000


def read_costs(members: Members, pointer: str, costs: list[wire.Cost | None] | None, patch: Delivery) -> None:
    """The bill, line by line."""
    for here, cost in members.entries(pointer, costs, MAX_COSTS):
        _read_cost(members, here, cost, patch.costs.add())


def read_parcels(members: Members, pointer: str, parcels: list[wire.Parcel | None] | None, patch: Delivery) -> None:
    """The pieces and what is in them."""
    for here, parcel in members.entries(pointer, parcels, MAX_PARCELS):
        told = patch.consignment.parcels.add()
        fill(
            told,
            external_id=parcel.id,
            reference=parcel.reference_id,
            type=parcel.parcel_type,
            template_name=parcel.template_name,
        )
        if size := parcel.dimensions:
            _read_dimensions(members, f"{here}/dimensions", size, told)
        _read_weight(members, f"{here}/weightKg", parcel, told)
        for place, item in members.entries(f"{here}/itemsList", parcel.items_list, MAX_ITEMS):
            _read_item(members, place, item, told.items.add())


def read_price(members: Members, pointer: str, price: wire.Price, told: parcel_pb2.Price) -> None:
    """A price with its booking fee, liability premium and discount, all in one currency."""
    code = price.currency
    members.set_money(told, "amount", f"{pointer}/value", price.value, code)
    members.set_money(told, "booking_fee", f"{pointer}/bookingFeeCents", price.booking_fee_cents, code)
    members.set_money(told, "liability_price", f"{pointer}/liabilityPriceCents", price.liability_price_cents, code)
    if price.discount:
        _read_discount(members, f"{pointer}/discount", price.discount, code, told.discount)


def _read_discount(
    members: Members, pointer: str, discount: wire.Discount, currency: str | None, told: parcel_pb2.Discount
) -> None:
    fill(
        told,
        percent=members.percent(f"{pointer}/discountPercent", discount.discount_percent),
        reason=discount.reason,
    )
    members.set_money(told, "list_price", f"{pointer}/listPriceCents", discount.list_price_cents, currency)


def _read_cost(members: Members, pointer: str, cost: wire.Cost, told: cost_pb2.CostItem) -> None:
    """A discount or a coverage beside the price names no currency: it is the price's."""
    currency = cost.price.currency if cost.price else None
    fill(told, item_id=cost.item_id, name=cost.name, comment=cost.comment, performed_by=cost.performed_by)
    members.set_time(told, "effective_time", f"{pointer}/effectiveDate", cost.effective_date)
    if cost.price:
        read_price(members, f"{pointer}/price", cost.price, told.price)
    if cost.discount_info:
        _read_discount(members, f"{pointer}/discountInfo", cost.discount_info, currency, told.discount)
    if cost.liability_info:
        here = f"{pointer}/liabilityInfo/coverageCents"
        members.set_money(told, "liability_coverage", here, cost.liability_info.coverage_cents, currency)
    if fee := cost.cancellation_fee_info:
        here = f"{pointer}/cancellationFeeInfo"
        # A line that is a cancellation fee, even one of which nothing else is told.
        told.cancellation_fee.SetInParent()
        percent = members.percent(f"{here}/percent", fee.percent)
        fill(told.cancellation_fee, type=fee.cancellation_fee_type, percent=percent)
        if fee.original_cost:
            read_price(members, f"{here}/originalCost", fee.original_cost, told.cancellation_fee.original_cost)
    if waiver := cost.waiver_details:
        told.waiver.SetInParent()
        fill(
            told.waiver,
            item_id=waiver.item_id,
            reason=waiver.reason,
            comment=waiver.comment,
            performed_by=waiver.performed_by,
            # "dp" is the delivery partner.
            carrier_refund_status=waiver.dp_refund_status,
        )
        if waiver.price:
            read_price(members, f"{pointer}/waiverDetails/price", waiver.price, told.waiver.price)


def _read_dimensions(members: Members, pointer: str, size: wire.Dimensions, told: parcel_pb2.Parcel) -> None:
    measures = {
        "length": members.measure(f"{pointer}/lengthCm", size.length_cm),
        "width": members.measure(f"{pointer}/widthCm", size.width_cm),
        "height": members.measure(f"{pointer}/heightCm", size.height_cm),
    }
    if any(each is not None for each in measures.values()):
        fill(told.dimensions, **measures, unit=LENGTH_UNIT_CENTIMETER)
    if size.name:
        told.dimensions.size_name = size.name


def _read_weight(
    members: Members, pointer: str, heavy: wire.Parcel | wire.Item, told: parcel_pb2.Parcel | parcel_pb2.Item
) -> None:
    if (weight := members.measure(pointer, heavy.weight_kg)) is not None:
        fill(told.weight, value=weight, unit=WEIGHT_UNIT_KILOGRAM)


def _read_item(members: Members, pointer: str, item: wire.Item, told: parcel_pb2.Item) -> None:
    fill(told, sku=item.sku, description=item.description)
    quantity = item.quantity
    if quantity is not None and quantity == quantity.to_integral_value() and 0 <= quantity <= MOST_INT32:
        told.quantity = int(quantity)
    elif quantity is not None and len(text := format(quantity, "f")) <= 50:
        told.quantity_text = text
    elif quantity is not None:
        members.tell(f"{pointer}/quantity", "unreadable_number", f"not a quantity: {text[:40]}")
    if item.value:
        read_price(members, f"{pointer}/value", item.value, told.value)
    _read_weight(members, f"{pointer}/weightKg", item, told)
    if rules := item.collection_config:
        told.collection_rules.update(as_kept(rules.model_dump(by_alias=True, exclude_none=True)))
