"""The tracker keys in what a tracker exports: CSV, JSON or JSON lines.

Jira, Linear and YouTrack each have their own names for an issue's id; only fields with
such a name are looked at, and of their values only the key before the number is taken.
Titles, descriptions and comments often hold ids of something else.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator

from costd.core.errors import UsageError

LONGEST_KEY = 32

_ID = re.compile(r"([A-Za-z][A-Za-z0-9_]{0,31})-[1-9]\d*", re.ASCII)
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}", re.ASCII)
_IDS = frozenset("issuekey issueid identifier idreadable readableid issue".split())
"""Fields that hold an issue's id: Jira's, YouTrack's, Linear's, YouTrack's in JSON."""
_UPPER_IDS = frozenset(("key", "id"))
"""So is much else named: only what is in upper case counts."""
_KEYS = frozenset("projectkey teamkey shortname projectshortname".split())
"""Fields that hold a project's key, without a number."""
_HOLDERS = frozenset("project projects team teams".split())
"""A ``key`` inside of these is a project's too."""
_PERSON = frozenset("displayname emailaddress accountid email".split())
_DELIMITERS = ",;\t"
_HOW = (
    "Export issues as CSV or JSON: Jira's `Issue key`, Linear's `ID`, YouTrack's "
    "`Issue Id` is what is read."
)


def keys_in_export(text: str) -> frozenset[str]:
    """The keys that an export holds, in upper case.

    Raises:
        UsageError: it is no export, or no issue is in it. Nothing of it is quoted.
    """
    text = text.lstrip("\ufeff \t\r\n")
    if not text:
        raise UsageError("The file is empty.", _HOW)
    found = frozenset(_from_json(text) if text[0] in "[{" else _from_csv(text))
    if not found:
        raise UsageError("No issue's id is in the file.", _HOW)
    return found


def _from_csv(text: str) -> Iterator[str]:
    csv.field_size_limit(max(len(text), 1 << 17))  # a description may be long
    try:
        delimiter, columns = _columns(text.partition("\n")[0])
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        next(rows)
        for row in rows:
            for number, name in columns:
                if number < len(row):
                    yield from _key(name, row[number].strip())
    except csv.Error:
        raise UsageError("The file is no CSV that can be read.", _HOW) from None


def _columns(header: str) -> tuple[str, list[tuple[int, str]]]:
    """What stands between columns, and those with ids: their numbers and names."""
    for delimiter in _DELIMITERS:
        names = map(_plain, next(csv.reader([header], delimiter=delimiter)))
        columns = [(n, name) for n, name in enumerate(names) if _is_told(name)]
        if columns:
            return delimiter, columns
    raise UsageError("The first line names no column with issue ids.", _HOW)


def _from_json(text: str) -> Iterator[str]:
    try:
        try:
            values = [json.loads(text)]
        except json.JSONDecodeError:
            values = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        raise UsageError("The file is neither JSON nor JSON lines.", _HOW) from None
    waiting = [(value, True) for value in values]
    while waiting:
        value, holds_projects = waiting.pop()
        if isinstance(value, list):
            waiting += [(inner, holds_projects) for inner in value]
        elif isinstance(value, dict):
            fields = {_plain(name): inner for name, inner in value.items()}
            yield from _keys_of(fields, holds_projects=holds_projects)
            waiting += [
                (inner, name in _HOLDERS or (name in _LISTS and holds_projects))
                for name, inner in fields.items()
                if isinstance(inner, dict | list)
            ]


_LISTS = frozenset("values nodes items data".split())
"""Where answers of an interface keep what they list."""


def _keys_of(fields: dict[str, object], *, holds_projects: bool) -> Iterator[str]:
    for name, value in fields.items():
        if isinstance(value, str):
            yield from _key(name, value)
    key = fields.get("key")
    is_project = holds_projects and "name" in fields and not _PERSON & fields.keys()
    if is_project and isinstance(key, str) and key.isupper() and _KEY.fullmatch(key):
        yield key


def _key(name: str, value: str) -> Iterable[str]:
    if name in _KEYS:
        return [value.upper()] if _KEY.fullmatch(value) else []
    if name in _IDS or (name in _UPPER_IDS and value.isupper()):
        found = _ID.fullmatch(value)
        return [found[1].upper()] if found else []
    return []


def _is_told(name: str) -> bool:
    return name in _IDS or name in _UPPER_IDS or name in _KEYS


def _plain(name: object) -> str:
    """The name of a field without what trackers write differently."""
    return re.sub(r"[\s_-]", "", str(name)).lower()
