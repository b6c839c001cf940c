from decimal import Decimal
from typing import Any

import pytest

from gateway.dialects.hubrise.protos import members_of, struct


@pytest.mark.parametrize("number", [2, Decimal("1.5"), Decimal("1E+30"), Decimal("-0.25")], ids=str)
def test_what_was_kept_can_be_kept_again(number: Any) -> None:
    kept = struct({"member": [number, {"inner": number}]})

    assert struct(members_of(kept)) == kept
