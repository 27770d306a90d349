"""The agent's own registry of running processes: ``sessions/<pid>.json``.

Where the platform has ``/proc``, the environment of such a process tells what it was
started for; of that only the variables that name an owner are looked at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from costd.ingest.small import read_small

_MAX_BYTES = 64 * 1024
_MAX_FILES = 2_000
_MAX_ENVIRONMENT = 2 * 1024 * 1024
_START_FIELD = 19
"""Of ``/proc/<pid>/stat``, counted from the field after the command's name."""


class _Entry(msgspec.Struct):
    pid: int
    sessionId: str  # noqa: N815 - the registry's own name
    cwd: object = None


class Process(NamedTuple):
    """A process, the session that it runs, and its directory or nothing."""

    pid: int
    session_id: str
    cwd: str


_decode = msgspec.json.Decoder(_Entry).decode


def running(roots: Iterable[str]) -> list[Process]:
    """The processes that are alive, by the registries beside these roots.

    An entry that cannot be read is no evidence; the log decides alone then.
    """
    return [
        Process(entry.pid, entry.sessionId, str(entry.cwd or ""))
        for root in roots
        for entry in _entries(Path(root).parent / "sessions")
        if is_alive(entry.pid)
    ]


def session_of_process(roots: Iterable[str], pid: int) -> str | None:
    """The session that a process runs, if a registry knows it."""
    for root in roots:
        for entry in _entries(Path(root).parent / "sessions", f"{pid}.json"):
            if entry.pid == pid:
                return entry.sessionId
    return None


def _entries(folder: Path, name: str = "") -> Iterator[_Entry]:
    try:
        names = [name] if name else [p.name for p in folder.iterdir()][:_MAX_FILES]
    except OSError:
        return
    for each in names:
        if not each.endswith(".json"):
            continue
        data = read_small(str(folder / each), _MAX_BYTES)
        if data is None:
            continue
        try:
            yield _decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue


def is_alive(pid: int) -> bool:
    """Whether there is a process with that id now."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # somebody else's, but alive
    return True


def environment_of(pid: int) -> dict[str, str]:
    """The environment that a process was started with; empty where it cannot be seen."""
    data = read_small(f"/proc/{pid}/environ", _MAX_ENVIRONMENT) or b""
    found: dict[str, str] = {}
    for pair in data.split(b"\0"):
        name, equals, value = pair.partition(b"=")
        if equals:
            found[name.decode("utf-8", "replace")] = value.decode("utf-8", "replace")
    return found


def is_hidden(pid: int) -> bool:
    """Whether a process is there whose environment may not be read.

    That of one's own can, but not from within a user namespace, as that of the unit.
    """
    try:
        os.close(os.open(f"/proc/{pid}/environ", os.O_RDONLY | os.O_CLOEXEC))
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def have_hook(roots: Iterable[str]) -> bool:
    """Whether the agent's settings beside these roots call a hook of costd's."""
    texts = (
        read_small(str(Path(root).parent / "settings.json"), _MAX_ENVIRONMENT)
        for root in roots
    )
    return any(re.search(rb"costd\W{0,3} hook\b", text or b"") for text in texts)


def started_at(pid: int) -> int | None:
    """When a process was started, milliseconds; None where the platform does not say."""
    status = read_small(f"/proc/{pid}/stat", _MAX_BYTES)
    system = read_small("/proc/stat", _MAX_ENVIRONMENT)
    if status is None or system is None:
        return None
    try:
        # The command's name stands in parentheses and may hold anything.
        ticks = int(status.rpartition(b")")[2].split()[_START_FIELD])
        line = next(x for x in system.splitlines() if x.startswith(b"btime "))
        return int(line.split()[1]) * 1000 + ticks * 1000 // os.sysconf("SC_CLK_TCK")
    except (ValueError, IndexError, StopIteration, OSError):
        return None
