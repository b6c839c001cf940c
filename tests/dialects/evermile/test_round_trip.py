"""Any documented message of Evermile's, made up by Hypothesis, goes out as it came in."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.evermile.statuses import STATUSES
from gateway.dialects.evermile.words import PLACE_KINDS, PROOF_KINDS, REQUIRED_PROOFS, WINDOW_KINDS
from gateway.strict_json import loads
from tests.dialects.messages import happened, leaves, read, written
from tests.dialects.normalisations import ABSENT, NORMALISATIONS

TEXT = st.text("abcXYZ019 äß-", min_size=1, max_size=12).map(str.strip).filter(bool)
TEXTS = st.lists(TEXT, min_size=1, max_size=3, unique=True)
URL = st.sampled_from(["https://a.example/1", "https://b.example/2?x=1"])
TIME = st.integers(1_600_000_000_000, 1_900_000_000_000).map(
    lambda milliseconds: (
        datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{milliseconds % 1000:03}Z"
    )
)
PHONE = st.sampled_from(["+441234567890", "+447883196637"])
DEGREES = st.decimals(-89, 89, places=6).map(float)
FLAG = st.booleans()
CENTS = st.integers(0, 10**9)
SMALL = st.integers(1, 1000)
MEASURE = st.decimals(1, 500, places=2).map(float)
PERCENT = st.integers(1, 99) | st.sampled_from([12.5, 0.25])
AT = "2024-04-09T11:55:55.163Z"


def some(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with any of the members, and at least one: what is empty tells nothing."""
    return st.fixed_dictionaries({}, optional=members).filter(bool)


def several(entries: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(entries, min_size=1, max_size=2)


PLACE_AND_WINDOW = some(start=TIME, end=TIME)
POSITION = st.fixed_dictionaries({"lat": DEGREES, "lng": DEGREES})
DISCOUNT = some(discountPercent=PERCENT, reason=TEXT)
PRICE = st.fixed_dictionaries(
    {"value": CENTS, "currency": st.sampled_from(["GBP", "EUR", "JPY"])},
    optional={
        "bookingFeeCents": CENTS,
        "liabilityPriceCents": CENTS,
        "discount": some(discountPercent=PERCENT, listPriceCents=CENTS, reason=TEXT),
    },
)
COST = st.fixed_dictionaries(
    {"name": TEXT, "price": PRICE},
    optional={
        "comment": TEXT,
        "itemId": TEXT,
        "performedBy": TEXT,
        "discountInfo": DISCOUNT,
        "liabilityInfo": st.fixed_dictionaries({"coverageCents": CENTS}),
        "cancellationFeeInfo": some(cancellationFeeType=TEXT, originalCost=PRICE, percent=PERCENT),
        "waiverDetails": some(comment=TEXT, dpRefundStatus=TEXT, itemId=TEXT, performedBy=TEXT, price=PRICE),
    },
)
ITEM = some(description=TEXT, quantity=SMALL | st.just(1.5), sku=TEXT, value=PRICE, weightKg=MEASURE)
PARCEL = some(
    id=TEXT,
    dimensions=st.fixed_dictionaries({"heightCm": MEASURE, "lengthCm": MEASURE, "widthCm": MEASURE, "name": TEXT}),
    itemsList=several(ITEM),
    parcelType=TEXT,
    referenceId=TEXT,
    templateName=TEXT,
    weightKg=MEASURE,
)
PLACE = some(
    addressLine1=TEXT,
    city=TEXT,
    external=FLAG,
    geoLocation=POSITION,
    name=TEXT,
    postalCode=TEXT,
    type=st.sampled_from(sorted(PLACE_KINDS)),
)
PERSON = some(email=st.just("joe@malone.org"), id=TEXT, name=TEXT, phone=PHONE, recipientId=TEXT)
TRACKING = {
    "courierPhone": PHONE,
    "dropoffWindowEnd": TIME,
    "dropoffWindowStart": TIME,
    "pickupWindowEnd": TIME,
    "pickupWindowStart": TIME,
    "vehicleType": TEXT,
}
WORDS = sorted(STATUSES)
TWICE = (
    ("/order/value", "/order/totalValue"),
    ("/order/orderTrackingInfo/labelUrl", "/order/labelUrl"),
    ("/order/orderTrackingInfo/pickupEta", "/order/pickupEta"),
    ("/order/trackingUrl", "/order/orderTrackingInfo/carrierTrackingUrl"),
)
"""What the documents have a second place for, and where it came from: it is written in both."""


@st.composite
def orders(draw: st.DrawFn) -> dict[str, Any]:
    """An order that was booked or has changed, without what is contradictory."""
    word = draw(st.sampled_from(WORDS))
    members = draw(
        some(
            actualDropoff=TIME,
            actualPickup=TIME,
            actualVehicleType=TEXT,
            additionalProperties=st.dictionaries(TEXT, TEXT, min_size=1, max_size=2),
            communicatedDropoff=PLACE_AND_WINDOW,
            communicatedPickup=PLACE_AND_WINDOW,
            # A line is known by its id, else by its name: two of one name are one.
            costBreakdown=st.lists(
                COST, min_size=1, max_size=2, unique_by=lambda line: line.get("itemId", line["name"])
            ),
            courierLocation=POSITION,
            customer=PERSON,
            customerTrackingUrl=URL,
            deliveryCompany=TEXT,
            deliveryMethod=TEXT,
            destination=PLACE,
            dropoffEta=TIME,
            estimatedPickupWithinStoreHours=FLAG,
            expectedVehicleType=TEXT,
            extraExternalIds=st.just(["A", "B"]),
            handling=TEXTS,
            handoffInfo=some(
                contactInfo=some(name=TEXT, phone=PHONE, address=some(addressLine1=TEXT, city=TEXT, postalCode=TEXT)),
                handoffTime=PLACE_AND_WINDOW,
                walkingDistanceMeters=SMALL,
            ),
            handoffType=TEXT,
            happiness=some(created_at=TIME, created_by=TEXT, is_happy=FLAG, notes=TEXT, update_source=TEXT),
            instructions=TEXT,
            isGift=FLAG,
            isReturn=FLAG,
            labelPrintTime=TIME,
            labelRequired=FLAG,
            labelUrl=URL,
            liabilityCoverageCents=CENTS,
            merchantName=TEXT,
            notes=TEXTS,
            orderTrackingInfo=some(
                **TRACKING,
                courierName=TEXT,
                isCourierAssigned=FLAG,
                isOnWayToPickup=FLAG,
                dropoffWindowType=st.sampled_from(sorted(WINDOW_KINDS)),
                carrierTrackingUrl=URL,
            ),
            origin=PLACE,
            parcels=several(PARCEL),
            pickupContactInfo=PERSON,
            pickupEta=TIME,
            proofOfDeliveryRequirement=st.lists(st.sampled_from(sorted(REQUIRED_PROOFS)), min_size=1, unique=True),
            proposalTypes=TEXTS,
            recipientMessage=TEXT,
            requestedSla=TEXT,
            routeInfo=some(externalId=TEXT, id=TEXT, numOrders=SMALL),
            routeOrderIndex=SMALL,
            scheduleInfo=some(confirmed=FLAG, scheduleId=TEXT, scheduledDate=TEXT | TIME),
            senderContactDetails=some(contactName=TEXT, contactPhone=PHONE, revealSenderInfo=FLAG),
            senderTrackingUrl=URL,
            storeId=TEXT,
            storeName=TEXT,
            totalValue=PRICE,
            usedCredits=FLAG,
            username=TEXT,
        )
    )
    kind = draw(st.sampled_from(sorted(PROOF_KINDS)))
    return {
        "order": members
        | {
            "externalOrderId": "A",
            "id": "0674ad55",
            "proofOfDelivery": [{"type": kind, "urls": ["https://c.example/1"]}],
            "simulatedOrder": draw(FLAG),
            "status": {
                "lifeCycleStatus": STATUSES[word].stages[-1],
                "manuallyUpdated": draw(FLAG),
                "orderStatus": word,
                "reporter": draw(TEXT),
                "reporting_time": AT,
            },
        },
        "timestamp": AT,
    }


TRACKINGS = st.builds(
    lambda order, tracking: {"orderId": order, "timestamp": AT, "trackingInfo": tracking, "updateKind": "DropoffEta"},
    TEXT,
    st.fixed_dictionaries(
        {"courierName": TEXT, "isCourierAssigned": st.just(True), "isOnWayToPickup": FLAG},
        optional=TRACKING | {"courierLocation": POSITION, "dropoffEta": TIME, "pickupEta": TIME},
    ),
)


def told_twice(pointer: str, before: dict[str, Any]) -> Any:
    """What came in under the member's other place."""
    return next((before.get(there + pointer[len(here) :]) for here, there in TWICE if pointer.startswith(here)), None)


@settings(max_examples=100, deadline=None)
@given(orders() | TRACKINGS)
def test_any_documented_message_goes_out_as_it_came_in_but_for_the_listed_normalisations(came: dict[str, Any]) -> None:
    went = written("evermile", happened(read("evermile", loads(json.dumps(came).encode())).report))[-1]

    assert list(went) == list(came)
    before, after = dict(leaves(came)), dict(leaves(went))
    for pointer in {**before, **after}:
        was, is_now = before.get(pointer, ABSENT), after.get(pointer, ABSENT)
        explained = any(rule.fits(pointer, was, came, is_now) for rule in NORMALISATIONS["evermile"])
        again = was == ABSENT and is_now == told_twice(pointer, before)
        assert was == is_now or again or explained, (pointer, was, is_now)
