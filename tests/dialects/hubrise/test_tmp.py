import asyncio, pytest, httpx, threading, sys, faulthandler
from tests.dialects.hubrise.conftest import Shop
async def test_a(shop: Shop) -> None:
    faulthandler.dump_traceback_later(3, file=sys.__stderr__)
    print((await shop.local.get("/nowhere")).text)
    faulthandler.cancel_dump_traceback_later()
