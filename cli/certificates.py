"""What a command trusts and shows over TLS: the files that a gateway is told of; opens no connection."""

import os
from pathlib import Path

import grpc
import typer

_VARIABLES = ("CROSSDOCK_SERVICES_TLS_AUTHORITY", "CROSSDOCK_SERVICES_TLS_KEY", "CROSSDOCK_SERVICES_TLS_CERTIFICATE")


def credentials() -> grpc.ChannelCredentials:
    """Those that the environment names; the system's authorities, and no certificate, where it names none.

    Raises `typer.BadParameter` for a file that cannot be read, and for half a pair.
    """
    authority, key, certificate = (_read(variable) for variable in _VARIABLES)
    if (key is None) != (certificate is None):
        raise typer.BadParameter("a key and its certificate go together", param_hint=" and ".join(_VARIABLES[1:]))
    return grpc.ssl_channel_credentials(authority, key, certificate)


def _read(variable: str) -> bytes | None:
    path = os.environ.get(variable, "")
    try:
        return Path(path).read_bytes() if path else None
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}", param_hint=variable) from None
