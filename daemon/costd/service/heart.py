"""The service manager's view: what costd is at, and whether all of it gets on.

The watchdog hears of costd only while each of its parts makes progress: the engine
answers, the logs are looked at or read, the beat ticks, the server's loop runs. A ping
from a thread that knows nothing of these would hide the hang of any of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from costd.engine.answers.health import WARNINGS
from costd.publish.notify import notify

PERIOD_SECONDS = 10.0
IMPORTING_SECONDS = 2.0
IMPORTING_BYTES = 1 << 20
"""What is less than that behind is read before anybody could see it said."""
SLACK_SECONDS = 30.0

Pulse = Mapping[str, Any]
Ask = Callable[[str, Mapping[str, object]], "Future[object]"]


def says(pulse: Pulse) -> str:
    """One line for ``systemctl status``."""
    total, behind = pulse["bytes_total"], pulse["bytes_behind"]
    if behind > IMPORTING_BYTES:
        done = max(0, total - behind)
        at = f"importing {100 * done // total} % ({_size(done)} of {_size(total)})"
    elif not pulse["directories"]:
        at = "waiting for the first log"
    else:
        directories = _count(pulse["directories"], "directory", "directories")
        at = f"watching {directories}, {_count(pulse['files'], 'log', 'logs')}"
    wrong = [f"{code}: error" for code in pulse["troubles"] if code not in WARNINGS]
    return "; ".join([*wrong, at])


class Heart:
    """Asks each part how it gets on, and passes that on while all of them do.

    Args:
        ask: puts a question to the engine.
        touch: makes the server's loop call what it is given.
        sweep_seconds: how seldom the logs may be looked at.
        watchdog_seconds: how often the manager wants to hear; None: it does not.
        monotonic: the clock for all waiting.
    """

    def __init__(
        self,
        ask: Ask,
        touch: Callable[[Callable[[], None]], None],
        *,
        sweep_seconds: float,
        watchdog_seconds: float | None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sweep_seconds = sweep_seconds
        self.tick_seconds = 0.0
        self._ask = ask
        self._touch = touch
        self._watchdog_seconds = watchdog_seconds
        self._monotonic = monotonic
        now = monotonic()
        self._at = dict.fromkeys(("engine", "logs", "beat", "server"), now)
        self._asked: Future[object] | None = None
        self._pulse: Pulse = {}
        self._said = ""
        self._stopped = threading.Event()
        self._hurry = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name="costd-heart", daemon=True
        )

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; nothing is said any more."""
        self._stopped.set()
        self._hurry.set()
        self._thread.join(1.0)

    def ticked(self) -> None:
        """The beat has ticked, with all that belongs to it."""
        self._at["beat"] = self._monotonic()

    def look(self) -> None:
        """Say at once what has changed; from any thread."""
        self._hurry.set()

    def stuck(self) -> list[str]:
        """The parts that have made no progress for too long."""
        now = self._monotonic()
        limits = {
            "engine": SLACK_SECONDS,
            "logs": 3 * self.sweep_seconds + SLACK_SECONDS,
            "beat": 3 * self.tick_seconds + SLACK_SECONDS,
            "server": SLACK_SECONDS,
        }
        return [part for part, at in self._at.items() if now - at > limits[part]]

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._beat()
            self._hurry.wait(self._period())
            self._hurry.clear()

    def _period(self) -> float:
        behind = self._pulse.get("bytes_behind", IMPORTING_BYTES + 1)
        period = IMPORTING_SECONDS if behind > IMPORTING_BYTES else PERIOD_SECONDS
        return min(period, self._watchdog_seconds or period)

    def _beat(self) -> None:
        self._touch(self._served)
        if self._asked is None or self._asked.done():
            self._asked = self._ask("alive", {})
            self._asked.add_done_callback(self._answered)

    def _served(self) -> None:
        self._at["server"] = self._monotonic()

    def _answered(self, answer: Future[object]) -> None:
        """In the engine's thread: what it is at."""
        if answer.cancelled() or answer.exception() is not None:
            return
        pulse = answer.result()
        if not isinstance(pulse, Mapping) or self._stopped.is_set():
            return
        now = self._monotonic()
        self._at["engine"] = now
        if _progress(pulse) != _progress(self._pulse):
            self._at["logs"] = now
        self._pulse = pulse
        states = []
        if (line := says(pulse)) != self._said:
            self._said = line
            states.append(f"STATUS={line}")
        if self._watchdog_seconds is not None and not self.stuck():
            states.append("WATCHDOG=1")
        notify(*states)


def _progress(pulse: Pulse) -> tuple[object, object]:
    return pulse.get("sweeps"), pulse.get("bytes_behind")


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:  # noqa: PLR2004 - the step between units
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
