"""Etags of things that count their versions; knows neither the things nor where they are kept."""

from services.errors import etag_mismatch


def etag_of(version: int) -> str:
    """The etag of a version."""
    return str(version)


def require_etag(given: str, version: int, resource: str, identifier: str) -> None:
    """Raises ETAG_MISMATCH unless the caller gave none, or that of the present version."""
    if given and given != etag_of(version):
        raise etag_mismatch(resource, identifier)
