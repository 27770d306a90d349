"""A real browser without a screen, driven over a pipe: Chromium, where there is one.

Only the standard library: the browser is told what to do as JSON on its third file
descriptor and answers on its fourth.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE = 100.0
CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome-stable")
        if (found := shutil.which(name))
    ),
    None,
)
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --no-first-run --remote-debugging-pipe "
    "--disable-dev-shm-usage --disable-background-networking --disable-sync "
    "--disable-component-update --disable-default-apps --hide-scrollbars"
).split()


class Page:
    """One tab."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.tell(f"{domain}.enable")

    def tell(self, method: str, **params: Any) -> Any:
        return self._browser.tell(method, params, self._session)

    def events(self, method: str) -> list[dict[str, Any]]:
        """What the tab has said of one kind since the last ``forget``."""
        return self._browser.events(method, self._session)

    def forget(self) -> None:
        self._browser.forget()

    def go(self, url: str) -> int:
        """Go to an address and wait until all of it is there; its status."""
        self.forget()
        self.tell("Page.navigate", url=url)
        self.settle()
        return self.status

    def settle(self) -> None:
        until(lambda: self.events("Page.loadEventFired"), "a page")

    @property
    def status(self) -> int:
        """Of the last document that was loaded."""
        documents = [
            event["response"]["status"]
            for event in self.events("Network.responseReceived")
            if event["type"] == "Document"
        ]
        return int(documents[-1])

    def run(self, script: str) -> Any:
        """What an expression comes to, in the page."""
        found = self.tell(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def text(self, selector: str = "main") -> str:
        return str(self.run(f"document.querySelector({selector!r})?.innerText ?? ''"))

    def click(self, selector: str) -> None:
        """Click, as a person does, on what there is, and wait for the next page."""
        self.forget()
        box = self.run(
            "(()=>{const e=document.querySelector("
            f"{selector!r});e.scrollIntoView({{block:'center'}});"
            "const b=e.getBoundingClientRect();return [b.x+b.width/2,b.y+b.height/2]})()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.tell(
                "Input.dispatchMouseEvent",
                type=kind,
                x=box[0],
                y=box[1],
                button="left",
                clickCount=1,
            )

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            text = key if kind == "keyDown" else ""
            self.tell("Input.dispatchKeyEvent", type=kind, key=key, text=text)

    def look(self, *, dark: bool = False, width: int = 1280, height: int = 800) -> None:
        """How wide the window is, and what the reader prefers."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.tell("Emulation.setEmulatedMedia", features=[scheme])
        self.tell(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def script(self, *, on: bool) -> None:
        self.tell("Emulation.setScriptExecutionDisabled", value=not on)

    def picture(self, path: Path) -> None:
        found = self.tell("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(found["data"]))


class Browser:
    """The process, and what it says."""

    def __init__(self, folder: Path) -> None:
        assert CHROMIUM is not None
        to_read, self._to_write = os.pipe()
        self._to_hear, to_say = os.pipe()
        command = " ".join(
            [
                f"exec '{CHROMIUM}' --user-data-dir='{folder}'",
                *FLAGS,
                f"about:blank 3<&{to_read} 4>&{to_say}",
            ]
        )
        self._process = subprocess.Popen(
            ["bash", "-c", command],
            pass_fds=(to_read, to_say),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(folder)},
        )
        os.close(to_read)
        os.close(to_say)
        self._answers: dict[int, Any] = {}
        self._said: list[dict[str, Any]] = []
        self._number = 0
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        data = b""
        while chunk := os.read(self._to_hear, 1 << 20):
            data += chunk
            *whole, data = data.split(b"\0")
            for message in map(json.loads, whole):
                if "id" in message:
                    self._answers[message["id"]] = message
                else:
                    self._said.append(message)
        os.close(self._to_hear)

    def tell(self, method: str, params: dict[str, Any], session: str = "") -> Any:
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._to_write, json.dumps(message).encode() + b"\0")
        until(lambda: number in self._answers, method)
        answer = self._answers.pop(number)
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def events(self, method: str, session: str) -> list[dict[str, Any]]:
        return [
            message["params"]
            for message in list(self._said)
            if message["method"] == method and message.get("sessionId") == session
        ]

    def forget(self) -> None:
        self._said.clear()

    def page(self) -> Page:
        made = self.tell("Target.createTarget", {"url": "about:blank"})
        attached = self.tell(
            "Target.attachToTarget", {"targetId": made["targetId"], "flatten": True}
        )
        return Page(self, attached["sessionId"])

    def close(self) -> None:
        os.close(self._to_write)
        self._process.kill()
        self._process.wait()
        self._thread.join(PATIENCE)


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser for as long as one needs it."""
    opened = Browser(folder)
    try:
        yield opened
    finally:
        opened.close()


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition, not for a time."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"it never came: {what}"
        time.sleep(0.01)
