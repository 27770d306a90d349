"""What goes wrong while requests are answered, for the log: not each time.

Who is out of file descriptors fails some thousand times a second.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from costd.core.instants import MINUTE
from costd.log import get_logger

log = get_logger("service")


class Failures:
    """Logs a failure at once, and the same one again after a minute, with its count.

    Args:
        clock: milliseconds since the epoch.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._said: dict[tuple[str, str], tuple[int, int]] = {}

    def __call__(self, place: str, error: Exception) -> None:
        """Note a failure; of the error only its class is told."""
        key = (place, type(error).__name__)
        now = self._clock()
        with self._lock:
            at, since = self._said.get(key, (None, 0))
            if at is not None and 0 <= now - at < MINUTE:
                self._said[key] = (at, since + 1)
                return
            self._said[key] = (now, 0)
        log.warning("request_failed", place=place, error=key[1], times=since + 1)
