"""Prices, costs and parcels in Evermile's documents, member by member and in their order; knows no word of ours.

Amounts are in minor units (`500` is five pounds), whatever the currency.
"""

from typing import ClassVar

from gateway.dialects.evermile.forms import EvermileObject, Flag, Name, Number, Prose, Text, Time, Whole, Word


class Discount(EvermileObject):
    """A reduction of a list price."""

    discount_percent: Number | None = None
    list_price_cents: Whole | None = None
    reason: Name | None = None


class Price(EvermileObject):
    """An amount of money with what belongs to it."""

    booking_fee_cents: Whole | None = None
    currency: Word | None = None
    discount: Discount | None = None
    liability_price_cents: Whole | None = None
    value: Whole | None = None


class CancellationFeeInfo(EvermileObject):
    """The fee that remains of a cost when its order is cancelled."""

    cancellation_fee_type: Word | None = None
    original_cost: Price | None = None
    percent: Number | None = None


class LiabilityInfo(EvermileObject):
    """Up to what the goods are covered."""

    coverage_cents: Whole | None = None


class WaiverDetails(EvermileObject):
    """The waiving of a cost."""

    comment: Prose | None = None
    dp_refund_status: Text | None = None
    item_id: Text | None = None
    performed_by: Text | None = None
    price: Price | None = None
    reason: Text | None = None


class Cost(EvermileObject):
    """One line of what an order costs."""

    cancellation_fee_info: CancellationFeeInfo | None = None
    comment: Prose | None = None
    discount_info: Discount | None = None
    effective_date: Time | None = None
    item_id: Text | None = None
    liability_info: LiabilityInfo | None = None
    name: Text | None = None
    performed_by: Text | None = None
    price: Price | None = None
    waiver_details: WaiverDetails | None = None


class Dimensions(EvermileObject):
    """Outer dimensions, in centimetres."""

    height_cm: Number | None = None
    length_cm: Number | None = None
    name: Text | None = None
    width_cm: Number | None = None


class BlackoutDate(EvermileObject):
    """A span of days on which nothing is collected."""

    end_date: Time | None = None
    name: Name | None = None
    start_date: Time | None = None


class PreparationTime(EvermileObject):
    """How long goods take to be ready."""

    min_hour: Word | None = None
    time_amount: Number | None = None
    time_unit: Word | None = None


class PreparationConfig(EvermileObject):
    """How long goods take to be ready before and after the hour of cut-off."""

    cutoff_hour: Word | None = None
    cutoff_preparation_time: PreparationTime | None = None
    preparation_time: PreparationTime | None = None


class OpeningHours(EvermileObject):
    """When a day begins and ends, in the place's own time."""

    end: Word | None = None
    is_open: Flag | None = None
    start: Word | None = None


class WeekHours(EvermileObject):
    """The opening hours of a week."""

    friday: OpeningHours | None = None
    monday: OpeningHours | None = None
    saturday: OpeningHours | None = None
    sunday: OpeningHours | None = None
    thursday: OpeningHours | None = None
    tuesday: OpeningHours | None = None
    wednesday: OpeningHours | None = None


class CollectionConfig(EvermileObject):
    """When, and after what preparation, an item can be collected."""

    kept_whole: ClassVar[bool] = True

    blackout_dates: list[BlackoutDate | None] | None = None
    preparation_config: PreparationConfig | None = None
    schedule: WeekHours | None = None


class Item(EvermileObject):
    """An article in a parcel."""

    collection_config: CollectionConfig | None = None
    description: Prose | None = None
    quantity: Number | None = None
    sku: Text | None = None
    value: Price | None = None
    weight_kg: Number | None = None


class Parcel(EvermileObject):
    """One physical piece."""

    id: Text | None = None
    dimensions: Dimensions | None = None
    items_list: list[Item | None] | None = None
    parcel_type: Word | None = None
    reference_id: Text | None = None
    template_name: Text | None = None
    weight_kg: Number | None = None
