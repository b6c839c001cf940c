"""Shipments in canonical JSON, over real HTTP."""

import grpc
import httpx

from gateway.openapi.examples import BODIES
from tests.services.worlds import Metadata, World
from tests.transcode.faces import our_face


async def test_a_shipment_is_created_changed_listed_explained_and_found(
    channel: grpc.aio.Channel, system: Metadata
) -> None:
    world = await World.make(channel, system)

    async with (
        our_face(channel) as url,
        httpx.AsyncClient(base_url=url, headers=dict(world.account), timeout=60) as client,
    ):
        created = await client.post("/v1/shipments", json=BODIES["ShipmentService_CreateShipment"])
        path = f"/v1/shipments/{created.json()['id']}"
        changed = await client.patch(
            path, json=BODIES["ShipmentService_UpdateShipment"], headers={"If-Match": created.headers["ETag"]}
        )
        read = await client.get(path)
        found = await client.get("/v1/shipments:byExternalId", params={"externalId": "7709-001"})
        listed = await client.get("/v1/shipments", params={"groupId": "morning", "phases": "SHIPMENT_PHASE_HELD"})
        told = await client.get(f"{path}:explain")
        history = await client.get(f"{path}/history")
        rules = await client.get("/v1/dispatchRules")
        twice = await client.post("/v1/shipments", json=BODIES["ShipmentService_CreateShipment"])

    assert [each.status_code for each in (created, changed, read, found, listed, told, history, rules)] == [200] * 8
    assert created.json()["phase"] == "SHIPMENT_PHASE_HELD"
    assert (changed.json()["groupId"], changed.json()["etag"]) == ("morning", "2")
    assert read.json() == found.json() == changed.json()
    assert listed.json()["shipments"] == [changed.json()]
    assert "held until it is released" in told.json()["summary"]
    assert [each["phase"] for each in history.json()["entries"]] == ["SHIPMENT_PHASE_HELD"]
    assert twice.status_code == 409
    assert twice.json()["details"][0]["reason"] == "DUPLICATE_ID"
