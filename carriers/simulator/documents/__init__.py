"""The webhooks of three vendors as they document them, a module each; pure, and written without the hub's readers."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from crossdock.v1.reference_pb2 import ExternalReference

from carriers.simulator.documents import evermile, ordatic, skipcart
from carriers.simulator.facts import Fact


class Dialect(NamedTuple):
    """How one vendor's webhooks are made."""

    write: Callable[[Fact], tuple[str, dict[str, Any]] | None]
    """The vendor's word and the body; None for what the vendor does not tell."""
    booking_id: Callable[..., str]
    """A booking's identifier in the vendor's form."""
    references: Callable[[str, str], tuple[ExternalReference, ...]]
    """The names that webhooks use, from our reference and the booking's identifier."""


DIALECTS: Mapping[str, Dialect] = {
    "skipcart": Dialect(skipcart.write, skipcart.booking_id, skipcart.references),
    "evermile": Dialect(evermile.write, evermile.booking_id, evermile.references),
    "ordatic": Dialect(ordatic.write, ordatic.booking_id, ordatic.references),
}
