"""A real Chromium without a window: what a page looks like, what it does, and what a browser says of it."""

from __future__ import annotations

import os
import shutil
from base64 import b64decode
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.browser.devtools import DevTools, started
from tests.contract.installed import absent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
WIDE, NARROW = 1280, 390
"""Units of a page on a desk, and on a phone."""
KEYS: Final = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowDown": 40, "/": 191}


@dataclass(frozen=True, slots=True)
class Page:
    """A page in a tab."""

    tools: DevTools

    def open(self, file: Path, anchor: str = "") -> None:
        """Loads the file, and runs what is in it."""
        self._load("about:blank")
        self.tools.events.clear()
        self._load(file.absolute().as_uri() + anchor)

    def _load(self, address: str) -> None:
        self.tools.call("Page.navigate", url=address)
        self.tools.wait(lambda message: message.get("method") == "Page.loadEventFired")

    def run(self, expression: str) -> Any:
        """The value of an expression of JavaScript. Raises AssertionError if it throws."""
        answer = self.tools.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def act(self, expression: str, event: str) -> None:
        """Runs the expression, and waits until the page has handled the event that follows from it."""
        self.run(
            f"""new Promise((done) => {{
              addEventListener({event!r}, () => queueMicrotask(done), {{ once: true, capture: true }});
              {expression};
            }})"""
        )
        self.run("new Promise((done) => requestAnimationFrame(() => done()))")

    def text(self, selector: str) -> str:
        """What a reader sees of the first such element."""
        found: str = self.run(f"document.querySelector({selector!r}).innerText")
        return found

    def texts(self, selector: str) -> list[str]:
        """What a reader sees of all such elements."""
        found: list[str] = self.run(f"[...document.querySelectorAll({selector!r})].map((one) => one.innerText)")
        return found

    def choose(self, title: str, option: str) -> None:
        """Chooses the option of a list whose words begin like this, as a reader does."""
        self.run(
            f"""(() => {{
              const labels = [...document.querySelectorAll('label')];
              const list = labels.find((one) => one.innerText.startsWith({title!r})).querySelector('select');
              const option = [...list.options].find((one) => one.label.startsWith({option!r}));
              list.value = option.value;
              list.dispatchEvent(new Event('change', {{ bubbles: true }}));
            }})()"""
        )

    def press(self, key: str, *, shift: bool = False) -> None:
        """Presses a key and lets it go."""
        about = {
            "key": key,
            "windowsVirtualKeyCode": KEYS[key],
            "modifiers": 8 if shift else 0,
            **({"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}),
        }
        self.tools.call("Input.dispatchKeyEvent", type="keyDown", **about)
        self.tools.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def type(self, text: str) -> None:
        """Types a text into what has the focus."""
        self.tools.call("Input.insertText", text=text)

    def medium(self, name: str = "", *, dark: bool = False) -> None:
        """Shows the page on paper (``print``), or on a screen, light or dark."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.tools.call("Emulation.setEmulatedMedia", media=name, features=[scheme])

    def resize(self, width: int, height: int = 1000) -> None:
        """Changes the size of the window."""
        self.tools.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    def picture(self, width: int = WIDE, height: int = 1600) -> bytes:
        """The page in a window of this size, as PNG."""
        self.resize(width, height)
        return b64decode(self.tools.call("Page.captureScreenshot", format="png")["data"])

    def printed(self) -> bytes:
        """The page on paper, as PDF."""
        return b64decode(self.tools.call("Page.printToPDF", printBackground=True)["data"])

    @property
    def complaints(self) -> list[str]:
        """What the console says, what throws and what is blocked, since the page was opened."""
        names = (
            "Log.entryAdded",
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
            "Page.javascriptDialogOpening",
        )
        return [str(event["params"]) for event in self.tools.events if event["method"] in names]

    @property
    def requests(self) -> list[str]:
        """The addresses that were asked for, since the page was opened."""
        asked = (one for one in self.tools.events if one["method"] == "Network.requestWillBeSent")
        return [event["params"]["request"]["url"] for event in asked]


@contextmanager
def browsing(*, scripts: bool = True) -> Iterator[Page]:
    """A page in the installed browser; without ``scripts``, no page runs any."""
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        started([program(), *QUIET, f"--user-data-dir={profile}"]) as tools,
    ):
        tools.attach()
        for domain in ("Page", "Runtime", "Log", "Network"):
            tools.call(f"{domain}.enable")
        tools.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        page = Page(tools)
        page.resize(WIDE)
        yield page


def program() -> str:
    """The installed one; where there is none the calling test is skipped, and fails on CI, unless none can be."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and "WITHOUT_BROWSER" in os.environ:
        pytest.skip("no Chromium can be installed here")
    return found or absent("no Chromium is installed")
