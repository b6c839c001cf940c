"""A tenant that sends."""

import grpc
import pytest

from tests.services.accounts import Account
from tests.services.shipments.shops import Shop


@pytest.fixture
def shop(channel: grpc.aio.Channel, account: Account) -> Shop:
    """A tenant that sends, with the token of its account."""
    return Shop(channel, account)
