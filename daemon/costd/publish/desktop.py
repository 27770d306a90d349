"""A notice on the desktop, where there is one; nothing waits for it."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress

SECONDS = 5.0
_SCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)


def command(title: str, text: str, platform: str = sys.platform) -> list[str]:
    """The command that shows it; what it says is an argument and never a script."""
    if platform == "darwin":
        script = [word for line in _SCRIPT for word in ("-e", line)]
        return ["osascript", *script, "--", title, text]
    return ["notify-send", "--app-name=costd", "--", title, text]


def show(title: str, text: str) -> None:
    """Show it in a thread; a machine without a desktop shows nothing."""

    def run() -> None:
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(  # noqa: S603 - the words of costd, and no shell
                command(title, text),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=SECONDS,
                check=False,
            )

    threading.Thread(target=run, name="costd-notice", daemon=True).start()
