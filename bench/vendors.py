"""Loads of the larger vendors' messages: Evermile's order, signed, and Ordatic's proof with its image; knows no row."""

import base64
import json
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile

from bench import checks
from bench.clients import wrk
from bench.figures import Figures
from bench.usage import Usage
from bench.worlds import World

CONNECTIONS = 32
IMAGE_BYTES = 150_000
_DOCUMENTED = Path(__file__).parents[1] / "tests/dialects/evermile/documented_order_with_every_member.json"


@dataclass(frozen=True)
class Vendor:
    """A vendor's message: a text with ``@ORDER@`` and ``@TAIL@``, which tell each from all others."""

    name: str
    template: str
    member: str
    """The member that holds the order's name."""


def _order() -> str:
    document = json.loads(_DOCUMENTED.read_text())
    document["order"]["id"] = "@ORDER@"
    document["order"]["externalOrderId"] = "E-@ORDER@"
    document["order"]["extraExternalIds"] = ["X-@ORDER@", "Y-@ORDER@"]
    return json.dumps(document, separators=(",", ":"))


def _proof() -> str:
    # A multiple of three bytes, so that what follows begins another group of base64.
    image = b"\x89PNG\r\n\x1a\n" + bytes(number % 251 for number in range(IMAGE_BYTES - 8))
    data = {"orderId": "@ORDER@", "proofDelivery": base64.b64encode(image).decode() + "@TAIL@"}
    event = {"eventType": "rider-proof-delivery", "storeId": "7709", "data": data}
    return json.dumps(event, separators=(",", ":"))


VENDORS = {
    "evermile": Vendor("evermile", _order(), '"id"'),
    "ordatic": Vendor("ordatic", _proof(), '"orderId"'),
}


async def load(world: World, seconds: float, tag: str, *, vendor: str, kind: str) -> tuple[Figures, str]:
    """Messages about one order each, over some connections."""
    told = VENDORS[vendor]
    if kind == "hub":
        source = world.hub.ready["sources"][vendor]
        url, signing, fixed = source["url"], source.get("secret"), source.get("authorization")
    else:
        base = world.noop_http.url if kind == "noop http" else world.baseline.url
        url = f"{base}/webhooks/{vendor}/{world.source}"
        signing, fixed = (world.signing_secret, None) if vendor == "evermile" else (None, world.secret)
    key = base64.b64decode(signing.removeprefix("whsec_")).hex() if signing else "-"
    with NamedTemporaryFile("w", suffix=".json") as file:
        file.write(told.template)
        file.flush()
        with Usage(world.roles(kind)) as usage:
            figures = await wrk(url, CONNECTIONS, seconds, "vendors.lua", [tag, file.name, key, fixed or "-"])
    figures = replace(figures, costs=usage.costs)
    if kind == "noop http":
        return figures, ""
    baseline = kind == "baseline"
    database = world.baseline_url if baseline else world.hub.database_url
    unanswered = CONNECTIONS + figures.failed
    found = await checks.webhooks(
        database, tag, figures.acknowledged, unanswered, baseline=baseline, member=told.member
    )
    return figures, found
