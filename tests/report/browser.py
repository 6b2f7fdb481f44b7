"""A real browser for tests: headless Chromium over its DevTools socket."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

T = TypeVar("T")
START_SECONDS = 30

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)


class Page:
    """One tab; everything it says to its console or fails at is kept in `complaints`."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, socket: aiohttp.ClientWebSocketResponse
    ) -> None:
        self._loop = loop
        self._socket = socket
        self._numbers = itertools.count(1)
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def command(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a DevTools command and wait for its result."""
        return self._run(self._command(method, parameters))

    def open(
        self, url: str, *, width: int = 1280, dark: bool = False, scripts: bool = True
    ) -> None:
        """Load a page as a screen of that size and scheme shows it."""
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.command(f"{domain}.enable")
        self.command("Emulation.setDeviceMetricsOverride", **screen)
        self.command("Emulation.setEmulatedMedia", features=scheme)
        self.command("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.command("Page.navigate", url="about:blank")
        self.command("Page.navigate", url=url)
        deadline = time.monotonic() + START_SECONDS
        while self.value("document.readyState + location.protocol") != "completefile:":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{url} did not load")
            time.sleep(0.05)
        if scripts:
            self.value("new Promise(done => requestAnimationFrame(() => setTimeout(done, 60)))")

    def value(self, expression: str) -> Any:
        """What a JavaScript expression comes to; a promise is waited for."""
        answer = self.command(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def screenshot(self, path: Path, *, full: bool = False) -> None:
        """Save what is seen, or the whole page, as PNG."""
        picture = self.command(
            "Page.captureScreenshot",
            captureBeyondViewport=full,
            format="png",
            **({"clip": self._whole()} if full else {}),
        )
        path.write_bytes(base64.b64decode(picture["data"]))

    def pdf(self, path: Path) -> None:
        """Print the page to a file."""
        printed = self.command("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        path.write_bytes(base64.b64decode(printed["data"]))

    def _whole(self) -> dict[str, float]:
        size = self.command("Page.getLayoutMetrics")["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    async def _command(self, method: str, parameters: dict[str, object]) -> dict[str, Any]:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(START_SECONDS):
            while True:
                message = await self._socket.receive_json()
                if message.get("id") == number:
                    if "error" in message:
                        raise AssertionError(f"{method}: {message['error']}")
                    result: dict[str, Any] = message["result"]
                    return result
                self._listen(message)

    def _listen(self, message: dict[str, Any]) -> None:
        """Keep errors, console output, dialogs and requests."""
        method, parameters = message.get("method", ""), message.get("params", {})
        if method in {
            "Runtime.exceptionThrown",
            "Runtime.consoleAPICalled",
            "Log.entryAdded",
            "Page.javascriptDialogOpening",
        }:
            self.complaints.append(json.dumps(parameters)[:2000])
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])


@contextlib.contextmanager
def browse() -> Iterator[Page]:
    """A tab of a browser of its own, gone afterwards with all it wrote."""
    assert CHROMIUM
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        process = subprocess.Popen(
            [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-port=0",
             f"--user-data-dir={home}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": home},
        )  # fmt: skip
        loop = asyncio.new_event_loop()
        session = loop.run_until_complete(_session())
        try:
            yield Page(loop, loop.run_until_complete(_first_tab(session, Path(home))))
        finally:
            loop.run_until_complete(session.close())
            loop.run_until_complete(asyncio.sleep(0.05))  # sockets close on the loop's next turns
            loop.close()
            process.kill()
            process.wait()


async def _session() -> aiohttp.ClientSession:
    """Made inside the loop that will use it."""
    return aiohttp.ClientSession()


async def _first_tab(session: aiohttp.ClientSession, home: Path) -> aiohttp.ClientWebSocketResponse:
    """The socket of the first tab, as soon as the browser says where it listens."""
    told = home / "DevToolsActivePort"
    deadline = time.monotonic() + START_SECONDS
    while not (told.exists() and told.read_text().strip()):
        if time.monotonic() > deadline:
            raise TimeoutError("the browser did not start")
        await asyncio.sleep(0.05)
    port = told.read_text().split()[0]
    async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
        tabs = [tab for tab in await answer.json() if tab["type"] == "page"]
    return await session.ws_connect(tabs[0]["webSocketDebuggerUrl"], max_msg_size=0)
