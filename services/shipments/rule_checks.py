"""What dispatch rules must be, as far as that can be told without compiling them; pure."""

from collections.abc import Sequence

from crossdock.v1.shipment_pb2 import DispatchRules
from crossdock.v1.warning_pb2 import Warning as Notice

from services.errors import Problem


def check(rules: DispatchRules) -> Sequence[Notice]:
    """Raises DUPLICATE_NAME for two rules of one name."""
    seen = set()
    for number, rule in enumerate(rules.rules):
        if rule.name in seen:
            field = f"rules.rules[{number}].name"
            metadata = {"resource": "rule", "field": field, "value": rule.name}
            raise Problem("DUPLICATE_NAME", f"{field}: another rule is called {rule.name!r}", metadata)
        seen.add(rule.name)
    return ()
