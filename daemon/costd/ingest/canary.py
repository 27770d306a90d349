"""A file of costd's own, written to see whether its event comes.

Threads that live and watches that count are not yet a watch that hears.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

PATIENCE_SECONDS = 2.0
"""On a busy machine an event may take its time; half a millisecond is usual."""


class Canary:
    """At most one song at a time waits for its echo.

    Args:
        directory: costd's own, made if missing; "" for no canary.
    """

    def __init__(self, directory: str) -> None:
        self._wanted = directory
        self._made = ""
        self._sung_at: float | None = None
        self._heard = False

    @property
    def directory(self) -> str:
        """The directory to watch; empty if there can be no canary."""
        return self._made

    def prepare(self, is_local: Callable[[str], bool]) -> None:
        """Make the directory, if it is wanted and events can be expected from it."""
        if not self._wanted:
            return
        try:
            Path(self._wanted).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            self._made = ""
            return
        made = os.path.realpath(self._wanted)
        self._made = made if is_local(made) else ""

    def sing(self, now: float) -> None:
        """Write, unless an echo is still awaited; a full disk silences no alarm."""
        if self._sung_at is not None and not self._heard:
            return
        self._heard = False
        self._sung_at = now
        try:
            self._write()
        except OSError:
            self._sung_at = None

    def hears(self, path: str) -> bool:
        """Whether an event is the canary's own business; takes the echo."""
        made = self._made
        if not made or not (path + "/").startswith(made + "/"):
            return False
        if path == f"{made}/canary":
            self._heard = True
        return True

    def is_silent(self, now: float) -> bool:
        """Whether the echo is overdue."""
        sung_at = self._sung_at
        return (
            sung_at is not None
            and not self._heard
            and now - sung_at >= PATIENCE_SECONDS
        )

    def forget(self) -> None:
        """Await no echo: events were dropped, or nobody listens any more."""
        self._sung_at = None

    def _write(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(f"{self._made}/canary", flags, 0o600)
        try:
            os.pwrite(descriptor, b"\n", 0)
        finally:
            os.close(descriptor)
