"""Evidence that is in no log: processes, orchestrators, session maps, repositories."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from costd.core.attribution import CONFIDENCE
from costd.core.commits import Commits
from costd.core.errors import CostdError
from costd.engine.jobs import Job, Jobs
from costd.engine.scout import Scout, as_kept
from costd.engine.session_maps import CODE, SOURCE, Pairs, SessionMaps
from costd.engine.witness import Witness
from costd.ingest.orchestrators import Orchestrators, Said
from costd.ingest.processes import Process, have_hook, is_hidden, running
from costd.ingest.repositories import Where
from costd.ledger import Ledger
from costd.ledger import claims as kept
from costd.ledger.claiming import REPLACED
from costd.ledger.claims import NewClaim
from costd.ledger.moves import Moves

_LEAST_GAP_MS = 2_000
"""Between two looks at the registry because of a session that nobody knew."""
_COMMITS_GAP_MS = 15_000
"""Between two looks for commits while sessions go on; the beat comes anyway."""


class Outside:
    """Looks at all of it, and turns it into claims and facts.

    Args:
        ledger: where they go.
        jobs: takes what takes long.
        call: has something done in the engine's thread.
        clock: milliseconds since the epoch.
        orchestrators: None where there are none to look for.
        maps: None where there are none.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        jobs: Jobs,
        call: Callable[[Callable[[], None]], None],
        clock: Callable[[], int],
        orchestrators: Orchestrators | None,
        maps: SessionMaps | None,
    ) -> None:
        self._ledger = ledger
        self._jobs = jobs
        self._clock = clock
        self._witness = Witness(ledger)
        self._scout = Scout(
            lambda found: call(lambda: self._take(found)),
            lambda found: call(lambda: self._take_commits(found)),
            clock,
        )
        self._committed_at = 0
        self._orchestrators = orchestrators
        self._maps = maps
        self._known: set[str] = set()
        self._looked_at = 0
        self._processes: list[Process] = []

    @property
    def is_out(self) -> bool:
        """Whether something is being looked up that may come in a moment."""
        return self._scout.is_out

    def look(self, roots: Iterable[str], troubles: dict[str, str]) -> frozenset[str]:
        """Look at everything; the sessions that run now.

        Raises:
            LedgerError: what was found could not be kept.
        """
        try:
            running_now = self._look_at_processes(roots)
            self._look_at_records(troubles)
            self._look_for_hidden(roots, troubles)
        except CostdError:
            self._forget()  # the next look finds it again
            raise
        return running_now

    def _look_at_records(self, troubles: dict[str, str]) -> None:
        now = self._clock()
        if self._orchestrators is not None:
            self._claim([_said(said, now) for said in self._orchestrators.look()])
        if self._maps is not None:
            self._claim(self._maps.look(now))
            troubles.pop(CODE, None)
            if self._maps.trouble:
                troubles[CODE] = self._maps.trouble

    def _forget(self) -> None:
        self._witness = Witness(self._ledger)
        if self._orchestrators is not None:
            self._orchestrators.forget()
        if self._maps is not None:
            self._maps.forget()

    def heard(self, sessions: Iterable[str], roots: Iterable[str]) -> None:
        """Lines of sessions came: a new one may run for an issue that only it knows."""
        new = set(sessions) - self._known
        self._known |= new
        gone = self._clock() - self._looked_at
        if new and not 0 <= gone < _LEAST_GAP_MS:
            self._look_at_processes(roots)
        unknown = self._ledger.owners.unknown
        if unknown:
            self._scout.ask(unknown)
            unknown.clear()

    def settle(self, *, busy: bool, awaited: bool) -> None:
        """Ask what was committed where work went on that nothing better owns.

        Args:
            busy: whether much is being read; then it can wait.
            awaited: whether somebody waits until all is known.
        """
        owners, now = self._ledger.owners, self._clock()
        if busy:
            return
        is_soon = 0 <= now - self._committed_at < _COMMITS_GAP_MS
        if owners.recent == set() or self.is_out or (is_soon and not awaited):
            return
        self._committed_at = now
        recent, owners.recent = owners.recent, set()
        try:
            self._scout.ask_commits(self._ledger.commits_wanted(recent, now))
        except CostdError:  # the ledger is busy, and says so itself: ask again later
            owners.recent = recent

    def publish(self, issues: Mapping[str, bytes]) -> None:
        """Write the session maps: of each issue what ``as_part`` has made."""
        if self._maps is not None:
            self._maps.write(issues, self._taken_back())

    def close(self) -> None:
        """End what runs beside."""
        self._scout.close()

    def _look_at_processes(self, roots: Iterable[str]) -> frozenset[str]:
        self._looked_at = self._clock()
        self._processes = processes = running(roots)
        self._lay(self._witness.look(processes, self._looked_at))
        return frozenset(process.session_id for process in processes)

    def _look_for_hidden(self, roots: Iterable[str], troubles: dict[str, str]) -> None:
        """What an agent was started for may be written where costd cannot look."""
        hidden = sum(is_hidden(process.pid) for process in self._processes)
        if hidden and not have_hook(roots):
            troubles["agents_hidden"] = (
                f"The environment of {hidden} running agents cannot be read from here"
                " (the service's sandbox): an issue that it names is not known."
            )
        else:
            troubles.pop("agents_hidden", None)

    def _take(self, found: list[Where]) -> None:
        """The scout is back."""
        self._scout.returned(found)
        try:
            self._ledger.look_around(*as_kept(found))
        except CostdError:  # the ledger is busy, and says so itself: ask again later
            self._ledger.owners.unknown.update(where.path for where in found)

    def _take_commits(self, found: Commits) -> None:
        """The scout has looked at a repository's commits."""
        self._scout.brought(found)
        if not found.made and not found.gone and not found.positions:
            return
        try:
            self._ledger.learn_commits(found)
        except CostdError:  # as above: they are read once more
            self._ledger.owners.recent = None

    def _claim(self, news: list[NewClaim]) -> None:
        if news:
            self._lay(self._ledger.claim(news, Moves()).sessions)

    def _lay(self, sessions: set[int]) -> None:
        if sessions:
            steps = self._ledger.lay(sessions, Moves())
            self._jobs.begin(Job(steps, dict))

    def _taken_back(self) -> Pairs:
        """Entries of session maps that somebody has unlinked."""
        claims = kept.select(self._ledger.database.connection, "source = ?", (SOURCE,))
        live = {c.subject for c in claims if c.revoked_at is None}
        return {
            (claim.issue, claim.value)
            for claim in claims
            if claim.subject not in live and not claim.revoked_by.startswith(REPLACED)
        }


def _said(said: Said, now: int) -> NewClaim:
    return NewClaim(
        key=f"{said.source}:{said.session_id}:{said.issue}:{said.role}",
        subject="",
        selector="session",
        value=said.session_id,
        within="",
        issue=said.issue,
        role=said.role,
        from_at=None,
        until_at=None,
        made_at=now,
        rule="orchestrator",
        confidence=CONFIDENCE["orchestrator"],
        source=said.source,
    )
