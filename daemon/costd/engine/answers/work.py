"""Questions whose answers are work: ``sync`` and ``verify``."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from costd.core.attribution import Keys
from costd.core.rates import RateCard
from costd.core.summary import cost_usd, envelope
from costd.engine.answers.health import problems
from costd.engine.intake import Intake
from costd.engine.sources import Roots
from costd.engine.view import View
from costd.ledger import Ledger
from costd.ledger.compare import compare
from costd.ledger.health import coverage
from costd.ledger.integrity import examine
from costd.ledger.reports import total


class SyncBegan(NamedTuple):
    """Where a sync began."""

    at: int
    new_responses: int


def synced(view: View, began: SyncBegan) -> dict[str, Any]:
    """What a sync did, once nothing waits any more."""
    progress = view.intake.progress
    known = coverage(view.connection)
    everything = total(view.connection, None, None)
    return envelope(
        view.now,
        files=known.files,
        bytes=progress.bytes_total,
        responses=everything.responses,
        new_responses=progress.new_responses - began.new_responses,
        skipped_lines=known.skipped_lines,
        salvaged_lines=known.salvaged_lines,
        unreadable_files=len(view.intake.unreadable),
        unpriced_responses=everything.unpriced,
        seconds=round((view.now - began.at) / 1000, 3),
        cost_usd=cost_usd(everything),
        health=problems(view),
    )


_PREFIX = "verify-"


def remove_recounts(state_dir: Path) -> None:
    """Take away what a check left behind that was killed; nobody else may be checking."""
    for folder in state_dir.glob(f"{_PREFIX}*"):
        shutil.rmtree(folder, ignore_errors=True)


class Recount:
    """A second ledger in a directory of its own, read anew from the logs on disk."""

    def __init__(
        self, state_dir: Path, card: RateCard, roots: Roots, max_line_bytes: int
    ) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=state_dir))
        self._card = card
        self._roots = roots
        self._max_line_bytes = max_line_bytes
        self.files = 0
        self.integrity = ""
        """``ok``, or what is wrong with the file of the ledger that is looked at."""

    @property
    def path(self) -> Path:
        """The second ledger's file."""
        return self._folder / "ledger.db"

    def read(self, now: int) -> None:
        """Read everything; takes as long as a first import. Any thread may do it.

        Raises:
            CostdError: not all of it could be recorded; then it is worth nothing.
        """
        whole = examine(self._folder.parent / "ledger.db", thorough=True)
        self.integrity = whole.problem or "ok"
        ledger = Ledger(self.path, self._card, Keys())
        intake = Intake(ledger, self._roots, self._max_line_bytes, lambda _: None)
        intake.sweep(now)
        intake.progress.bytes_behind = 0  # no second process for a check
        while intake.is_busy:
            intake.advance()
        self.files = len(intake.last_sweep.files)
        try:
            if intake.problem is not None:
                raise intake.problem
            ledger.database.checkpoint()
        finally:
            ledger.close()

    def close(self) -> None:
        """Remove the second ledger."""
        shutil.rmtree(self._folder, ignore_errors=True)


def verified(view: View, recount: Recount) -> dict[str, Any]:
    """The ledger against the recount."""
    found = compare(view.connection, recount.path)
    known = coverage(view.connection)
    return envelope(
        view.now,
        ok=found.different == 0 and recount.integrity == "ok",
        integrity=recount.integrity,
        files_checked=recount.files,
        files_vanished=known.vanished,
        responses_checked=found.checked,
        files_growing=found.growing,
        responses_only_in_ledger=found.only_in_ledger,
        different=found.different,
        differences=[difference._asdict() for difference in found.differences],
    )
