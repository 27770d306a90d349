"""When the engine has to look at the logs again, and how long it may sleep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from costd.engine.intake import Intake
from costd.engine.outlet import Outlet
from costd.engine.view import Watching


class Pace:
    """Remembers when the logs were last looked at.

    Args:
        clock: milliseconds since the epoch.
        tick_ms: how often the beat comes.
    """

    def __init__(self, clock: Callable[[], int], tick_ms: int) -> None:
        self._clock = clock
        self._tick_ms = tick_ms
        self._swept_at = 0
        self.sweeps = 0

    def begin_sweep(self) -> None:
        """The logs are looked at now."""
        self._swept_at = self._clock()
        self.sweeps += 1

    def sweep_wait_ms(self, watch: Watching | None) -> int:
        """How long until the logs must be looked at again; seldom while events come."""
        if not self.sweeps:
            return 0
        if watch is None:
            return self._tick_ms
        gone = self._clock() - self._swept_at
        return int(watch.sweep_seconds * 1000) - gone if gone >= 0 else 0

    def patience_ms(self, watch: Watching | None, outlet: Outlet) -> int | None:
        """How long nothing need be done, if no message comes; None: for ever."""
        waits = []
        if (wait := outlet.wait_ms(self._clock())) is not None:
            waits.append(wait)
        if watch is not None:
            waits.append(self.sweep_wait_ms(watch))
        if not waits:
            return None
        return min(max(min(waits), 0), self._tick_ms)


def pulse(intake: Intake, sweeps: int, troubles: set[str]) -> dict[str, Any]:
    """What the engine says of itself to those who watch over it.

    Whoever compares two of these sees whether it gets on.
    """
    if intake.problem is not None:
        troubles = troubles | {intake.problem.code}
    return {
        "sweeps": sweeps,
        "files": len(intake.last_sweep.files),
        "directories": intake.last_sweep.directories,
        "bytes_total": intake.progress.bytes_total,
        "bytes_behind": intake.progress.bytes_behind if intake.is_busy else 0,
        "troubles": sorted(troubles),
    }
