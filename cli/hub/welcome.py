"""What a user is told when a hub serves: where it is and what to type next; prints nothing."""

from pathlib import Path
from typing import Any

SKIPCART_EXAMPLE = (
    '{"partner_order_id":"A-1001","skipcart_order_id":"237126","event_status":"confirmed","order_status":"confirmed"}'
)


def lines(ready: dict[str, Any], data_dir: Path) -> list[str]:
    """The words, a line each; for a terminal and for a log alike."""
    said = [
        f"gRPC   {ready['grpc']}",
        f"HTTP   {ready['http']}",
        f"data   {data_dir}",
    ]
    if "sources" not in ready:
        return [*said, "", "Start it with --demo-data for an account to try things with."]
    return [
        *said,
        "",
        "Post what a courier network posts:",
        f"  curl -d '{SKIPCART_EXAMPLE}' {ready['sources']['skipcart']['url']}",
        "",
        "See what became of it, from another terminal:",
        "  crossdock deliveries list",
        "  crossdock watch --from-start",
        f"  buf curl --http2-prior-knowledge -H 'authorization: Bearer {ready['account_token']}' "
        f"http://{ready['grpc']}/crossdock.v1.DeliveryService/ListDeliveries",
    ]
