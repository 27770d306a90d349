"""``session-map.json`` as values: what others have put in, and what costd puts out.

Orchestrators write this file too, in two forms: issues at the top, or below ``issues``.
Whatever costd does not know is kept as it was. An entry of costd's own says so in
``source``; all others are somebody's word, and become claims.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from costd.core.attribution import role_of, valid_issue
from costd.core.instants import parse_instant

OWN = "costd"
_LONGEST_ID = 128
_KEPT = ("id", "startedAt", "endedAt", "type")
"""Fields of somebody else's entry that costd leaves as they are."""

Json = dict[str, Any]


class MalformedError(ValueError):
    """The file is no session map; its claims stand as they were."""


class Entry(NamedTuple):
    """Somebody else's entry: this session is for that issue, from then until then."""

    issue: str
    session_id: str
    role: str
    from_at: int | None
    until_at: int | None


class Parsed(NamedTuple):
    """Entries in the order in which they began, and what could not be used."""

    entries: list[Entry]
    refused: int
    reason: str


def parse(data: bytes, own: Collection[tuple[str, str]] = ()) -> Parsed:
    """Read somebody's words out of a session map.

    Args:
        data: the file.
        own: pairs of issue and session id that costd itself has written.

    Raises:
        MalformedError: it is not JSON, or no map of issues.
    """
    entries: list[Entry] = []
    refused, reason = 0, ""
    for issue, value in _issues(foreign(data)).items():
        owner = valid_issue(issue)
        for raw in _sessions(value):
            if is_own(owner or issue, raw, own):
                continue
            found = _entry(owner, raw)
            if isinstance(found, Entry):
                entries.append(found)
            else:
                refused, reason = refused + 1, reason or found
    entries.sort(key=lambda entry: (entry.from_at or 0, entry.until_at or 2**62))
    return Parsed(entries, refused, reason)


def decoded(data: bytes) -> Json:
    """The file as JSON.

    Raises:
        MalformedError: it is not JSON, or no object.
    """
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedError("it is not JSON") from None
    if not isinstance(value, dict):
        raise MalformedError("it is not a JSON object")
    return value


def foreign(data: bytes) -> Json:
    """The file without the issues in which nobody but costd has anything.

    Of thousands of those only one is in memory at a time.

    Raises:
        MalformedError: it is not JSON, or no object.
    """
    try:
        top = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        inner = _pieces(top["issues"]) if "issues" in top else None
        if inner is None or "sessions" in inner:
            return _foreign(top)
        return {
            name: _foreign(inner) if name == "issues" else msgspec.json.decode(raw)
            for name, raw in top.items()
        }
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise MalformedError("it is not a JSON object") from None


def _pieces(raw: msgspec.Raw) -> dict[str, msgspec.Raw] | None:
    """The values of an object, each as it stands; None of what is no object."""
    try:
        return msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        return None


def _foreign(pieces: Mapping[str, msgspec.Raw]) -> Json:
    return {
        name: value
        for name, raw in pieces.items()
        if not _is_ours(name, value := msgspec.json.decode(raw))
    }


def _is_ours(name: str, value: object) -> bool:
    """Whether costd would write this anew, had it not been there."""
    if not isinstance(value, dict) or _others(value) or valid_issue(name) != name:
        return False
    sessions = value.get("sessions")
    return isinstance(sessions, list) and all(is_own(name, s, ()) for s in sessions)


def is_own(issue: str, raw: object, own: Collection[tuple[str, str]]) -> bool:
    """Whether costd has written an entry."""
    if not isinstance(raw, dict):
        return False
    return raw.get("source") == OWN or (issue, raw.get("id")) in own


def own_pairs(value: Json) -> Iterator[tuple[str, str]]:
    """The pairs of issue and session id whose entries are costd's own."""
    for name, entry in _issues(value).items():
        issue = valid_issue(name) or name
        for raw in entry["sessions"] if isinstance(entry, dict) else ():
            if isinstance(raw, dict) and raw.get("source") == OWN:
                yield issue, str(raw.get("id"))


def _issues(value: Json) -> Json:
    """The issues of either form; at the top, what has no sessions is no issue."""
    inner = value.get("issues")
    if isinstance(inner, dict) and "sessions" not in inner:
        return inner
    return {
        name: entry
        for name, entry in value.items()
        if isinstance(entry, dict) and "sessions" in entry
    }


def _sessions(value: object) -> Iterator[object]:
    sessions = value.get("sessions") if isinstance(value, dict) else None
    if not isinstance(sessions, list):
        raise MalformedError("the sessions of an issue are no list")
    yield from sessions


def _entry(owner: str | None, raw: object) -> Entry | str:
    """An entry, or why it is none."""
    if not isinstance(raw, dict):
        return "an entry is no object"
    session_id = raw.get("id")
    if not isinstance(session_id, str) or not session_id.isprintable():
        return "an entry has no id"
    if not 0 < len(session_id.strip()) <= _LONGEST_ID:
        return "an entry has no id"
    if owner is None:
        return "the name of an issue is none"
    times: list[int | None] = []
    for name in ("startedAt", "endedAt"):
        value = raw.get(name)
        at = parse_instant(value) if isinstance(value, str) else None
        if value is not None and at is None:
            return f"{name} is no time"
        times.append(at)
    kind = raw.get("type")
    role = role_of(kind) if isinstance(kind, str) else ""
    return Entry(owner, session_id, role, *times)


class Owned(NamedTuple):
    """What costd says of an issue: its sessions, and the sums over them."""

    sessions: list[Json]
    cost: float | None
    tokens: int


def united(maps: Sequence[Json]) -> Json | None:
    """The first map with what others have put into the following ones."""
    if not maps:
        return None
    first = maps[0]
    for other in maps[1:]:
        first = _with_entries(first, other)
    return first


def _with_entries(base: Json, other: Json) -> Json:
    inner = base.get("issues")
    is_wrapped = isinstance(inner, dict) and "sessions" not in inner
    place = dict(inner) if is_wrapped and isinstance(inner, dict) else dict(base)
    for issue, value in _issues(other).items():
        there = place.get(issue, {"sessions": []})
        if not isinstance(there, dict):
            continue
        sessions = [*_sessions({"sessions": [], **there})]
        known = {raw.get("id") for raw in sessions if isinstance(raw, dict)}
        fresh = [
            raw
            for raw in _sessions(value)
            if not is_own(issue, raw, ())
            and not (isinstance(raw, dict) and raw.get("id") in known)
        ]
        if fresh:
            place[issue] = {**value, **there, "sessions": [*sessions, *fresh]}
    return {**base, "issues": place} if is_wrapped else place


def merged(
    found: Json | None,
    issues: Mapping[str, Owned],
    published: Collection[tuple[str, str]],
    gone: Collection[tuple[str, str]],
) -> Json:
    """The file as it should be: costd's entries, and everybody else's untouched.

    Args:
        found: what is in the file now; None where there is none.
        issues: what costd says, by issue.
        published: pairs of issue and session id that costd has written before.
        gone: pairs that somebody has taken back: they are left out.
    """
    top = dict(found or {})
    inner = top.get("issues")
    is_wrapped = isinstance(inner, dict) and "sessions" not in inner
    place = dict(inner) if is_wrapped and isinstance(inner, dict) else top
    names = {valid_issue(name) or name: name for name in _issues(found or {})}
    for issue in {**names, **issues}:
        name = names.get(issue, issue)
        value = place.get(name, {})
        if not isinstance(value, dict):
            continue  # somebody uses the name for something else
        owned = issues.get(issue, Owned([], None, 0))
        sessions = _together(issue, value.get("sessions"), owned, published, gone)
        if not sessions and issue not in issues and not _others(value):
            place.pop(name, None)
            continue
        figures = {"totalCost": owned.cost, "totalTokens": owned.tokens}
        place[name] = {**value, "sessions": sessions, **figures}
    return {**top, "issues": place} if is_wrapped else place


def _others(value: Json) -> bool:
    """Whether an issue holds anything beside what costd writes."""
    return bool(value.keys() - {"sessions", "totalCost", "totalTokens"})


def _together(
    issue: str,
    there: object,
    owned: Owned,
    published: Collection[tuple[str, str]],
    gone: Collection[tuple[str, str]],
) -> list[Any]:
    """Others' entries with costd's figures, then costd's own."""
    mine = {entry["id"]: entry for entry in owned.sessions}
    kept: list[Any] = []
    for raw in there if isinstance(there, list) else []:
        name = raw.get("id") if isinstance(raw, dict) else None
        if is_own(issue, raw, published) or (issue, name) in gone:
            continue
        figures = mine.pop(name, None) if isinstance(name, str) else None
        kept.append(raw if figures is None else _with_figures(raw, figures))
    return [*kept, *(entry for entry in owned.sessions if entry["id"] in mine)]


def _with_figures(raw: Json, figures: Json) -> Json:
    """Somebody's entry with what costd knows of the session."""
    ours = {k: v for k, v in figures.items() if k not in (*_KEPT, "source")}
    return {**raw, **ours}
