"""The canonical JSON face: `/v1/...` served from the contract's descriptors; no route is written by hand."""

from gateway.transcode.routes import canonical_routes

__all__ = ["canonical_routes"]
