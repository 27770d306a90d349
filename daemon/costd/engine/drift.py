"""Whether the wall clock was set: it goes on otherwise than the time since boot."""

from __future__ import annotations

import time
from collections.abc import Callable

LEAST_SECONDS = 2.0


def since_boot() -> float:
    """Seconds that go on in a suspend too, where the system counts those."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class Drift:
    """Compares two clocks with every beat.

    Args:
        clock: milliseconds since the epoch.
        steady: seconds since whenever; nobody can set it.
    """

    def __init__(
        self, clock: Callable[[], int], steady: Callable[[], float] = since_boot
    ) -> None:
        self._clock = clock
        self._steady = steady
        self._between = self._difference()
        self.jumps = 0
        self.last_at = 0
        """When it was seen last, by the new time; 0: never."""
        self.last_seconds = 0.0

    def look(self) -> bool:
        """Whether the clock was set since the last look."""
        between = self._difference()
        moved, self._between = between - self._between, between
        if abs(moved) < LEAST_SECONDS:
            return False
        self.jumps += 1
        self.last_at, self.last_seconds = self._clock(), moved
        return True

    def _difference(self) -> float:
        return self._clock() / 1000 - self._steady()
