"""The project that a directory belongs to, by its path alone.

A worktree is part of the project it was made from. No path out of a log is ever looked
up on disk for this: on macOS that would ask the user for permission.
"""

from __future__ import annotations

import re
from functools import lru_cache

_WORKTREE = re.compile(
    r"^(?P<repo>.*?)/(?:\.claude/worktrees|\.worktrees|worktrees|workspaces|"
    r"\.superset/worktrees/[^/]+|\.vibe-kanban-workspaces|\.conductor)/[^/]+"
)
_CODEX = re.compile(r"/\.codex/worktrees/[^/]+/(?P<repo>[^/]+)")
"""Codex keeps its worktrees in a home of its own: only their name is the repository's."""
_SIBLING = re.compile(r"^(?P<repo>.+)-worktrees$")
_MAX = 120


@lru_cache(maxsize=4096)
def project_of(cwd: str) -> str:
    """The last name of the repository's path; empty where nothing is known."""
    path = cwd.replace("\\", "/").rstrip("/")
    if codex := _CODEX.search(path):
        return codex["repo"][:_MAX]
    inside = _WORKTREE.match(path)
    if inside:
        path = inside["repo"]
    parent, _, name = path.rpartition("/")
    sibling = _SIBLING.match(parent.rpartition("/")[2])
    if sibling:
        name = sibling["repo"]
    return name[:_MAX]
