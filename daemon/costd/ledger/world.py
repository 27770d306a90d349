"""What is known of the world beside the logs: repositories, and the keys they use.

All of it was found before (``ingest.repositories`` looks at the disk); here it is kept
and put together into the place and the keys by which a context is judged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from sqlite3 import Connection
from typing import NamedTuple

from costd.core.attribution import (
    NO_PULLS,
    Keys,
    Place,
    Pull,
    Pulls,
    candidates,
    is_proven,
)
from costd.core.projects import project_of


class Repository(NamedTuple):
    """A repository as it was found on disk.

    Args:
        root: the directory of its main worktree.
        name: ``owner/name`` by its remote, or empty.
        default_branch: the remote's own, or empty.
        known_keys: tracker keys that its history proves.
        beads: the prefix of its beads' ids in lower case, or empty.
    """

    root: str
    name: str = ""
    default_branch: str = ""
    known_keys: frozenset[str] = frozenset()
    beads: str = ""


class Directory(NamedTuple):
    """Where a directory lies: ``is_repo`` None means that nobody could look."""

    path: str
    root: str = ""
    is_repo: bool | None = None


class Judged(NamedTuple):
    """What is needed to judge a context."""

    place: Place
    keys: Keys
    project: str


class FoundKey(NamedTuple):
    """A key, how it was found out, and the repository or directory where it counts."""

    key: str
    source: str
    where: str


_NOWHERE = Directory("")
_ALL = 2**62
_NO_GROUP = "?"
"""Of directories that name no project: their branches prove nothing together."""
_Numbers = dict[str, dict[str, set[int]]]
"""By group and key: the numbers that branches have with it."""


class World:
    """The repositories and keys that are known; loaded when first asked for.

    Args:
        connection: the ledger's.
        keys: what was configured or imported; the rest is found out here.
    """

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys
        self.has_commits = False
        """Whether sessions are known to have made commits that name issues."""
        self.named: dict[tuple[str, str], list[int]] = {}
        """By repository and branch: when commits were made that name issues."""
        self.stays: dict[tuple[str, str], dict[int, tuple[int, int]]] = {}
        """By repository and branch: when sessions that do not go on were there."""
        self.pulls = NO_PULLS
        """The pull requests that were imported."""
        self._is_loaded = False
        self._directories: dict[str, Directory] = {}
        self._repositories: dict[str, Repository] = {}
        self._branches: defaultdict[str, set[str]] = defaultdict(set)
        self._numbers: _Numbers = {}
        self._cached: dict[tuple[str, str], Keys] = {}

    def forget(self) -> None:
        """Load it again when it is needed: after a rollback, or for its memory."""
        self._is_loaded = False
        self.stays = {}
        self._directories = {}
        self._repositories = {}
        self._branches = defaultdict(set)
        self._numbers = {}
        self._cached = {}

    def believe(self, keys: Keys) -> None:
        """Other keys were imported."""
        self._keys = keys
        self._cached.clear()

    def found(self) -> list[FoundKey]:
        """The keys that were found out, by repository or project."""
        self.load()
        repositories = self._repositories.values()
        keys = [
            FoundKey(key, "history", repository.name or repository.root)
            for repository in repositories
            for key in repository.known_keys
        ]
        keys += [
            FoundKey(repository.beads, "beads", repository.name or repository.root)
            for repository in repositories
            if repository.beads
        ]
        names = {repository.root: repository.name for repository in repositories}
        keys += [
            FoundKey(key, "branches", names.get(group) or group.removeprefix(_NO_GROUP))
            for group in self._numbers
            for key in self._proven(group)
        ]
        return sorted(keys)

    def load(self, newest: int = _ALL) -> None:
        """Read what the ledger knows, once; of contexts those up to a number."""
        if self._is_loaded:
            return
        self._is_loaded = True
        run = self._connection.execute
        for root, name, branch, known, beads in run("SELECT * FROM repository"):
            self._repositories[root] = Repository(
                root, name, branch, frozenset(known.split()), beads
            )
        for path, root, is_repo in run("SELECT path, root, is_repo FROM directory"):
            known_to_be = None if is_repo is None else bool(is_repo)
            self._directories[path] = Directory(path, root, known_to_be)
        self.pulls = Pulls(
            Pull(repository, number, branch, head, tuple(closes.split()))
            for repository, number, branch, head, closes in run(
                "SELECT repository, number, branch, head, closes FROM pull_request"
            )
        )
        self.named = {}
        for root, branch, at in run(
            "SELECT root, branch, at FROM branch_commit WHERE names <> '' ORDER BY at"
        ):
            self.named.setdefault((root, branch), []).append(at)
        (found,) = run("SELECT EXISTS (SELECT 1 FROM committed)").fetchone()
        self.has_commits = bool(found)
        if self._keys.is_open:
            query = "SELECT DISTINCT cwd, branch FROM context WHERE id <= ?"
            for cwd, branch in run(query, (newest,)):
                self._branches[cwd].add(branch)
        self._count()

    def judge(
        self,
        cwd: str,
        branch: str,
        worktree_branch: str = "",
        agent_type: str = "",
        repo: str = "",
    ) -> Judged:
        """The place of a context, the keys that count there, and its project.

        Args:
            cwd: the line's directory.
            branch: the line's branch.
            worktree_branch: the worktree's own, where the log says so.
            agent_type: the subagent's, or empty.
            repo: ``owner/name``, where somebody knows better than the disk.
        """
        self.load()
        directory = self._directories.get(cwd, _NOWHERE)
        if repo:
            directory = directory._replace(root=self._root_of(repo), is_repo=True)
        repository = self._repositories.get(directory.root, Repository("", repo))
        place = Place(
            cwd=cwd,
            branch=branch,
            repo=repository.name,
            worktree_branch=worktree_branch,
            agent_type=agent_type,
            default_branch=repository.default_branch,
            is_repo=directory.is_repo,
        )
        keys = self._keys_at(directory.root or self._group(cwd), repository)
        return Judged(place, keys, project_of(directory.root or cwd))

    def _root_of(self, repo: str) -> str:
        """Where the repository with a name is; empty if nobody has seen it."""
        return next((r.root for r in self._repositories.values() if r.name == repo), "")

    def root(self, cwd: str) -> str:
        """The root of the repository that a directory lies in, as far as is known."""
        self.load()
        return self._directories.get(cwd, _NOWHERE).root

    def beads_of(self, root: str) -> str:
        """The prefix of a repository's beads, or empty."""
        self.load()
        known = self._repositories.get(root)
        return known.beads if known else ""

    def is_looked_at(self, cwd: str) -> bool:
        """Whether somebody has looked where a directory lies."""
        self.load()
        return cwd in self._directories

    def learn(self, cwd: str, branch: str) -> str:
        """Take in a branch; the group whose keys have changed by it, or empty."""
        if not self._keys.is_open or branch in self._branches[cwd]:
            return ""
        self._branches[cwd].add(branch)
        group = self._group(cwd)
        before = self._proven(group)
        self._note(group, branch)
        if self._proven(group) == before:
            return ""
        self._cached.clear()
        return group

    def put(
        self, repositories: Iterable[Repository], directories: Iterable[Directory]
    ) -> set[str]:
        """Keep what was found on disk; the groups whose keys have changed by it."""
        self.load()
        for repository in repositories:
            root, name, branch, known, beads = repository
            self._repositories[root] = repository
            self._connection.execute(
                "INSERT OR REPLACE INTO repository VALUES (?, ?, ?, ?, ?)",
                (root, name, branch, " ".join(sorted(known)), beads),
            )
        for directory in directories:
            self._directories[directory.path] = directory
            self._connection.execute(
                "INSERT OR REPLACE INTO directory VALUES (?, ?, ?)", directory
            )
        before = {group: self._proven(group) for group in self._numbers}
        self._count()
        groups = {*before, *self._numbers}
        return {g for g in groups if self._proven(g) != before.get(g, frozenset())}

    def inside(self, repositories: Iterable[Repository]) -> list[str]:
        """The directories that lie in those repositories of which something is new."""
        self.load()
        new = {r.root for r in repositories if self._repositories.get(r.root) != r}
        return [d.path for d in self._directories.values() if d.root in new]

    def group(self, cwd: str) -> str:
        """Whose branches prove a key together: a repository's, else a project's."""
        self.load()
        return self._group(cwd)

    def _group(self, cwd: str) -> str:
        return self._directories.get(cwd, _NOWHERE).root or _NO_GROUP + project_of(cwd)

    def _count(self) -> None:
        self._numbers = {}
        self._cached.clear()
        for cwd, branches in self._branches.items():
            group = self._group(cwd)
            for branch in branches:
                self._note(group, branch)

    def _note(self, group: str, branch: str) -> None:
        if group == _NO_GROUP:
            return
        for key, number in candidates(branch):
            self._numbers.setdefault(group, {}).setdefault(key, set()).add(number)

    def _proven(self, group: str) -> frozenset[str]:
        keys = self._numbers.get(group, {})
        return frozenset(key for key, numbers in keys.items() if is_proven(numbers))

    def _keys_at(self, group: str, repository: Repository) -> Keys:
        known = self._cached.get((group, repository.name))
        if known is None:
            beads = {repository.beads} if repository.beads else frozenset[str]()
            found = repository.known_keys | self._proven(group)
            known = Keys(
                configured=self._keys.configured,
                tracker=self._keys.tracker,
                by_repo={repository.name: found},
                beads=self._keys.beads | beads,
            )
            self._cached[group, repository.name] = known
        return known
