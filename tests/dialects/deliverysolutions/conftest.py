"""The dialect's routes in front of services that refuse what a test tells them to."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.dialects.deliverysolutions.refusing_services import Refusing, client_before


@pytest.fixture
async def refusing() -> Refusing:
    return Refusing()


@pytest.fixture
async def client(refusing: Refusing) -> AsyncIterator[httpx.AsyncClient]:
    async with client_before(refusing) as http:
        yield http
