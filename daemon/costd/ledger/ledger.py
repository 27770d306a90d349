"""The ledger: the one owner of the database, used by the engine's thread alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection

from msgspec.structs import replace

from costd.core.attribution import Keys, Pull
from costd.core.checkpoint import Checkpoint, Segment
from costd.core.commits import Commits, Wanted
from costd.core.events import Event
from costd.core.lamport import Clock
from costd.core.rates import RateCard
from costd.ledger import (
    agents,
    claiming,
    commits,
    event_logs,
    events,
    evidence,
    logs,
    pulls,
    tracker,
)
from costd.ledger.agents import Agent
from costd.ledger.claiming import Change, Supposed
from costd.ledger.claims import NewClaim
from costd.ledger.database import Database
from costd.ledger.event_logs import LogRead
from costd.ledger.events import Taken
from costd.ledger.evidence import chunks
from costd.ledger.groups import Groups
from costd.ledger.moves import Moves
from costd.ledger.owners import SESSIONS_AT_ONCE, Owners
from costd.ledger.places import Places
from costd.ledger.record import Recorded, Recorder, next_id
from costd.ledger.reprice import Repriced, reprice
from costd.ledger.tracker import Imported
from costd.ledger.world import Directory, Repository

RULES = 2
"""Raised when the rules of attribution change: then everything is judged anew."""


class Ledger:
    """Everything costd knows.

    Args:
        path: the file; made when it is not there.
        card: the rates for what is recorded from now on.
        keys: the tracker keys that are believed.

    Raises:
        LedgerError: it cannot be opened; the message says what to do.
    """

    def __init__(self, path: Path, card: RateCard, keys: Keys) -> None:
        self.database = Database(path)
        self.card = card
        self.keys = self._with_imported(keys)
        self._places = Places(self.database.connection)
        self._groups = Groups()
        with self.database.reading() as connection:
            if next_id(connection) == 1:
                self._groups.begin()
        self.owners = Owners(self.database.connection, self.keys)
        self._laying = 0
        self.unlaid: list[int] = self._find_unlaid()
        """Sessions whose owners an earlier costd has not worked out to the end."""

    def record(
        self, segments: Iterable[Segment], found: Iterable[Agent] = ()
    ) -> Recorded:
        """Rows, rollup, owners and checkpoints in one transaction, all or nothing.

        Args:
            segments: what was read.
            found: what the notes beside the logs say of subagents.

        Raises:
            LedgerBusyError: nothing was recorded; record the same again later.
        """
        read = list(segments)
        with self._changing() as connection:
            before = evidence.last_context(connection)
            recorder = Recorder(
                connection, self._places, self._groups, self.card, self.owners.split
            )
            recorded = recorder.record(read)
            new_to = agents.put(connection, self._places, found)
            new_to |= agents.put_forks(connection, recorder.copies)
            new_to |= agents.in_worktrees(connection, read)
            self.owners.settle(before, recorder.contexts, new_to)
            return recorded

    def checkpoints(self) -> list[Checkpoint]:
        """How far each log is read."""
        with self.database.reading() as connection:
            return list(logs.checkpoints(connection))

    def checkpoint(self, path: bytes) -> Checkpoint | None:
        """How far one log is read; None where it never was."""
        with self.database.reading() as connection:
            return logs.checkpoint(connection, path)

    def move(self, old: bytes, new: bytes, root: bytes) -> bool:
        """A log has another path now; False where another one is known there."""
        with self.database.transaction() as connection:
            return logs.move(connection, old, new, root)

    def settle(self) -> None:
        """After much was recorded: a short write-ahead log and little memory."""
        self._places.forget()
        self._groups.forget()
        self.owners.world.forget()
        self.database.checkpoint()
        self.database.forget_statements()
        self.database.shrink_memory()

    def vanish(self, paths: list[bytes], now: int) -> None:
        """Note that logs are gone; nothing that was read from them goes."""
        with self.database.transaction() as connection:
            logs.put_vanished(connection, paths, now)

    def node(self, new: str) -> str:
        """The name of this node: the one that it has, or from now on ``new``."""
        with self.database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO meta VALUES ('node_id', ?)", (new,)
            )
            query = "SELECT value FROM meta WHERE key = 'node_id'"
            (name,) = connection.execute(query).fetchone()
            return str(name)

    def put_events(
        self,
        said: Iterable[Event],
        *,
        clock: Clock,
        now: int,
        origin: str,
        log: LogRead | None = None,
    ) -> Taken:
        """Keep events that are not known yet, with how far their log is read.

        Args:
            said: the events.
            clock: gives logical times to those that have none.
            now: when they came, in milliseconds.
            origin: how they came.
            log: the log that they are from; None where they are from none.

        Raises:
            LedgerBusyError: nothing was kept; say the same again later.
        """
        with self.database.transaction(told=log is None) as connection:
            if log is not None:
                event_logs.put(connection, log)
            card = self.card
            return events.put(
                connection, said, card=card, clock=clock, now=now, origin=origin
            )

    def reprice(self, *, dry_run: bool) -> Repriced:
        """Price every response by the card at hand; with ``dry_run`` only look."""
        done: list[Repriced] = []
        with suppress(_Undo), self.database.transaction() as connection:
            done.append(reprice(connection, self.card, self.owners.split))
            if dry_run:
                raise _Undo
            self.owners.note(done[0].contexts)
        return done[0]

    def look_around(
        self, repositories: Sequence[Repository], directories: Sequence[Directory]
    ) -> None:
        """Keep what was found on disk about the places where work was done."""
        with self._changing():
            self.owners.learn(repositories, directories)

    def commits_wanted(
        self, contexts: Collection[int] | None, now: int
    ) -> list[Wanted]:
        """The repositories whose commits may tell who owns contexts; None: any.

        What is known of their commits is applied to what was recorded since.
        """
        with self._changing() as connection:
            world = self.owners.world
            found = commits.wanted(connection, world, contexts)
            self.owners.judge_commits(commits.touched(connection, world, contexts))
            if world.pulls:
                changed = self.owners.judge(pulls.linked(connection, contexts))
                self.owners.lay_all(changed)
            commits.looked(connection, now)
            return found

    def learn_commits(self, found: Commits) -> None:
        """Keep what was committed in a repository, and whose it is."""
        with self._changing() as connection:
            groups = commits.put(connection, self.owners.world, found)
            self.owners.judge_commits(groups)

    def claim(self, news: Sequence[NewClaim], moves: Moves) -> Change:
        """Make claims. Where few sessions are concerned their owners change at once.

        Returns:
            What was made, and the sessions that ``lay`` has yet to look at.
        """
        with self._changing(told=True) as connection:
            return self._begin(claiming.make(connection, self.owners, news), moves)

    def unclaim(self, ids: Sequence[int], now: int, by: str, moves: Moves) -> Change:
        """Take claims back, as ``claim``."""
        with self._changing(told=True) as connection:
            change = claiming.take_back(connection, self.owners, ids, now, by)
            return self._begin(change, moves)

    def end_claims(self, ends: Sequence[tuple[int, int]]) -> Change:
        """Give claims without an end one, as ``claim``."""
        with self._changing(told=True) as connection:
            change = claiming.end(connection, self.owners, ends)
            return self._begin(change, Moves())

    def put_processes(self, seen: Sequence[tuple[int, str, int]]) -> None:
        """Keep which process runs which session since when."""
        with self._changing() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO process VALUES (?, ?, ?)", seen
            )
            sessions = self.owners.claimed_by_process([pid for pid, _, _ in seen])
            self.owners.lay_all(sessions)

    def lay(
        self, sessions: Collection[int], moves: Moves, *, anew: bool = False
    ) -> Iterator[None]:
        """Work out the owners of many sessions, a few in each step.

        Args:
            sessions: their numbers.
            moves: what goes from one owner to another is counted there.
            anew: judge the places too, not only what is claimed.
        """
        self._laying += 1
        return self._steps(sessions, moves, anew=anew)

    def _steps(
        self, sessions: Collection[int], moves: Moves, *, anew: bool
    ) -> Iterator[None]:
        for some in chunks(sorted(sessions), SESSIONS_AT_ONCE):
            with self._changing():
                if anew:
                    self.owners.judge(some)
                self.owners.lay(some, moves)
            yield
        # An end that is not reached leaves the mark: the next start takes it up.
        self._laying -= 1
        if not self._laying:
            with self.database.transaction() as connection:
                self._mark(connection, self._signature)

    def suppose(self, supposed: Supposed, moves: Moves) -> Iterator[None]:
        """What would move if the claims were those, a few sessions in each step."""
        for some in chunks(sorted(supposed.sessions), SESSIONS_AT_ONCE):
            with self.database.reading():
                self.owners.preview(some, supposed.claims, moves)
            yield

    def reattribute(self) -> None:
        """Decide anew who owns what, without reading a log."""
        for _ in self.lay(self.owners.everything(), Moves(), anew=True):
            pass

    def _begin(self, change: Change, moves: Moves) -> Change:
        """Lay few sessions over at once; many are left, and the ledger knows it."""
        if len(change.sessions) <= SESSIONS_AT_ONCE:
            self.owners.lay(change.sessions, moves)
            return change._replace(sessions=set())
        self._mark(self.database.connection, "unfinished")
        return change

    def believe(self, keys: Mapping[str, Imported]) -> list[int]:
        """Keep these as the keys that were imported from a tracker.

        Returns:
            The sessions that ``lay`` has yet to judge anew: all, where it matters.
        """
        with self.database.transaction(told=True) as connection:
            tracker.put(connection, keys)
            self._mark(connection, "unfinished")
        self.keys = replace(self.keys, tracker=frozenset(keys))
        self.owners.world.believe(self.keys)
        return self.owners.everything() if self.keys.is_open else []

    def know_pulls(
        self, made: Sequence[pulls.ImportedPull], gone: Sequence[Pull]
    ) -> list[int]:
        """Keep pull requests that were imported, others no longer; as ``believe``.

        Args:
            made: what is known now.
            gone: what is not, or is replaced.
        """
        with self.database.transaction() as connection:
            pulls.remove(connection, gone)
            pulls.put(connection, made)
            self._mark(connection, "unfinished")
        self.owners.world.forget()
        return self.owners.everything()

    def _with_imported(self, keys: Keys) -> Keys:
        with self.database.reading() as connection:
            found = tracker.imported(connection)
        return replace(keys, tracker=keys.tracker | found.keys())

    @property
    def _signature(self) -> str:
        """What decides about owners beside the ledger itself."""
        keys = self.keys
        configured = "-" if keys.configured is None else sorted(keys.configured)
        return f"{RULES} {configured} {sorted(keys.tracker)} {sorted(keys.beads)}"

    def _find_unlaid(self) -> list[int]:
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT value FROM meta WHERE key = 'owners'"
            ).fetchone()
        if row is not None and row[0] == self._signature:
            return []
        sessions = self.owners.everything()
        if sessions and row is not None:
            return sessions
        for _ in self.lay(sessions, Moves(), anew=True):
            pass  # a ledger from before there were owners cannot be asked anything
        return []

    def _mark(self, connection: Connection, value: str) -> None:
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('owners', ?)", (value,))

    @contextmanager
    def _changing(self, *, told: bool = False) -> Iterator[Connection]:
        """A transaction; if it fails, what is remembered goes with it."""
        try:
            with self.database.transaction(told=told) as connection:
                yield connection
        except BaseException:
            self._places.forget()
            self.owners.forget()
            raise

    def close(self) -> None:
        """Close the file."""
        self.database.close()


class _Undo(Exception):  # noqa: N818 - not an error: it asks for a rollback
    """Take a transaction back on purpose."""
