"""Globs for branches and directories, arranged for many look-ups.

In a branch ``*`` stands for anything (``feature/*`` covers ``feature/a/b``, as people
expect of branch names). In a directory ``*`` stays within one component, ``**`` does
not, and a pattern covers the directories it names and all below. A pattern without
wildcards, the usual case, is found by a dictionary.
"""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from collections.abc import Iterator

_SLASHES = re.compile(r"/(?:\.?/)+")
_WILD = re.compile(r"[*?\[]")


class Branches:
    """Numbers filed under globs of branch names."""

    def __init__(self) -> None:
        self._plain: defaultdict[str, list[int]] = defaultdict(list)
        self._wild: list[tuple[re.Pattern[str], int]] = []

    def add(self, pattern: str, number: int) -> None:
        """File ``number`` under ``pattern``."""
        if _WILD.search(pattern):
            # fnmatch's patterns have atomic groups: no text makes them slow.
            self._wild.append((re.compile(fnmatch.translate(pattern)), number))
        else:
            self._plain[pattern].append(number)

    def matching(self, branch: str) -> Iterator[int]:
        """The numbers whose pattern matches the whole of ``branch``."""
        if not branch:
            return
        yield from self._plain.get(branch, ())
        for pattern, number in self._wild:
            if pattern.match(branch):
                yield number


class Directories:
    """Numbers filed under globs of directories."""

    def __init__(self) -> None:
        self._plain: defaultdict[str, list[int]] = defaultdict(list)
        self._wild: list[tuple[tuple[re.Pattern[str] | None, ...], int]] = []

    def __bool__(self) -> bool:
        return bool(self._plain or self._wild)

    def add(self, pattern: str, number: int) -> None:
        """File ``number`` under ``pattern``."""
        path = _posix(pattern)
        if not _WILD.search(path):
            self._plain[path].append(number)
            return
        parts = tuple(
            None if part == "**" else re.compile(fnmatch.translate(part))
            for part in path.split("/")
        )
        self._wild.append((parts, number))

    def covering(self, directory: str) -> Iterator[int]:
        """The numbers whose pattern names ``directory`` or one above it."""
        if not directory or not self:
            return
        path = _posix(directory)
        above: str = path
        while self._plain:
            yield from self._plain.get(above, ())
            if not above:
                break
            above = above.rpartition("/")[0]
        if self._wild:
            parts = path.split("/")
            for pattern, number in self._wild:
                if _covers(pattern, parts):
                    yield number


def _posix(path: str) -> str:
    """A POSIX or Windows path with single slashes and none at its end; root is empty."""
    if "\\" in path:
        path = path.replace("\\", "/")
    return _SLASHES.sub("/", path).rstrip("/")


def _covers(pattern: tuple[re.Pattern[str] | None, ...], parts: list[str]) -> bool:
    """Whether ``pattern`` matches ``parts`` or their beginning; ``None`` is ``**``.

    Only the last ``**`` has to be tried again, so the work is at most the product of
    the lengths.
    """
    at = here = retried = 0
    last_deep = -1
    while here < len(pattern):
        part = pattern[here]
        if part is None:
            last_deep, retried = here, at
        elif at < len(parts) and part.match(parts[at]):
            at += 1
        elif last_deep >= 0 and retried < len(parts):
            retried += 1
            at, here = retried, last_deep
        else:
            return False
        here += 1
    return True
