"""Looking up directories and commits in a thread of its own.

A dead network mount hangs nobody. What is found comes back as a message; until then a
context is judged by its line.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from queue import SimpleQueue

from costd.core.commits import Commits, Wanted
from costd.ingest.commits import read_commits
from costd.ingest.repositories import MAY_LOOK, Repositories, Where
from costd.ledger.world import Directory, Repository

PATIENCE_MS = 3_000
"""After so long, whoever waits for what was asked waits no more."""

_FRESH_MS = 10 * 60 * 1000
_AT_ONCE = 200

Deliver = Callable[[list[Where]], None]
Bring = Callable[[Commits], None]


class Scout:
    """Asks the disk where directories lie.

    Args:
        deliver: gets where directories lie, in the scout's thread.
        bring: gets the commits of one repository there.
        clock: milliseconds since the epoch.
    """

    def __init__(
        self, deliver: Deliver, bring: Bring, clock: Callable[[], int]
    ) -> None:
        self._deliver = deliver
        self._bring = bring
        self._clock = clock
        self._wanted: SimpleQueue[str | Wanted | None] = SimpleQueue()
        self._waiting: set[str] = set()
        self._looking: set[str] = set()
        self._asked_at = 0
        self._thread: threading.Thread | None = None

    def ask(self, paths: Iterable[str]) -> None:
        """Have directories looked up."""
        new = set(paths) - self._waiting if MAY_LOOK else set()
        if not new:
            return
        self._waiting |= new
        self._asked_at = self._clock()
        for path in sorted(new):
            self._wanted.put(path)
        self._begin()

    def ask_commits(self, wanted: Iterable[Wanted]) -> None:
        """Have the commits of repositories looked at; each of them is brought once."""
        for each in wanted if MAY_LOOK else ():
            if each.root not in self._looking:
                self._looking.add(each.root)
                self._asked_at = self._clock()
                self._wanted.put(each)
                self._begin()

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name="costd-scout", daemon=True
            )
            self._thread.start()

    def returned(self, found: Iterable[Where]) -> None:
        """What was delivered has arrived."""
        self._waiting -= {where.path for where in found}

    def brought(self, commits: Commits) -> None:
        """The commits of a repository have arrived."""
        self._looking.discard(commits.root)

    @property
    def is_out(self) -> bool:
        """Whether something is being looked up that may come in a moment."""
        gone = self._clock() - self._asked_at
        return bool(self._waiting or self._looking) and 0 <= gone < PATIENCE_MS

    def close(self) -> None:
        """End the thread, unless a file system holds it."""
        self._wanted.put(None)

    def _run(self) -> None:
        repositories = Repositories(_FRESH_MS)
        found: list[Where] = []
        while (wanted := self._wanted.get()) is not None:
            if isinstance(wanted, Wanted):
                self._bring(_commits_of(wanted))
            else:
                found.append(repositories.where(wanted, self._clock()))
            if found and (self._wanted.empty() or len(found) >= _AT_ONCE):
                self._deliver(found)
                found = []


def _commits_of(asked: Wanted) -> Commits:
    """What was committed; nothing where looking fails, which must not end the scout."""
    try:
        return read_commits(asked)
    except (OSError, ValueError, RuntimeError, MemoryError):  # no thread, no memory
        return Commits(asked.root, (), (), ())


def look_now(path: str, now: int, seconds: float = 1.0) -> list[Where]:
    """Look one directory up for somebody who waits; nothing where it takes too long."""
    found: list[Where] = []
    if not MAY_LOOK:
        return found

    def work() -> None:
        found.append(Repositories(_FRESH_MS).where(path, now))

    thread = threading.Thread(target=work, name="costd-scout", daemon=True)
    thread.start()
    thread.join(seconds)
    return [*found]


def as_kept(found: Iterable[Where]) -> tuple[list[Repository], list[Directory]]:
    """What was found, as the ledger keeps it."""
    repositories: dict[str, Repository] = {}
    directories: list[Directory] = []
    for path, repository, is_repo in found:
        if repository is not None:
            repositories[repository.root] = Repository(*repository)
        root = "" if repository is None else repository.root
        directories.append(Directory(path, root, is_repo))
    return list(repositories.values()), directories
