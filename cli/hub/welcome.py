"""What a user is told when a hub serves: where it is and what to type next; prints nothing."""

import shlex
from pathlib import Path
from typing import Any

from cli.hub.folders import Folder, usual_data_dir

EVENT = (
    '{"partner_order_id":"A-1001","skipcart_order_id":"237126","event_status":"confirmed","order_status":"confirmed"}'
)

SHIPMENT = (
    '{"externalId":"A-1002","locationExternalId":"7709","consignment":{"dropoff":{"address":'
    '{"postalAddress":{"regionCode":"US","postalCode":"02118","addressLines":["725 Albany Street"]},'
    '"position":{"latitude":42.3346944,"longitude":-71.071818}}}}}'
)


def lines(ready: dict[str, Any], data_dir: Path, *, secrets: bool) -> list[str]:
    """The words, a line each. Without `secrets`, for a log, they say where the secrets are."""
    said = [f"gRPC   {ready['grpc']}", f"HTTP   {ready['http']}", f"data   {data_dir}"]
    if "sources" not in ready:
        return [*said, "", "Start it with --demo-data for an account to try things with."]
    folder = Folder(data_dir)
    url = ready["sources"]["skipcart"]["url"] if secrets else _read_from(folder, "['sources']['skipcart']['url']")
    token = ready["account_token"] if secrets else _read_from(folder, "['account_token']")
    # The commands look in the usual folder, or where this variable says; another terminal does not have ours.
    here = "" if folder.path == usual_data_dir() else f"CROSSDOCK_DATA_DIR={shlex.quote(str(folder.path))} "
    method = f"http://{ready['grpc']}/crossdock.v1.DeliveryService/ListDeliveries"
    return [
        *said,
        "",
        "Post what a courier network posts:",
        f"  curl -d '{EVENT}' \"{url}\"",
        "",
        "See what became of it, from another terminal:",
        f"  {here}crossdock deliveries list",
        f"  {here}crossdock watch --from-start",
        f'  buf curl --protocol grpc --http2-prior-knowledge -H "authorization: Bearer {token}" {method}',
        *_simulated(ready, here, token),
    ]


def _simulated(ready: dict[str, Any], here: str, token: str) -> list[str]:
    """What to do with simulated carriers, where there are any."""
    if "simulator" not in ready:
        return []
    headers = f'-H "authorization: Bearer {token}" -H "content-type: application/json"'
    return [
        "",
        "Ship something: a simulated carrier takes it, and stands still until it is driven:",
        f"  curl {headers} -d '{SHIPMENT}' {ready['http']}/v1/shipments",
        f"  {here}crossdock simulate run A-1002 --pace 60",
    ]


def _read_from(folder: Folder, member: str) -> str:
    """What a shell makes into a member of `running.json`, with nothing installed but Python."""
    program = f"import json,sys; print(json.load(open(sys.argv[1])){member})"
    return f'$(python3 -c "{program}" {shlex.quote(str(folder.running))})'
