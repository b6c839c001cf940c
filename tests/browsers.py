"""A real Chromium, spoken to over pipes in its own protocol: what a page did, said and asked for. Skips without one."""

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

Json = dict[str, Any]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

_SECONDS = 120  # a browser that starts on a busy machine takes its time
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
# Chromium reads commands from descriptor 3 and writes to 4; only a shell can put them there without forking Python.
_IN_PLACE = 'exec "$0" "$@" 3<&{} 4>&{}'


@dataclass
class Page:
    """A tab: what it said on its console and which addresses it asked for."""

    _browser: "Browser"
    _session: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _loaded: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self, url: str) -> None:
        """Go there, and wait until all of it is loaded."""
        self._loaded.clear()
        answer = await self._send("Page.navigate", url=url)
        assert "errorText" not in answer, answer
        async with asyncio.timeout(_SECONDS):
            await self._loaded.wait()

    async def evaluate(self, expression: str) -> Any:
        """What an expression, or the promise that it is, comes to."""
        answer = await self._send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until an expression is true."""
        async with asyncio.timeout(_SECONDS):
            while not await self.evaluate(f"Boolean({expression})"):  # noqa: ASYNC110  what is waited for happens elsewhere
                await asyncio.sleep(0.02)

    async def look(self, width: int, height: int, scheme: str) -> None:
        """Be as large as that, for people who like it "light" or "dark"."""
        await self._send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        await self._send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    async def _send(self, method: str, **parameters: Any) -> Json:
        return await self._browser.send(method, parameters, self._session)

    def told(self, method: str, parameters: Json) -> None:
        """Take note of an event."""
        if method == "Page.loadEventFired":
            self._loaded.set()
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.complaints.append(parameters["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning"):
            self.complaints.append(str(parameters["args"]))
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))


class Browser:
    """One Chromium."""

    def __init__(self, commands: Any) -> None:
        self._commands = commands
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._pages: dict[str, Page] = {}

    async def page(self) -> Page:
        """A new tab, which is watched from the beginning."""
        target = (await self.send("Target.createTarget", {"url": "about:blank"}))["targetId"]
        attached = await self.send("Target.attachToTarget", {"targetId": target, "flatten": True})
        page = self._pages[attached["sessionId"]] = Page(self, attached["sessionId"])
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.send(f"{domain}.enable", {}, attached["sessionId"])
        return page

    async def send(self, method: str, parameters: Json, session: str | None = None) -> Json:
        """The answer to a command."""
        number = next(self._numbers)
        command = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._commands.write(json.dumps(command).encode() + b"\0")
        async with asyncio.timeout(_SECONDS):
            return await answer

    async def listen(self, told: asyncio.StreamReader) -> None:
        """Hand out answers and events until there are no more."""
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                message = json.loads((await told.readuntil(b"\0"))[:-1])
                if "id" not in message:
                    if page := self._pages.get(message.get("sessionId", "")):
                        page.told(message["method"], message["params"])
                elif "error" in message:
                    self._waiting.pop(message["id"]).set_exception(RuntimeError(message["error"]["message"]))
                else:
                    self._waiting.pop(message["id"]).set_result(message["result"])
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the browser is gone"))


@contextlib.asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    """A Chromium of its own, without a past, that ends with the block."""
    assert CHROMIUM
    read_commands, write_commands = os.pipe()
    read_told, write_told = os.pipe()
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            "bash",
            "-c",
            _IN_PLACE.format(read_commands, write_told),
            CHROMIUM,
            *_FLAGS,
            f"--user-data-dir={profile}",
            pass_fds=(read_commands, write_told),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        os.close(read_commands)
        os.close(write_told)
        told = asyncio.StreamReader(limit=1 << 26)
        from_browser, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(told), os.fdopen(read_told, "rb", 0)
        )
        to_browser, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(write_commands, "wb", 0))
        browser = Browser(to_browser)
        listening = asyncio.create_task(browser.listen(told))
        try:
            try:
                await browser.send("Browser.getVersion", {})
            except (ConnectionError, TimeoutError):
                pytest.skip("Chromium does not start on this machine")
            yield browser
        finally:
            to_browser.close()  # at which Chromium ends itself
            try:
                async with asyncio.timeout(_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
            await listening
            from_browser.close()
