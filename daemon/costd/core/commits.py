"""Commits as they travel: what is asked of a repository, and what was made there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Commit(NamedTuple):
    """A commit, made at an instant in milliseconds, with the ids of issues it names."""

    branch: str
    sha: str
    at: int
    names: tuple[str, ...]


class Position(NamedTuple):
    """How far a log of a repository is read: the entry of ``sha`` ends at ``offset``."""

    log: str
    offset: int
    sha: str


class Wanted(NamedTuple):
    """A repository whose commits might decide something, and how far they are known."""

    root: str
    beads: str
    branches: frozenset[str]
    positions: Mapping[str, Position]


class Commits(NamedTuple):
    """What is new in a repository; ``gone`` are commits that were amended since."""

    root: str
    made: tuple[Commit, ...]
    gone: tuple[str, ...]
    positions: tuple[Position, ...]
