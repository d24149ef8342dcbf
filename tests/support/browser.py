"""A headless Chromium that opens a served terminal, driven by its own DevTools protocol."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import re
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # Root, as in most containers, has none; only our own page is opened.
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--no-first-run",
    "--window-size=1280,800",
    # xterm.js draws with WebGL; a machine for tests has no card for that.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--remote-debugging-port=0",
)

_FIND_TERMINAL = """
// The page keeps its terminal to itself, and that draws on a canvas. It tells its screen to whoever
// holds it: taken as the page puts it into an object, next to what draws.
Object.defineProperty(Object.prototype, "webglAddon", {
  configurable: true,
  set(addon) {
    Object.defineProperty(this, "webglAddon", { value: addon, writable: true, enumerable: true });
    window.terminalOfTest = this.terminal;
  },
});
"""

_SCREEN = """
(() => {
  const shown = window.terminalOfTest && window.terminalOfTest.buffer.active;
  if (!shown) return "";
  const lines = [];
  for (let row = 0; row < window.terminalOfTest.rows; row++)
    lines.push(shown.getLine(row).translateToString(true));
  return lines.join("\\n");
})()
"""

_KEYS = {"Enter": (13, "\r"), "Escape": (27, ""), "Tab": (9, "")}


_MOVED = re.compile("navigated or closed|Cannot find context|context was destroyed")


class Moved(Exception):
    """The page is becoming another one just now."""


class Page:
    """A tab, and what a person does with it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, session: str) -> None:
        self._socket = socket
        self._session = session
        self._ids = itertools.count(1000)
        self.asked: list[str] = []
        """The address of everything the page has asked for."""

    async def call(self, method: str, **params: Any) -> Any:
        """One call of the DevTools protocol; what happens meanwhile is noted."""
        number = next(self._ids)
        await self._socket.send_json(
            {"id": number, "method": method, "params": params, "sessionId": self._session}
        )
        while True:
            message = await _next(self._socket)
            if message.get("method") == "Network.requestWillBeSent":
                self.asked.append(message["params"]["request"]["url"])
            if message.get("id") == number:
                if "error" in message and _MOVED.search(message["error"]["message"]):
                    raise Moved(message["error"]["message"])
                assert "error" not in message, message
                return message["result"]

    async def evaluate(self, script: str) -> Any:
        """The value of an expression in the page; None while it becomes another page."""
        try:
            found = await self.call("Runtime.evaluate", expression=script, returnByValue=True)
        except Moved:
            return None
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def open(self, address: str) -> None:
        await self.call("Page.navigate", url=address)

    async def reload(self) -> None:
        """As a person does: what the page had drawn is gone when this returns."""
        await self.evaluate("window.terminalOfTest = undefined")
        await self.call("Page.reload")

    async def press(self, *keys: str) -> None:
        """Presses keys: characters, or the names of `_KEYS`."""
        for key in keys:
            code, text = _KEYS.get(key, (0, key))
            named = {"key": key, "windowsVirtualKeyCode": code} if code else {"key": key}
            kind = "keyDown" if text else "rawKeyDown"
            await self.call("Input.dispatchKeyEvent", type=kind, text=text, **named)
            await self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    async def screen(self) -> str:
        """What the terminal shows, line by line."""
        return str(await self.evaluate(_SCREEN))

    async def says(self, *wanted: str, within: float = 30.0) -> str:
        """Waits until the terminal shows all of that; gives the screen."""
        shown = ""
        try:
            async with asyncio.timeout(within):
                while True:
                    shown = await self.screen()
                    if all(each in shown for each in wanted):
                        return shown
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{wanted} never came; the page says:\n{shown}") from None

    async def holds(self, condition: str, within: float = 30.0) -> None:
        """Waits until an expression in the page is true."""
        async with asyncio.timeout(within):
            while not await self.evaluate(condition):
                await asyncio.sleep(0.05)


async def _next(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    async with asyncio.timeout(60):
        message: dict[str, Any] = json.loads((await socket.receive()).data)
    return message


@contextlib.asynccontextmanager
async def chromium(home: Path) -> AsyncIterator[Page]:
    """A browser with one empty tab. The test is skipped where there is no Chromium."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *_FLAGS,
        f"--user-data-dir={home / 'chromium'}",
        "about:blank",
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=PIPE,
        env={**os.environ, "HOME": str(home)},
        start_new_session=True,
    )
    assert process.stderr is not None
    try:
        address = await _address(process.stderr)
        drain = asyncio.create_task(process.stderr.read())
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(address, max_msg_size=0) as socket,
        ):
            yield await _tab(socket)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    await drain


async def _address(stderr: asyncio.StreamReader) -> str:
    said = []
    async with asyncio.timeout(60):
        while line := (await stderr.readline()).decode():
            said.append(line)
            if line.startswith("DevTools listening on "):
                return line.split()[-1]
    raise AssertionError(f"Chromium did not start: {''.join(said)}")


async def _tab(socket: aiohttp.ClientWebSocketResponse) -> Page:
    browser = Page(socket, "")
    target = (await _of_browser(browser, "Target.createTarget", url="about:blank"))["targetId"]
    found = await _of_browser(browser, "Target.attachToTarget", targetId=target, flatten=True)
    page = Page(socket, found["sessionId"])
    await page.call("Page.enable")
    await page.call("Network.enable")
    await page.call("Page.addScriptToEvaluateOnNewDocument", source=_FIND_TERMINAL)
    return page


async def _of_browser(browser: Page, method: str, **params: Any) -> Any:
    await browser._socket.send_json({"id": 1, "method": method, "params": params})
    while (message := await _next(browser._socket)).get("id") != 1:
        pass
    assert "error" not in message, message
    return message["result"]
