"""Where the agents write their session logs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from costd.config.model import ClaudeSettings, CodexSettings


def claude_roots(
    settings: ClaudeSettings, environ: Mapping[str, str], home: Path
) -> tuple[Path, ...]:
    """The directories to watch, existing or not, each once.

    The configured ``roots``, or else Claude Code's own places, and then the
    ``extra_roots``. Two names of one directory are one; links in them stay, because
    they may lead elsewhere tomorrow: whoever looks resolves them then.
    """
    roots = settings.roots
    if roots is None:
        roots = default_claude_roots(environ, home)
    return _each_once((*roots, *settings.extra_roots))


def codex_roots(
    settings: CodexSettings, environ: Mapping[str, str], home: Path
) -> tuple[Path, ...]:
    """As ``claude_roots``, for Codex."""
    roots = settings.roots
    if roots is None:
        roots = default_codex_roots(environ, home)
    return _each_once((*roots, *settings.extra_roots))


def default_claude_roots(environ: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Claude Code's own places: the present one, the moved one, the one of 1.0.30.

    All are read: a variable set today does not take back what was written before it.
    """
    config_home = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    roots = [home / ".claude" / "projects", config_home / "claude" / "projects"]
    moved = environ.get("CLAUDE_CONFIG_DIR")
    if moved:
        roots.insert(1, _expanded(moved, home) / "projects")
    return tuple(roots)


def default_codex_roots(environ: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Codex's own places: threads, and those that were archived.

    ``$CODEX_HOME`` is read beside ``~/.codex``, for the same reason.
    """
    homes = [home / ".codex"]
    moved = environ.get("CODEX_HOME")
    if moved:
        homes.append(_expanded(moved, home))
    return tuple(
        place / name for place in homes for name in ("sessions", "archived_sessions")
    )


def _each_once(roots: tuple[Path, ...]) -> tuple[Path, ...]:
    first: dict[str, Path] = {}
    for root in roots:
        first.setdefault(os.path.realpath(root), root)
    return tuple(first.values())


def _expanded(text: str, home: Path) -> Path:
    # What a relative CLAUDE_CONFIG_DIR or CODEX_HOME means depends on the directory
    # in which the agent was started, which is not ours: the home is the best guess.
    if text == "~" or text.startswith("~/"):
        return home / text[2:]
    return home / text
