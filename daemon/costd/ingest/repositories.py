"""Repositories as they lie on disk: their name, their branches, the keys they use.

Only a few small files below ``.git`` are read, never more than a bound; git is not
run for it (``ingest.commits`` runs it). On macOS nothing is looked at: a path out of a log could make the system ask
the user for permission.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from costd.core.attribution import from_history, promoted
from costd.ingest.small import read_small

MAY_LOOK = sys.platform != "darwin"

_DEEPEST = 64
_MOST_CONFIG = 256 * 1024
_MOST_REFS = 4 * 1024 * 1024
_MOST_HISTORY = 512 * 1024
_MOST_BRANCHES = 20_000
_MOST_WORKTREES = 50

_REMOTE = re.compile(r'\[remote "([^"\]]+)"\]')
_URL = re.compile(r"\s*url\s*=\s*(\S+)\s*")
_SCP = re.compile(r"(?:[^@/\s]+@)?[A-Za-z0-9.-]{2,}:(?!//)(.+)")
_ADDRESS = re.compile(r"(?:https?|ssh|git|git\+ssh)://(?:[^@/\s]+@)?[^/\s]+/(.+)")
_PATH = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+){1,4}")
_HEAD = re.compile(r"ref: refs/remotes/[^/\s]+/(\S+)")
_REF = re.compile(r"refs/(?:heads|remotes/[^/\s]+)/(\S+)")
_SUBJECT = re.compile(r"(?:commit|rebase|cherry-pick|merge|am|pull)\b[^:]*: (.+)")
_PREFIX = re.compile(
    r"""issue[-_]prefix["']?\s*:\s*["']?([a-z][a-z0-9]{0,15})["']?\s*"""
)
_BEAD = re.compile(r'"id"\s*:\s*"([a-z][a-z0-9]{0,15})-[a-z0-9.]+"')
_HOMES = re.compile(r"/(?:(?:home|Users)/[^/]+|root)?/?")


class Found(NamedTuple):
    """What is known of a repository; ``root`` is its main worktree's directory."""

    root: str
    name: str = ""
    default_branch: str = ""
    keys: frozenset[str] = frozenset()
    beads: str = ""


class Where(NamedTuple):
    """Where a directory lies; ``is_repo`` None: it is gone, so nobody can tell."""

    path: str
    repository: Found | None
    is_repo: bool | None


class Repositories:
    """Looks directories up; a repository is read once in a while.

    Args:
        fresh_ms: for so long what was read is believed.
    """

    def __init__(self, fresh_ms: int) -> None:
        self._fresh_ms = fresh_ms
        self._read: dict[Path, tuple[int, Found]] = {}

    def where(self, path: str, now: int) -> Where:
        """Where a directory lies. May take as long as its file system takes.

        Args:
            path: the directory, as a log names it.
            now: milliseconds since the epoch.
        """
        if not MAY_LOOK or not path.startswith("/") or "\0" in path:
            return Where(path, None, None)
        is_there = _is(Path(path), Path.is_dir)
        place = _git_above(Path(os.path.normpath(path)))
        if place is None or (not is_there and _HOMES.fullmatch(str(place[0]))):
            return Where(path, None, False if is_there else None)
        root, common = place
        known = self._read.get(common)
        if known is None or not 0 <= now - known[0] < self._fresh_ms:
            known = self._read[common] = (now, read(root, common))
        return Where(path, known[1], is_repo=True)


def _is(path: Path, kind: Callable[[Path], bool]) -> bool:
    """What a path is; what may not be looked at is nothing."""
    try:
        return kind(path)
    except (OSError, ValueError):
        return False


def _git_above(path: Path) -> tuple[Path, Path] | None:
    """The main worktree and the common directory of the repository around a path."""
    for here in [path, *path.parents][:_DEEPEST]:
        common = _common_of(here / ".git")
        if common is not None:
            return _root_of(common, here), common
    return None


def _common_of(git: Path) -> Path | None:
    """Where a ``.git`` leads: the directory that all worktrees share, if to any."""
    folder = git
    if not _is(git, Path.is_dir):
        pointer = _text(git, 4096).strip()
        if not pointer.startswith("gitdir:"):
            return None
        aim = pointer.removeprefix("gitdir:").strip()
        folder = Path(os.path.normpath(git.parent / aim))
    shared = _text(folder / "commondir", 4096).strip()
    if shared:
        folder = Path(os.path.normpath(folder / shared))
    return folder if _is(folder / "HEAD", Path.is_file) else None


def common_of(root: str) -> Path | None:
    """The ``.git`` directory of the repository whose main worktree is ``root``.

    None where there is none any more, and where nothing may be looked at.
    """
    if not MAY_LOOK or not root.startswith("/") or "\0" in root:
        return None
    top = Path(root)
    for git in (top / ".git", top / ".bare"):
        if (common := _common_of(git)) is not None:
            return common
    bare = top.with_name(f"{top.name}.git")
    return bare if _is(bare / "HEAD", Path.is_file) else None


def _root_of(common: Path, worktree: Path) -> Path:
    """The main worktree; a submodule is a repository of its own."""
    if ".git" in common.parts[:-1]:
        return worktree
    if common.name in (".git", ".bare"):
        return common.parent
    return common.with_suffix("") if common.suffix == ".git" else common


def read(root: Path, common: Path) -> Found:
    """Read what a repository says of itself.

    Args:
        root: the directory of its main worktree.
        common: its ``.git`` directory.
    """
    keys = from_history(_subjects(common)) | promoted(_branches(common))
    return Found(
        str(root),
        _name(_text(common / "config", _MOST_CONFIG)),
        _default_branch(common),
        keys,
        _beads(root),
    )


def _name(config: str) -> str:
    """``owner/name`` by the remote called origin, else by the first one."""
    urls: dict[str, str] = {}
    remote = ""
    for line in config.splitlines():
        stripped = line.strip()
        if stripped.startswith("["):
            found = _REMOTE.match(stripped)
            remote = found[1] if found else ""
        elif remote and (found := _URL.fullmatch(line)):
            urls.setdefault(remote, found[1])
    if not urls:
        return ""
    return name_of(urls.get("origin") or next(iter(urls.values())))


def name_of(url: str) -> str:
    """The path of a remote's address without ``.git``; empty for a local one."""
    found = _ADDRESS.fullmatch(url) or _SCP.fullmatch(url)
    if not found:
        return ""
    path = found[1].strip("/").removesuffix(".git")
    return path if _PATH.fullmatch(path) and ".." not in path.split("/") else ""


def _default_branch(common: Path) -> str:
    found = _HEAD.match(_text(common / "refs/remotes/origin/HEAD", 4096))
    return found[1] if found else ""


def _branches(common: Path) -> Iterator[str]:
    """Branches, packed and loose; at most so many."""
    count = 0
    for line in _text(common / "packed-refs", _MOST_REFS).splitlines():
        if found := _REF.search(line):
            yield found[1]
            count += 1
            if count >= _MOST_BRANCHES:
                return
    for top in ("heads", "remotes"):
        base = f"{common}/refs/{top}"
        for folder, _, names in os.walk(base):
            inside = folder[len(base) + 1 :]
            if top == "remotes":
                inside = inside.partition("/")[2]
            for name in names:
                yield f"{inside}/{name}".lstrip("/")
            count += len(names)
            if count >= _MOST_BRANCHES:
                return


def _subjects(common: Path) -> Iterator[str]:
    """Subjects of commits that were made here, by the logs of HEAD; none is kept."""
    logs = [common / "logs/HEAD"]
    with suppress(OSError):
        trees = sorted((common / "worktrees").iterdir())[:_MOST_WORKTREES]
        logs += [tree / "logs/HEAD" for tree in trees]
    for log in logs:
        for line in _text(log, _MOST_HISTORY, tail=True).splitlines():
            found = _SUBJECT.fullmatch(line.partition("\t")[2])
            if found:
                yield found[1]


def _beads(root: Path) -> str:
    """The prefix of the ids of its beads, where it has any."""
    found = _PREFIX.search(_text(root / ".beads/config.yaml", _MOST_CONFIG))
    if not found:
        first = _text(root / ".beads/issues.jsonl", 4096, tail=True)
        found = _BEAD.search(first)
    return found[1] if found else ""


def _text(path: Path, most: int, *, tail: bool = False) -> str:
    data = read_small(str(path), most, tail=tail)
    return "" if data is None else data.decode("utf-8", "replace")
