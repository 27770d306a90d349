"""Everything that is written for others: summary files, issues, session maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from costd.core.errors import LedgerBusyError
from costd.engine.board import Board
from costd.engine.outlet import Outlet
from costd.engine.outside import Outside
from costd.engine.runs import Runs
from costd.engine.view import View


class Publishing:
    """Writes what is new.

    Args:
        outlet: knows when, and where to.
        outside: has the session maps.
        runs: get their costs before anything is written of them.
        clock: milliseconds since the epoch.
    """

    def __init__(
        self, outlet: Outlet, outside: Outside, runs: Runs, clock: Callable[[], int]
    ) -> None:
        self._outlet = outlet
        self._outside = outside
        self._runs = runs
        self._clock = clock
        self._board = Board()

    @property
    def is_due(self) -> bool:
        """Whether something has changed long enough ago."""
        return self._outlet.wait_ms(self._clock()) == 0

    def write(self, view: View, state: str) -> bool:
        """Write now; False where nothing is published at all."""

        def contents() -> Mapping[str, Any]:
            from costd.engine.documents import documents  # noqa: PLC0415 - a daemon's

            # A ledger that takes nothing just now is told of by whoever records.
            with suppress(LedgerBusyError):
                if self._runs.refresh(view.now):
                    self._outlet.change()  # there may be more to work out
                self._runs.catch_up(view.now, view.jobs)
            issues = self._board.refresh(view, self._clock, is_last=state == "stopped")
            return {**documents(view, state=state), **issues}

        if not self._outlet.publish(self._clock, contents):
            return False
        if self._outlet.troubles:
            self._board.unsent()
        if self._board.is_fresh:
            self._board.is_fresh = False
            self._outside.publish(self._board.parts)
        if self._board.is_behind(view):
            self._outlet.change()
        return True
