"""What running processes tell of the sessions they run: which, and for which issue.

The agent's registry names the session of a process. The environment of the process
says what it was started for; a claim by it holds from the start of the process to its
end, since a child inherits the environment and a later process has one of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from costd.core.attribution import CONFIDENCE, declared
from costd.ingest.processes import Process, environment_of, is_alive, started_at
from costd.ledger import Ledger
from costd.ledger import claims as kept
from costd.ledger.claims import KeptClaim, NewClaim
from costd.ledger.moves import Moves

SOURCE = "environment"
_MARGIN_MS = 2_000
"""Between the clocks of the kernel's start and of the log's lines."""

Pair = tuple[int, str]


class Witness:
    """Remembers which processes it has asked.

    Args:
        ledger: where claims go.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._asked: set[Pair] = set()
        self._open: dict[int, Pair] = {}
        self._is_begun = False

    def look(self, processes: Iterable[Process], now: int) -> set[int]:
        """Take in what runs now.

        Returns:
            Sessions whose owners have yet to be worked out anew; seldom any.
        """
        running = {(process.pid, process.session_id): process for process in processes}
        if not self._is_begun:
            self._is_begun = True
            self._open = {
                claim.id: (int(claim.note.partition(" ")[0] or 0), claim.value)
                for claim in self._standing(SOURCE)
            }
        left = self._end(running, now)
        new = [process for pair, process in running.items() if pair not in self._asked]
        self._asked = set(running)
        if new:
            self._ledger.put_processes([(p.pid, p.session_id, now) for p in new])
            left |= self._claim(new, now)
        return left

    def _claim(self, processes: Iterable[Process], now: int) -> set[int]:
        news = [new for p in processes if (new := self._said(p, now)) is not None]
        if not news:
            return set()
        change = self._ledger.claim(news, Moves())
        for made in change.made:
            if made.is_new:
                pid = int(made.claim.note.partition(" ")[0])
                self._open[made.claim.id] = (pid, made.claim.value)
        return change.sessions

    def _said(self, process: Process, now: int) -> NewClaim | None:
        """What the environment of a process says, as a claim about its session."""
        world = self._ledger.owners.world
        repo = world.judge(process.cwd, "").place.repo
        owner = declared(environment_of(process.pid), repo)
        if not owner.issue:
            return None
        began = started_at(process.pid)
        since = None if began is None else began - _MARGIN_MS
        return NewClaim(
            key=f"env:{process.session_id}:{process.pid}:{began}"[:400],
            subject="",
            selector="session",
            value=process.session_id,
            within="",
            issue=owner.issue,
            role=owner.role,
            from_at=since,
            until_at=None,
            made_at=now,
            rule="env",
            confidence=CONFIDENCE["env"],
            source=SOURCE,
            note=f"{process.pid} {owner.evidence}",
        )

    def _end(self, running: dict[Pair, Process], now: int) -> set[int]:
        """Claims of processes that have ended, end with them."""
        ends = [number for number, pair in self._open.items() if pair not in running]
        for number in ends:
            del self._open[number]
        ends += [
            claim.id
            for claim in self._standing_pids()
            if not is_alive(int(claim.value))
        ]
        if not ends:
            return set()
        return self._ledger.end_claims([(number, now) for number in ends]).sessions

    def _standing(self, source: str) -> list[KeptClaim]:
        return kept.select(
            self._ledger.database.connection,
            "revoked_at IS NULL AND until_at IS NULL AND source = ?",
            (source,),
        )

    def _standing_pids(self) -> list[KeptClaim]:
        """Claims about processes whose session nobody knew when they were made."""
        return kept.select(
            self._ledger.database.connection,
            "revoked_at IS NULL AND until_at IS NULL AND selector = 'pid'",
        )
