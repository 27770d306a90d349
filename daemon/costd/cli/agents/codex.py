"""Which sessions a ``codex`` runs: by its arguments, and by the rollouts that it begins."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

_MOST_BYTES = 1 << 20
"""The first line holds the whole system prompt."""
_ID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_LEVELS = 3
"""Year, month, day, in local time."""
_NEWEST = 2
"""A new day, month or year may begin while the command runs."""
_PREFIX = "rollout-"


def named(command: list[str]) -> str:
    """The session that a ``codex`` is told to resume; empty when it is none."""
    if os.path.basename(command[0]) != "codex":  # noqa: PTH119 - pathlib is slow to load
        return ""
    for word, value in pairwise(command):
        if word == "resume" and _ID.fullmatch(value):
            return value.lower()
    return ""


def rollouts(environ: Mapping[str, str]) -> dict[str, str]:
    """The rollouts of the newest days, by their names, which are unique."""
    home = environ.get("CODEX_HOME") or f"{environ.get('HOME', '')}/.codex"
    return {
        entry.name: entry.path
        for folder in _days(f"{home}/sessions", _LEVELS)
        for entry in _listed(folder)
        if entry.name.startswith(_PREFIX) and entry.name.endswith(".jsonl")
    }


def is_rollout(path: str) -> bool:
    """Whether a log is Codex's, by its name."""
    return os.path.basename(path).startswith(_PREFIX)  # noqa: PTH119 - as said above


def begun_in(path: str, cwd: str) -> str:
    """The session that a rollout began in ``cwd``; of a subagent, that is its root's."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - as said above
            line = file.readline(_MOST_BYTES)
        meta = json.loads(line)["payload"]
        if meta["cwd"] != cwd:
            return ""
        is_agent = meta.get("thread_source") not in {None, "user"}
        is_agent = is_agent or isinstance(meta.get("source"), dict)
        session = meta.get("session_id") if is_agent else meta["id"]
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return ""
    return session if isinstance(session, str) else ""


def _days(folder: str, levels: int) -> Iterator[str]:
    """The newest folders so many levels below."""
    if not levels:
        yield folder
        return
    names = sorted(entry.name for entry in _listed(folder) if entry.name.isdigit())
    for name in names[-_NEWEST:]:
        yield from _days(f"{folder}/{name}", levels - 1)


def _listed(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
