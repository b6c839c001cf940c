from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.egress import Allowances, Egress
from tests.gateway.egress.far_servers import NEIGHBOUR, Trap


@pytest.fixture
def trap() -> Iterator[Trap]:
    trap = Trap()
    yield trap
    trap.close()


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    """May speak http to the neighbour address, and to nothing else that is not public."""
    egress = Egress(Allowances.parse([f"http://{NEIGHBOUR}"]))
    yield egress
    await egress.close()
