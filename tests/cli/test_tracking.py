"""A hub on one machine links its shipments to pages that its own gateway serves."""

import httpx

from cli.hub.welcome import SHIPMENT
from tests.cli.running_hubs import RunningHub


def test_a_shipments_links_lead_to_the_hubs_own_gateway(hub: RunningHub) -> None:
    made = httpx.post(
        f"{hub.ready['http']}/v1/shipments",
        content=SHIPMENT.replace("A-1002", "A-1003"),
        headers={"authorization": f"Bearer {hub.ready['account_token']}", "content-type": "application/json"},
        timeout=60,
    ).json()

    answers = {name: httpx.get(link, timeout=60) for name, link in made["links"].items()}

    assert made["links"]["trackingUrl"].startswith(f"{hub.ready['http']}/t/")
    assert {name: answer.headers["content-type"] for name, answer in answers.items()} == {
        "trackingUrl": "text/html; charset=utf-8",
        "qrCodeUrl": "image/svg+xml",
        "labelUrl": "application/pdf",
    }
