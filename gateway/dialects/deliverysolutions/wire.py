"""Delivery Solutions' request documents, field by field, in their documentation's order; knows no meaning of ours.

What a document has beyond these fields is kept in `model_extra`. Whether a field was absent or null is told by
`model_fields_set`. Source: the Shipping Order API reference, https://developer.lynkup.com/tag/Shipping-Order.
"""

from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from gateway.dialects.deliverysolutions.values import Degrees, Instant, LengthUnit, Number, Quantity, WeightUnit
from gateway.dialects.deliverysolutions.values import Word as StatusWord

Document = dict[str, Any]
Identifier = Annotated[str, Field(max_length=100)]
RequiredIdentifier = Annotated[str, Field(min_length=1, max_length=100)]
Text = Annotated[str, Field(max_length=255)]
LongText = Annotated[str, Field(max_length=10_000)]


class _Fields(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow", frozen=True, alias_generator=to_camel)


class TimeWindow(_Fields):
    """Two instants in Unix milliseconds; either may be open."""

    starts_at: Instant | None = None
    ends_at: Instant | None = None


class Address(_Fields):
    """A postal address with, where known, the position of its door."""

    street1: Annotated[str, Field(max_length=500)] | None = None
    street2: Annotated[str, Field(max_length=500)] | None = None
    apartment_number: Annotated[str, Field(max_length=100)] | None = None
    city: Text | None = None
    state: Text | None = None
    postal_code: Annotated[str, Field(max_length=50)] | None = None
    country_code: Annotated[str, Field(pattern="^([A-Za-z]{2})?$")] | None = None
    latitude: Annotated[Degrees, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[Degrees, Field(ge=-180, le=180)] | None = None


class Customer(_Fields):
    """Who is met."""

    name: Annotated[str, Field(max_length=500)] | None = None
    phone: Annotated[str, Field(max_length=100)] | None = None
    email: Annotated[str, Field(max_length=320)] | None = None


class Size(_Fields):
    """Outer dimensions."""

    length: Number | None = None
    width: Number | None = None
    height: Number | None = None
    unit: LengthUnit | None = None


class Weight(_Fields):
    """How heavy."""

    value: Number | None = None
    unit: WeightUnit | None = None


class Package(_Fields):
    """One physical piece."""

    name: Text | None = None
    size: Size | None = None
    weight: Weight | None = None
    item_quantity: Quantity | None = None
    description: LongText | None = None
    temperature_control: Identifier | None = None
    barcode: Text | None = None
    content: Annotated[list[Text], Field(max_length=100)] | None = None


class Item(_Fields):
    """One article."""

    sku: Text | None = None
    quantity: Quantity | None = None
    size: Size | None = None
    weight: Weight | None = None
    price: Number | None = None
    sale_price: Number | None = None
    title: Annotated[str, Field(max_length=1000)] | None = None
    description: LongText | None = None


class Service(_Fields):
    """A level of service of a proposed provider."""

    id: RequiredIdentifier


class ProposedProvider(_Fields):
    """A provider to be considered."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    services: Annotated[list[Service], Field(max_length=100)] | None = None


class Edit(_Fields):
    """The body of PUT /shipments/{shipment_external_id}."""

    order_external_id: RequiredIdentifier | None = None
    group_id: Identifier | None = None
    delivery_time: TimeWindow | None = None
    pickup_time: TimeWindow | None = None
    location_external_id: RequiredIdentifier | None = None
    delivery_address: Address | None = None
    delivery_contact: Customer | None = None
    item_list: Annotated[list[Item], Field(max_length=100)] | None = None
    packages: Annotated[list[Package], Field(max_length=100)] | None = None
    package: Package | None = None
    signature: Identifier | None = None
    pickup_instructions: LongText | None = None
    delivery_instructions: LongText | None = None
    order_value: Number | None = None
    currency_code: Annotated[str, Field(pattern="^([A-Z]{3})?$")] | None = None
    locale: Annotated[str, Field(max_length=50)] | None = None
    created_date: Instant | None = None
    order_attributes: dict[str, Any] | None = None
    proposed_providers: Annotated[list[ProposedProvider], Field(max_length=50)] | None = None
    brand_external_id: Identifier | None = None
    return_location_id: Identifier | None = None


class NewShipment(Edit):
    """The body of POST /shipments."""

    location_external_id: RequiredIdentifier
    order_external_id: RequiredIdentifier
    delivery_address: Address


class ListQuery(_Fields):
    """The body of POST /shipments/list."""

    limit: Annotated[int, Field(ge=1, le=1000)] | None = None
    last_updated_at: TimeWindow | None = None
    order_external_ids: Annotated[list[Identifier], Field(max_length=100)] | None = None
    group_id: Identifier | None = None
    location_external_ids: Annotated[list[Identifier], Field(max_length=100)] | None = None
    pickup_time: TimeWindow | None = None
    delivery_time: TimeWindow | None = None
    created_at: TimeWindow | None = None
    status: Annotated[list[StatusWord], Field(max_length=30)] | None = None
    pagination_token: Annotated[str, Field(max_length=1100)] | None = None


class Invalid(ValueError):
    """A document with wrong fields: pairs of a field's path and what is wrong with it."""

    def __init__(self, *faults: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{field} {fault}".strip() for field, fault in faults))
        self.faults = faults


_MESSAGES = {"missing": "is a required field", "string_too_short": "must not be empty"}
"""Where pydantic's own words say less."""

Fields = TypeVar("Fields", bound=_Fields)


def parse(model: type[Fields], document: Document) -> Fields:
    """The document's fields. Raises `Invalid` with every field that is wrong."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
        raise Invalid(
            *((_path(each["loc"]), _MESSAGES.get(each["type"], f"is invalid: {each['msg']}")) for each in wrong)
        ) from None


def _path(steps: Iterable[int | str]) -> str:
    """Writes "itemList[0].price"."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
