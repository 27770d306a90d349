"""The agent's own registry of running processes: ``sessions/<pid>.json``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

_MAX_BYTES = 64 * 1024
_MAX_FILES = 2_000


class _Entry(msgspec.Struct):
    pid: int
    sessionId: str  # noqa: N815 - the registry's own name


_decode = msgspec.json.Decoder(_Entry).decode


def running_sessions(roots: Iterable[str]) -> frozenset[str]:
    """The sessions whose process is alive, by the registries beside these roots.

    An entry that cannot be read is no evidence; the log decides alone then.
    """
    return frozenset(
        entry.sessionId
        for root in roots
        for entry in _entries(Path(root).parent / "sessions")
        if _is_alive(entry.pid)
    )


def session_of_process(roots: Iterable[str], pid: int) -> str | None:
    """The session that a process runs, if a registry knows it."""
    for root in roots:
        for entry in _entries(Path(root).parent / "sessions", f"{pid}.json"):
            if entry.pid == pid:
                return entry.sessionId
    return None


def _entries(folder: Path, name: str = "") -> Iterable[_Entry]:
    try:
        names = [name] if name else [p.name for p in folder.iterdir()][:_MAX_FILES]
    except OSError:
        return
    for each in names:
        if not each.endswith(".json"):
            continue
        try:
            with (folder / each).open("rb") as file:
                yield _decode(file.read(_MAX_BYTES))
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            continue


def _is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # somebody else's, but alive
    return True
