"""When the summary files are written: after a change, but not for each line of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from costd.core.errors import CostdError

LEAST_GAP_MS = 1_000
"""Between two publications; a burst of lines is published once."""
_LONGEST_GAP_MS = 30_000
_SHARE = 50
"""Publishing takes at most a fiftieth of the time: a large ledger is published later."""

Publish = Callable[[Mapping[str, Any]], Mapping[str, str]]
"""Takes the documents; returns what went wrong, by code."""
Documents = Callable[[], Mapping[str, Any]]


class Outlet:
    """Remembers whether something changed since it was last published.

    Args:
        publish: what to do with the documents; None publishes nothing.
    """

    def __init__(self, publish: Publish | None) -> None:
        self._publish = publish
        self._published_at = 0
        self._gap_ms = LEAST_GAP_MS
        self._is_changed = True
        self.troubles: Mapping[str, str] = {}

    def change(self) -> None:
        """What was published is no longer what is known."""
        self._is_changed = True

    def wait_ms(self, now: int) -> int | None:
        """How long until it must publish; None: nothing has changed."""
        if self._publish is None or not self._is_changed:
            return None
        gone = now - self._published_at
        return self._gap_ms - gone if 0 <= gone < self._gap_ms else 0

    def publish(self, clock: Callable[[], int], documents: Documents) -> bool:
        """Publish now; what goes wrong is in ``troubles`` until it goes well."""
        if self._publish is None:
            return False
        began = clock()
        self._is_changed = False
        try:
            self.troubles = self._publish(documents())
        except CostdError as error:
            self.troubles = {"publish": error.message}
        self._published_at = clock()
        took = max(self._published_at - began, 0)
        self._gap_ms = min(max(LEAST_GAP_MS, _SHARE * took), _LONGEST_GAP_MS)
        return True
