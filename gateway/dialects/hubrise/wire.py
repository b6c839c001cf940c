"""HubRise's documents, field by field, in their documentation's order; knows no meaning of ours.

What a document has beyond these fields is kept in `model_extra`. Whether a field was absent or null is told
by `model_fields_set`. Sources: the Deliveries and Orders pages of HubRise's API reference.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.dialects.hubrise.values import Amount, Latitude, Longitude, LongText, Quantity, Text, Time, Url

Document = dict[str, Any]
DeliveryStatus = Literal[
    "pending",
    "pickup_enroute",
    "pickup_approaching",
    "pickup_waiting",
    "dropoff_enroute",
    "dropoff_approaching",
    "dropoff_waiting",
    "delivered",
    "cancelled",
]
OrderStatus = Literal[
    "new",
    "received",
    "accepted",
    "in_preparation",
    "awaiting_shipment",
    "awaiting_collection",
    "in_delivery",
    "completed",
    "rejected",
    "cancelled",
    "delivery_failed",
]


class _Fields(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow", frozen=True)


class DeliveryChange(_Fields):
    """The body of PATCH …/delivery."""

    carrier: Text | None = None
    carrier_ref: Text | None = None
    ref: Text | None = None
    status: DeliveryStatus | None = None
    fee: Amount | None = None
    estimated_pickup_at: Time | None = None
    estimated_dropoff_at: Time | None = None
    tracking_url: Url | None = None
    driver_pickup_url: Url | None = None  # newer than the document that we follow
    driver_name: Annotated[str, Field(max_length=500)] | None = None
    driver_phone: Annotated[str, Field(max_length=100)] | None = None
    driver_phone_access_code: Annotated[str, Field(max_length=50)] | None = None
    driver_latitude: Latitude | None = None
    driver_longitude: Longitude | None = None
    assigned_at: Time | None = None
    pickup_at: Time | None = None
    delivered_at: Time | None = None
    cancelled_at: Time | None = None


class NewDelivery(DeliveryChange):
    """The body of POST …/delivery."""

    carrier: Annotated[str, Field(min_length=1, max_length=255)]
    status: DeliveryStatus


class Option(_Fields):
    """What a customer chose about an item."""

    price: Amount | None = None
    quantity: Annotated[int, Field(ge=0, le=999_999)] | None = None


class OrderItem(_Fields):
    """One line of an order."""

    product_name: Annotated[str, Field(max_length=1000)]
    sku_ref: Text | None = None
    price: Amount
    quantity: Quantity
    options: list[Option] | None = None
    deleted: bool | None = None


class Discount(_Fields):
    """What an order costs less."""

    price_off: Amount
    deleted: bool | None = None


class Charge(_Fields):
    """What an order costs more."""

    price: Amount
    deleted: bool | None = None


class Customer(_Fields):
    """Who bought it, and where it goes."""

    email: Annotated[str, Field(max_length=320)] | None = None
    first_name: Annotated[str, Field(max_length=249)] | None = None
    last_name: Annotated[str, Field(max_length=249)] | None = None
    phone: Annotated[str, Field(max_length=100)] | None = None
    phone_access_code: Annotated[str, Field(max_length=50)] | None = None
    address_1: Text | None = None
    address_2: Text | None = None
    postal_code: Text | None = None
    city: Text | None = None
    state: Text | None = None
    country: Annotated[str, Field(pattern="^([A-Za-z]{2})?$")] | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    delivery_notes: LongText | None = None


class NewOrder(_Fields):
    """The body of POST …/orders, and of an order as a PATCH leaves it."""

    ref: Text | None = None
    private_ref: Text | None = None
    status: OrderStatus
    service_type: Literal["delivery", "collection", "eat_in"] | None = None
    service_type_ref: Text | None = None
    channel: Text | None = None
    expected_time: Time | None = None
    confirmed_time: Time | None = None
    customer_notes: LongText | None = None
    total: Amount | None = None
    items: Annotated[list[OrderItem], Field(max_length=1000)] | None = None
    discounts: list[Discount] | None = None
    charges: list[Charge] | None = None
    customer_id: Text | None = None
    customer: Customer | None = None


class OrderFilters(_Fields):
    """The query of GET …/orders. All of it is text."""

    private_ref: Text | None = None
    status: OrderStatus | None = None
    created_by: Text | None = None
    after: Time | None = None
    before: Time | None = None
    customer_id: Text | None = None
    count: Annotated[int, Field(ge=1, le=100, strict=False)] = 100
    cursor: Annotated[str, Field(max_length=1000)] | None = None


class FieldError(NamedTuple):
    """What is wrong with one field; "base" stands for the thing as a whole."""

    field: str
    message: str


class Invalid(ValueError):
    """A document with wrong fields; tells all of them."""

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = errors


_MESSAGES = {"missing": "is missing", "string_too_short": "can't be blank"}
"""Where pydantic's own words say less."""

Fields = TypeVar("Fields", bound=_Fields)


def parse(model: type[Fields], document: Document) -> Fields:
    """The document's fields. Raises `Invalid` with every field that is wrong."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
        raise Invalid(*(FieldError(_path(each["loc"]), _message(each)) for each in wrong)) from None


def _path(steps: Iterable[int | str]) -> str:
    """Writes "items[0].price"."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")


def _message(error: Any) -> str:
    return _MESSAGES.get(error["type"], str(error["msg"]))
