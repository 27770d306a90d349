"""Which files a command changed, as git tells: a look before it, and one after it.

Git only reads here: no lock, no hook, no monitor of its own, and never for long. Where
there is no repository, or git takes too long, nothing is known and nothing is said.
"""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress
from typing import NamedTuple

HEAD_START_SECONDS = 0.05
"""What the first look may hold the command up; it goes on beside it after that."""

SECONDS = 1.0
"""What the second look may hold up the end, all in all."""

_READ_ONLY = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
_STATUS = (
    "status",
    "--porcelain=v2",
    "--branch",
    "-z",
    "--no-renames",
    "--untracked-files=all",
    "--ignore-submodules=dirty",
)
_DIFF = ("diff-tree", "-r", "-z", "--name-status", "--no-renames")
_MOST_BYTES = 8 << 20
_MOST_DIRTY = 5_000
_ABSENT = "000000"
_FIELDS_BEFORE_PATH = 8

Stamp = tuple[int, int, int] | None
"""Time, size and inode of a file; None where there is none."""


class Snapshot(NamedTuple):
    """What differs from the last commit.

    Attributes:
        commit: its id, empty where there is none yet.
        branch: its name, empty where there is none.
        dirty: the paths, and whether each is ``created``, ``modified`` or ``deleted``.
        stamps: the same paths, as the file system shows them.
    """

    commit: str
    branch: str
    dirty: dict[str, str]
    stamps: dict[str, Stamp]


class Git:
    """One git command that reads, beside everything else.

    Args:
        root: the work tree.
        words: the command.
    """

    def __init__(self, root: str, words: tuple[str, ...]) -> None:
        self._read, write = os.pipe()
        argv = ("git", "-C", root, *_READ_ONLY, *words)
        environ = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, write, 1),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ]
        try:
            self._pid = os.posix_spawnp(
                "git", argv, environ, file_actions=actions, setsigmask=()
            )
        except OSError:
            os.close(self._read)
            raise
        finally:
            os.close(write)
        self._data = bytearray()
        self._is_over = self._is_closed = False

    def within(self, seconds: float) -> bool:
        """Whether it is over, at the latest after so long."""
        deadline = time.monotonic() + seconds
        while not self._is_over:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._read], [], [], left)[0]:
                return False
            chunk = os.read(self._read, 1 << 16)
            self._data += chunk
            self._is_over = not chunk or len(self._data) > _MOST_BYTES
        return True

    def result(self, seconds: float) -> bytes | None:
        """What it printed; None where it failed, or was not over in time."""
        is_over = self.within(seconds)
        status = self.close()
        is_whole = is_over and len(self._data) <= _MOST_BYTES
        return bytes(self._data) if is_whole and status == 0 else None

    def close(self) -> int | None:
        """End it, if it is not over; its status."""
        if self._is_closed:
            return None
        self._is_closed = True
        os.close(self._read)
        if not self._is_over:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        try:
            return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        except ChildProcessError:  # whoever started us ignores its children's end
            return 0 if self._is_over else None


class Tree:
    """The work tree around a directory; begins its first look at once.

    Args:
        cwd: the directory.
    """

    def __init__(self, cwd: str) -> None:
        self.root = _root_of(cwd)
        self._at_ns = _now_ns()
        self._first: Git | None = None
        self._before: Snapshot | None = None
        if self.root:
            with suppress(OSError):
                self._first = Git(self.root, _STATUS)

    def hold(self) -> None:
        """Give the first look its head start; then the command may begin."""
        if self._first is not None and self._first.within(HEAD_START_SECONDS):
            self._before = self._snapshot(self._first, 0.0)
            self._first = None

    def changed(self) -> tuple[dict[str, list[str]], Snapshot, Snapshot] | None:
        """The files by what became of them, with both looks; None: nobody knows."""
        deadline = time.monotonic() + SECONDS
        if self._first is not None:  # it has had the time of the command
            late = self._snapshot(self._first, 0.0)
            self._before = late and _as_before(late, self._at_ns)
            self._first = None
        before = self._before
        if before is None:
            return None
        left = deadline - time.monotonic()
        after = self._snapshot(Git(self.root, _STATUS), left)
        if after is None:
            return None
        moved: dict[str, str] | None = {}
        if before.commit != after.commit:
            moved = self._between(before, after, deadline - time.monotonic())
        if moved is None:
            return None
        return compare(before, after, moved), before, after

    def close(self) -> None:
        """Look no more."""
        if self._first is not None:
            self._first.close()

    def _snapshot(self, git: Git, seconds: float) -> Snapshot | None:
        data = git.result(seconds)
        if data is None:
            return None
        commit, branch, dirty = parse_status(data)
        if len(dirty) > _MOST_DIRTY:
            return None
        # What was different before and is not any more is looked at too.
        also = () if self._before is None else self._before.dirty
        stamps = {p: _stamp(f"{self.root}/{p}") for p in {*dirty, *also}}
        return Snapshot(commit, branch, dirty, stamps)

    def _between(
        self, before: Snapshot, after: Snapshot, seconds: float
    ) -> dict[str, str] | None:
        """The paths that differ between two commits."""
        if not before.commit or not after.commit:
            return {}
        words = (*_DIFF, before.commit, after.commit)
        data = Git(self.root, words).result(max(seconds, 0.0))
        return None if data is None else parse_diff(data)


def parse_status(data: bytes) -> tuple[str, str, dict[str, str]]:
    """Commit, branch and what differs, of ``git status --porcelain=v2 --branch -z``."""
    commit = branch = ""
    dirty: dict[str, str] = {}
    for raw in data.split(b"\0"):
        line = os.fsdecode(raw)
        if line.startswith("# branch.oid "):
            commit = line[13:].replace("(initial)", "")
        elif line.startswith("# branch.head "):
            branch = line[14:].replace("(detached)", "")
        elif line.startswith("1 "):
            fields = line.split(" ", _FIELDS_BEFORE_PATH)
            dirty[fields[-1]] = _kind(fields[3] != _ABSENT, fields[5] != _ABSENT)
        elif line.startswith("u "):
            dirty[line.split(" ", 10)[-1]] = "modified"
        elif line.startswith("? "):
            dirty[line[2:]] = "created"
    return commit, branch, {path: kind for path, kind in dirty.items() if kind}


def parse_diff(data: bytes) -> dict[str, str]:
    """What differs, of ``git diff-tree -z --name-status``."""
    words = [os.fsdecode(word) for word in data.split(b"\0")]
    kinds = {"A": "created", "D": "deleted"}
    pairs = zip(words[::2], words[1::2], strict=False)
    return {path: kinds.get(letter, "modified") for letter, path in pairs}


def compare(
    before: Snapshot, after: Snapshot, moved: dict[str, str]
) -> dict[str, list[str]]:
    """What became of each file between two looks.

    Args:
        before: the first look.
        after: the second one.
        moved: what differs between their commits.
    """
    found: dict[str, list[str]] = {"modified": [], "created": [], "deleted": []}
    for path in sorted({*before.dirty, *after.dirty, *moved}):
        was = _existed(path, before.dirty, after.dirty, moved)
        now = _exists(path, before.dirty, after.dirty, moved)
        if was != now:
            found["deleted" if was else "created"].append(path)
        elif was and not _is_same(path, before, after):
            found["modified"].append(path)
    return found


def _existed(
    path: str, before: dict[str, str], after: dict[str, str], moved: dict[str, str]
) -> bool:
    if path in before:
        return before[path] != "deleted"
    if path in moved:
        return moved[path] != "created"
    return after[path] != "created"


def _exists(
    path: str, before: dict[str, str], after: dict[str, str], moved: dict[str, str]
) -> bool:
    if path in after:
        return after[path] != "deleted"
    if path in moved:
        return moved[path] != "deleted"
    return before[path] != "created"


def _is_same(path: str, before: Snapshot, after: Snapshot) -> bool:
    """Whether a file that was different from its commit is as it was."""
    known = before.stamps.get(path)
    return known is not None and after.stamps.get(path) == known


def _as_before(late: Snapshot, at_ns: int) -> Snapshot:
    """A look that came too late, without what the command may have done by then."""
    early = {
        path: kind
        for path, kind in late.dirty.items()
        if (stamp := late.stamps[path]) is None or stamp[0] < at_ns
    }
    return late._replace(dirty=early, stamps={p: late.stamps[p] for p in early})


def _kind(was: bool, now: bool) -> str:
    if was and now:
        return "modified"
    return "deleted" if was else "created" if now else ""


def _stamp(path: str) -> Stamp:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _root_of(cwd: str) -> str:
    """The directory above with a ``.git`` in it; empty where there is none."""
    while cwd != "/":
        if os.path.lexists(f"{cwd}/.git"):
            return cwd
        cwd = os.path.dirname(cwd)  # noqa: PTH120 - pathlib is slow to load
    return ""


def _now_ns() -> int:
    return time.time_ns()  # noqa: TID251 - exec stands alone: nobody lends it a clock
