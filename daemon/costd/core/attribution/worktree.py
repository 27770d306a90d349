"""Which part of a directory is the name of a worktree (rule 5).

Orchestrators put one worktree per task under a folder with a known name and call it
like the branch. The record's real ``cwd`` is read, never the agent's slug of it.
"""

from __future__ import annotations

import re

from costd.core.attribution.words import TYPES

CONFIDENCE = 90

_MARKERS = frozenset(
    {
        "workspaces",
        "worktrees",
        ".worktrees",
        "polecats",
        "symphony_workspaces",
        ".trees",
    }
)
_OPAQUE_HOSTS = frozenset({"vibe-kanban", ".codex", "conductor", ".conductor"})
"""Below these stand random names, slugs or the repository's own name."""
_TWO_LEVELS = frozenset({".superset"})
_SQUAD_SUFFIX = re.compile(r"_[0-9a-f]{8,}$")
_HINTS = ("work", "polecats", ".trees")


def worktree_names(cwd: str) -> tuple[str, ...]:
    """Names of the worktrees that ``cwd`` lies in, the innermost first.

    ``/p/workspaces/feature-min-123/src`` gives ``feature-min-123``. A bare number is a
    slot, not an issue, and is left out.
    """
    if not any(hint in cwd for hint in _HINTS):
        return ()
    parts = cwd.replace("\\", "/").split("/")
    names = []
    for index in range(len(parts) - 2, -1, -1):
        name = _name_below(parts, index)
        if name and not name.isdigit():
            names.append(name)
    return tuple(names)


def _name_below(parts: list[str], index: int) -> str:
    """The name after the marker at ``index``; empty when there is none."""
    marker = parts[index]
    if marker not in _MARKERS and not marker.endswith("-worktrees"):
        return ""
    host = parts[index - 1] if index else ""
    if host in _OPAQUE_HOSTS:
        return ""
    below = parts[index + 2 :] if host in _TWO_LEVELS else parts[index + 1 :]
    if not below:
        return ""
    if host == ".claude-squad":
        levels = 1 if _SQUAD_SUFFIX.search(below[0]) else 2
        return _SQUAD_SUFFIX.sub("", "/".join(below[:levels]))
    # A branch called feature/min-123 makes two directories of it.
    levels = 2 if below[0].upper() in TYPES else 1
    return "/".join(below[:levels])
