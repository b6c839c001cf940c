"""How generated code adds its handlers to our server: once, and not twice; knows no service."""

from collections.abc import Iterable, Mapping
from typing import Any

import grpc


class GenericHandlers:
    """Stands before a server while generated code adds servicers to it.

    That code adds each handler in general and by its method's name. For every method that it knows by name, grpcio's
    server keeps a future waiting, and after each call it takes all of them up again. With the hundred methods of the
    contract that costs as much as a call that does nothing; a call that no name is waiting for is handled in general.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server

    def add_generic_rpc_handlers(self, handlers: Iterable[Any]) -> None:
        """Passes them on."""
        self._server.add_generic_rpc_handlers(tuple(handlers))

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Leaves them out."""
