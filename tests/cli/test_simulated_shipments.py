"""A shipment of the demo account, booked with a simulated carrier and driven by its own id."""

from typing import Any

import httpx
import pytest

from cli.hub.welcome import SHIPMENT
from tests.cli.running_hubs import RunningHub, eventually


def ship(hub: RunningHub, number: str) -> Any:
    """The shipment as it stands when its creation is answered."""
    stop = {
        "address": {
            "postalAddress": {"regionCode": "US", "postalCode": "02118", "addressLines": ["725 Albany Street"]},
            "position": {"latitude": 42.3346944, "longitude": -71.071818},
        }
    }
    shipment = {"externalId": number, "locationId": hub.ready["location_id"], "consignment": {"dropoff": stop}}
    bearer = {"authorization": f"Bearer {hub.ready['account_token']}"}
    made = httpx.post(f"{hub.ready['http']}/v1/shipments", json=shipment, headers=bearer, timeout=60)
    assert made.status_code == 200, made.text
    return made.json()


def status_of(hub: RunningHub, shipment: Any) -> str:
    bearer = {"authorization": f"Bearer {hub.ready['account_token']}"}
    found = httpx.get(f"{hub.ready['http']}/v1/shipments/{shipment['id']}", headers=bearer, timeout=60).json()
    return str(found["status"]).removeprefix("DELIVERY_STATUS_")


def test_the_demo_location_is_served_by_the_three_simulated_carriers(hub: RunningHub) -> None:
    bearer = {"authorization": f"Bearer {hub.ready['account_token']}"}
    listed = httpx.get(f"{hub.ready['http']}/v1/carriers", headers=bearer, timeout=60).json()["carriers"]
    url = f"{hub.ready['http']}/v1/locations/{hub.ready['location_id']}"
    location = httpx.get(url, headers=bearer, timeout=60).json()

    assert {each["ref"]: each["dialect"] for each in listed} == {
        "swift": "skipcart",
        "evergreen": "evermile",
        "pronto": "ordatic",
    }
    assert location["carrierRefs"] == ["swift", "evergreen", "pronto"]


@pytest.mark.parametrize(("scenario", "end"), [("delivered", "DELIVERED"), ("returned", "RETURNED")])
def test_a_shipment_stands_still_until_it_is_driven_to_its_end(hub: RunningHub, scenario: str, end: str) -> None:
    hub.crossdock("simulate", "misbehave", "pronto", "--decline", "no_capacity")  # it has no words for a return
    shipment = ship(hub, f"A-{scenario}")
    before = status_of(hub, shipment)

    driven = hub.crossdock("simulate", "run", shipment["id"], "--pace", "20000", "--scenario", scenario)

    assert before == "DISPATCHED"
    assert driven.returncode == 0, driven.stderr
    assert eventually(lambda: status_of(hub, shipment) == end)
    hub.crossdock("simulate", "misbehave", "pronto")


def test_what_a_newcomer_is_told_to_type_ships_something(hub: RunningHub) -> None:
    shipment = httpx.post(
        f"{hub.ready['http']}/v1/shipments",
        content=SHIPMENT,
        headers={"authorization": f"Bearer {hub.ready['account_token']}", "content-type": "application/json"},
        timeout=60,
    ).json()

    driven = hub.crossdock("simulate", "run", "A-1002", "--pace", "20000")

    assert driven.returncode == 0, driven.stderr
    assert eventually(lambda: status_of(hub, shipment) == "DELIVERED")
