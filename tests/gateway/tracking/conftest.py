"""A shop whose shipments have links, and the gateway that serves them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.server import Server as Gateway
from services.config import Settings
from services.server import Server
from tests.conftest import SYSTEM_TOKEN
from tests.gateway.webhook_services import running_gateway
from tests.services.accounts import Account, open_account
from tests.services.shipments.shops import Shop

PUBLIC = "https://track.example"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"public_url": PUBLIC})


@pytest.fixture
async def shop(channel: Any, system: Any) -> Shop:
    account: Account = await open_account(channel, system, "acme")
    return Shop(channel, account)


@pytest.fixture
async def gateway(server: Server) -> AsyncIterator[Gateway]:
    async with running_gateway(server.address, system_token=SecretStr(SYSTEM_TOKEN)) as gateway:
        yield gateway
