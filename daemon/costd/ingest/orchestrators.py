"""What orchestrators write down of the agents they start: whose session is whose.

Read are Overdeck's and Panopticon's ``agents/<id>/`` and Gas Town's ``costs.jsonl``.
A session is matched by its own id and never by the directory it ran in: that was used
for other issues before, and will be again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from costd.core.attribution import role_of, valid_issue
from costd.ingest.small import read_small

_MOST_AGENTS = 5_000
_MOST_STATE = 256 * 1024
_MOST_COSTS = 8 * 1024 * 1024
_LONGEST_ID = 128
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_STATES = ("state.json", "sessions.json", "session.id", "runtime.json")

_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Said(NamedTuple):
    """An orchestrator's record: this session is for that issue, in that role."""

    session_id: str
    issue: str
    role: str
    source: str


class Orchestrators:
    """Reads the records that changed since it last looked.

    Args:
        home: the user's home directory.
        environ: says where the orchestrators' own directories are, if elsewhere.
    """

    def __init__(self, home: Path, environ: Mapping[str, str]) -> None:
        self._agents = [
            (name, Path(environ.get(f"{name.upper()}_HOME") or home / f".{name}"))
            for name in ("panopticon", "overdeck")
        ]
        self._costs = Path(environ.get("GT_HOME") or home) / ".gt" / "costs.jsonl"
        self._seen: dict[str, tuple[int, ...]] = {}

    @property
    def session_maps(self) -> list[Path]:
        """Where these orchestrators keep a ``session-map.json`` of their own."""
        return [folder / "session-map.json" for _, folder in self._agents]

    def forget(self) -> None:
        """Everything is new again."""
        self._seen = {}

    def look(self) -> list[Said]:
        """What is new, the older records first."""
        found: list[Said] = []
        seen: dict[str, tuple[int, ...]] = {}
        for name, folder in self._agents:
            for agent in _folders(folder / "agents"):
                stamp = _stamp(agent / state for state in _STATES)
                seen[str(agent)] = stamp
                if self._seen.get(str(agent)) != stamp:
                    found.extend(_agent(agent, name))
        stamp = _stamp([self._costs])
        seen[str(self._costs)] = stamp
        if self._seen.get(str(self._costs)) != stamp:
            found.extend(_costs(self._costs))
        self._seen = seen
        return found


def _folders(agents: Path) -> list[Path]:
    try:
        with os.scandir(agents) as entries:
            found = [Path(e.path) for e in entries if e.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return sorted(found)[:_MOST_AGENTS]


def _stamp(paths: Iterator[Path] | list[Path]) -> tuple[int, ...]:
    """Changes when one of the files does."""
    stamp: list[int] = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            stamp += [0, 0]
        else:
            stamp += [status.st_mtime_ns, status.st_size]
    return tuple(stamp)


def _agent(folder: Path, source: str) -> list[Said]:
    """The sessions of one agent."""
    state = _json(folder / "state.json")
    if not isinstance(state, dict):
        return []
    issue = valid_issue(_word(state.get("issueId")))
    if issue is None:
        return []
    role = role_of(_word(state.get("reviewSubRole"))) or role_of(
        _word(state.get("role")) or _word(state.get("phase")) or folder.name
    )
    sessions = dict.fromkeys(
        [
            *_listed(_json(folder / "sessions.json")),
            *_listed(_json(folder / "runtime.json")),
            *_listed(state),
            _raw(folder / "session.id"),
        ]
    )
    return [Said(name, issue, role, source) for name in sessions if name]


def _listed(value: Any) -> Iterator[str]:
    """The session ids in a list of ids or of objects, or in one object."""
    if isinstance(value, list):
        for item in value:
            yield from [_word(item)] if isinstance(item, str) else _listed(item)
    elif isinstance(value, dict):
        for name in ("id", "sessionId", "claudeSessionId"):
            word = _word(value.get(name))
            if _UUID.fullmatch(word):
                yield word
        if isinstance(value.get("sessions"), list):
            yield from _listed(value["sessions"])


def _costs(path: Path) -> list[Said]:
    """Gas Town's log of costs: a session, its role and the bead it worked on."""
    data = read_small(str(path), _MOST_COSTS, tail=True) or b""
    found: list[Said] = []
    for line in data.splitlines():
        try:
            entry = msgspec.json.decode(line)
        except _BROKEN:
            continue
        if not isinstance(entry, dict):
            continue
        session, bead = _word(entry.get("session_id")), _word(entry.get("work_item"))
        issue = valid_issue(bead) if bead else None
        if issue is not None and _UUID.fullmatch(session):
            role = role_of(_word(entry.get("role")))
            found.append(Said(session, issue, role, "gastown"))
    return found


def _json(path: Path) -> Any:
    data = read_small(str(path), _MOST_STATE)
    if data is None:
        return None
    try:
        return msgspec.json.decode(data)
    except _BROKEN:
        return None


def _raw(path: Path) -> str:
    data = read_small(str(path), _LONGEST_ID) or b""
    return _word(data.decode("utf-8", "replace").strip())


def _word(value: object) -> str:
    """A short printable text, or nothing."""
    if not isinstance(value, str) or len(value) > _LONGEST_ID:
        return ""
    return value if value.isprintable() else ""
