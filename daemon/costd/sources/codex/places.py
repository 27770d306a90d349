"""Which files are Codex's rollouts, and which thread they hold, by path alone."""

from __future__ import annotations

import re

_THREAD = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII
)


def is_rollout(path: str) -> bool:
    """Whether the file at ``path`` (relative to a root) holds a thread.

    Cold rollouts are compressed; what Codex is just writing has another ending.
    """
    return path.endswith((".jsonl", ".jsonl.zst"))


def thread_of(path: str) -> str:
    """The thread of a rollout whose lines do not name it.

    ``rollout-<local time>-<thread>[_<rollout>].jsonl`` names it; any other file is a
    thread of its own.
    """
    name = path.rpartition("/")[2].removesuffix(".zst").removesuffix(".jsonl")
    found = _THREAD.search(name) if name.startswith("rollout-") else None
    return found[0].lower() if found else name
