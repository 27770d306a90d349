"""Every session log under the roots, as the file system shows it now.

Events are hints; this is the truth. A deaf watcher costs at most one sweep's delay.
Paths are real paths: a root that is a symbolic link, or is named twice, gives each
log one name only. Nothing is opened but directories.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from errno import ENOENT, ENOTDIR, errorcode
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

_DIRECTORIES_BETWEEN_PAUSES = 64


class Seen(NamedTuple):
    """What tells one state of a file from another.

    The change time is in it because the modification time can be set back.
    """

    dev: int
    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int


class Problem(NamedTuple):
    """Something under the roots that could not be used.

    ``kind`` is one of ``root_missing``, ``unreadable`` (``error`` has the system's
    name for why), ``special_file`` (a FIFO, socket or device named like a log),
    ``linked_file``, ``link_outside`` and ``link_broken``. The path is hashed: this
    goes into logs and replies.
    """

    kind: str
    path_hash: str
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One look at everything.

    ``directories`` counts what a recursive watch of the roots has to cover: those
    that could be listed, without those behind symbolic links. ``unlisted`` holds the
    directories whose files may well exist still, though they are not in ``files``.
    """

    files: Mapping[str, Seen]
    roots: tuple[str, ...]
    directories: int
    linked_directories: int
    problems: tuple[Problem, ...]
    unlisted: tuple[str, ...]


class Changed(NamedTuple):
    """Paths to read again, and paths that are gone."""

    dirty: list[str]
    vanished: list[str]


def sweep(
    roots: Sequence[str],
    wanted: Callable[[str], bool],
    allowed: Sequence[str] = (),
    pause: Callable[[], None] = lambda: None,
) -> Sweep:
    """Look at every wanted regular file under ``roots``; never raises for a file.

    Args:
        roots: directories; missing ones are problems, not errors.
        wanted: whether a path relative to its root is a session log. Names that are
            not UTF-8 arrive with surrogate escapes.
        allowed: further directories that a symbolic link under a root may lead into.
        pause: called now and then, for a look at thousands of directories takes a while.
    """
    real = real_paths(roots)
    walk = _Walk(wanted, pause)
    for root in real:
        walk.root(root)
    walk.follow([*real, *real_paths(allowed)])
    return Sweep(
        files=walk.files,
        roots=tuple(real),
        directories=walk.directories,
        linked_directories=walk.linked_directories,
        problems=tuple(walk.problems),
        unlisted=tuple(walk.unlisted),
    )


def joined(sweeps: Sequence[Sweep]) -> Sweep:
    """Several looks as one; a log or a root that two of them saw is there once."""
    if len(sweeps) == 1:
        return sweeps[0]
    files: dict[str, Seen] = {}
    for found in sweeps:
        files.update(found.files)
    return Sweep(
        files=files,
        roots=tuple(dict.fromkeys(root for found in sweeps for root in found.roots)),
        directories=sum(found.directories for found in sweeps),
        linked_directories=sum(found.linked_directories for found in sweeps),
        problems=tuple(problem for found in sweeps for problem in found.problems),
        unlisted=tuple(place for found in sweeps for place in found.unlisted),
    )


def changed(
    before: Mapping[str, Seen],
    after: Mapping[str, Seen],
    unlisted: Collection[str] = (),
) -> Changed:
    """What differs between two sweeps; pure.

    Args:
        before: the files of the earlier sweep.
        after: the files of the later one.
        unlisted: the later sweep's ``unlisted``: what is under them has not vanished,
            it could not be looked at.
    """
    dirty = [path for path, seen in after.items() if before.get(path) != seen]
    gone = [path for path in before if path not in after]
    hidden = tuple(_under(directory) for directory in unlisted)
    return Changed(dirty, [path for path in gone if not path.startswith(hidden)])


def identify(path: str) -> tuple[int, int] | None:
    """Device and inode of what is at ``path``, links not followed; None: nothing is."""
    try:
        status = Path(path).lstat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def real_paths(paths: Iterable[str]) -> list[str]:
    """The paths with symbolic links resolved, each once, in the order given.

    A path that no file can have (a NUL in it) stays as it is: it will be missing. An
    empty one names no directory, and not the current one either.
    """
    return list(dict.fromkeys(_real_path(path) for path in paths if path))


def path_hash(path: str) -> str:
    """A name for a path that may be logged."""
    data = path.encode("utf-8", "surrogatepass")
    return blake2b(data, digest_size=6).hexdigest()


def _real_path(path: str) -> str:
    try:
        return os.path.realpath(path)
    except ValueError:
        return path


def _under(directory: str) -> str:
    return directory if directory.endswith("/") else directory + "/"


class _Link(NamedTuple):
    """A symbolic link to a directory, kept until all real directories are seen."""

    path: str
    relative_from: int


class _Walk:
    """The sweep while it goes on.

    Real directories first, links after them: what can be reached both ways is named
    by its real path whatever the order of the entries. ``_listed`` holds the
    ``(dev, ino)`` of each directory, so that loops, bind mounts and nested roots
    count once.
    """

    def __init__(
        self, wanted: Callable[[str], bool], pause: Callable[[], None]
    ) -> None:
        self.files: dict[str, Seen] = {}
        self.directories = 0
        self.linked_directories = 0
        self.problems: list[Problem] = []
        self.unlisted: list[str] = []
        self._wanted = wanted
        self._pause = pause
        self._links: list[_Link] = []
        self._listed: set[tuple[int, int]] = set()
        self._devices: dict[int, int] = {}

    def root(self, root: str) -> None:
        try:
            status = Path(root).stat()
        except (OSError, ValueError) as error:
            self._root_lost(root, error)
            return
        if stat.S_ISDIR(status.st_mode) and self._first_visit(status):
            self.directories += self._tree(root, len(_under(root)))
        elif not stat.S_ISDIR(status.st_mode):
            self._problem("root_missing", root, NotADirectoryError(ENOTDIR, ""))

    def follow(self, inside: Sequence[str]) -> None:
        """Into the links found so far, if they lead inside; not into links there."""
        links, self._links = self._links, []
        prefixes = tuple(map(_under, inside))
        for link in links:
            if not _under(_real_path(link.path)).startswith(prefixes):
                self._problem("link_outside", link.path)
                continue
            try:
                status = Path(link.path).stat()
            except OSError as error:
                self._problem("link_broken", link.path, error)
                continue
            if self._first_visit(status):
                self.linked_directories += self._tree(link.path, link.relative_from)

    def _tree(self, top: str, relative_from: int) -> int:
        """Walk without recursion, so that no depth of folders can break it."""
        listed = 0
        waiting = [top]
        while waiting:
            directory = waiting.pop()
            try:
                with os.scandir(directory) as found:
                    entries = list(found)
            except OSError as error:
                self._unlisted(directory, error)
                continue
            listed += 1
            if not listed % _DIRECTORIES_BETWEEN_PAUSES:
                self._pause()
            for entry in entries:
                try:
                    self._entry(entry, relative_from, waiting)
                except OSError as error:
                    self._problem("unreadable", entry.path, error)
        return listed

    def _entry(
        self, entry: os.DirEntry[str], relative_from: int, waiting: list[str]
    ) -> None:
        if entry.is_dir(follow_symlinks=False):
            if self._first_visit(entry.stat(follow_symlinks=False)):
                waiting.append(entry.path)
        elif entry.is_symlink():
            self._symlink(entry, relative_from)
        elif self._wanted(entry.path[relative_from:]):
            self._file(entry)

    def _file(self, entry: os.DirEntry[str]) -> None:
        status = entry.stat(follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode):
            self._problem("special_file", entry.path)
            return
        # Equal numbers share one object: a third less memory over 20,000 files.
        dev = self._devices.setdefault(status.st_dev, status.st_dev)
        mtime, ctime = status.st_mtime_ns, status.st_ctime_ns
        self.files[entry.path] = Seen(
            dev,
            status.st_ino,
            status.st_size,
            mtime,
            mtime if ctime == mtime else ctime,
        )

    def _symlink(self, entry: os.DirEntry[str], relative_from: int) -> None:
        try:
            mode = entry.stat().st_mode
        except OSError as error:
            self._problem("link_broken", entry.path, error)
            return
        if stat.S_ISDIR(mode):
            self._links.append(_Link(entry.path, relative_from))
        elif self._wanted(entry.path[relative_from:]):
            self._problem("linked_file", entry.path)

    def _first_visit(self, status: os.stat_result) -> bool:
        identity = (status.st_dev, status.st_ino)
        if identity in self._listed:
            return False
        self._listed.add(identity)
        return True

    def _root_lost(self, root: str, error: OSError | ValueError) -> None:
        if isinstance(error, OSError) and error.errno not in {ENOENT, ENOTDIR}:
            self._unlisted(root, error)
        else:
            self._problem("root_missing", root, error)

    def _unlisted(self, directory: str, error: OSError) -> None:
        if error.errno not in {ENOENT, ENOTDIR}:
            self.unlisted.append(directory)
            self._problem("unreadable", directory, error)

    def _problem(
        self, kind: str, path: str, error: OSError | ValueError | None = None
    ) -> None:
        if kind == "unreadable" and getattr(error, "errno", None) == ENOENT:
            return  # it vanished while it was looked at: nothing is wrong
        number = getattr(error, "errno", None)
        name = errorcode.get(number, "") if number is not None else ""
        self.problems.append(Problem(kind, path_hash(path), name))
