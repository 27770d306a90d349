"""The issues as they are published: only those that changed are worked out anew.

A few at a time: a first import makes thousands, and questions wait for the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from costd.core.session_map import Owned
from costd.core.summary import Sums, together
from costd.engine.answers.status import live_sessions
from costd.engine.history import buckets
from costd.engine.issue_files import (
    SESSION,
    Entry,
    Json,
    as_entry,
    bucket_costs,
    by_issue_file,
    grouped,
    issue_costs,
    issue_file,
)
from costd.engine.session_maps import as_part
from costd.engine.view import View
from costd.ledger.issues import WorkRow, bucket_extent, every_owner, work
from costd.publish.encode import Ready
from costd.publish.files import safe_name

_SHARE = 50
"""Of the time, one part in so many goes into this at most."""
Clock = Callable[[], int]
_LONGEST_GAP_MS = 10 * 60 * 1000
_SLICE_MS = 25
_BEHIND_SHARE = 10
_LAST_MS = 2_000
_AT_ONCE = 10


class Board:
    """What was published of each issue."""

    def __init__(self) -> None:
        self._digests: dict[str, bytes] = {}
        self._entries: dict[str, Entry] = {}
        self.parts: dict[str, bytes] = {}
        """What session maps hold of each issue, as it stands there."""
        self._extent: dict[str, tuple[int, int]] = {}
        self._is_begun = False
        self._waiting: set[str] = set()
        self._live: dict[str, str] = {}
        self._next_at = 0
        self.is_fresh = False
        """Whether something is new since the session maps were last written."""

    def is_behind(self, view: View) -> bool:
        """Whether something has changed that was not worked out."""
        return not self._is_begun or bool(self._waiting or view.ledger.owners.changed)

    def unsent(self) -> None:
        """What was published has not arrived."""
        self._is_begun = False
        self._digests = {}

    def refresh(self, view: View, clock: Clock, *, is_last: bool) -> dict[str, Any]:
        """Files that are not as they were, by name; none while it is too soon.

        What is about all issues waits until each of them is worked out.

        Args:
            view: the moment.
            clock: milliseconds since the epoch; what takes long is done seldom.
            is_last: there is no later: now or never.
        """
        began = clock()
        if 0 < self._next_at - began < _LONGEST_GAP_MS and not is_last:
            return {}
        self._waiting |= self._changed(view)
        if not self._waiting:
            return {}
        found: dict[str, Any] = {}
        most = _LAST_MS if is_last else _SLICE_MS
        held = {name for name in self._waiting if name.startswith("none:")}
        for name in held:
            self._extent.pop(name, None)
        self._extent |= bucket_extent(view.connection, held) if held else {}
        self._waiting -= held
        while self._waiting and clock() - began <= most:
            found |= self._issues(view, self._take())
        if not self._waiting:
            self.is_fresh = True
            found["costs-by-issue.json"] = self._by_issue(view)
        ended = clock()
        share = _BEHIND_SHARE if self._waiting else _SHARE
        self._next_at = ended + share * max(0, ended - began)
        return found

    def _take(self) -> set[str]:
        return {self._waiting.pop() for _ in range(min(_AT_ONCE, len(self._waiting)))}

    def _changed(self, view: View) -> set[str]:
        """The owners whose files may not be as they were."""
        live = {s.place.session_id: s.place.issue for s in live_sessions(view)}
        changed = view.ledger.owners.changed
        names = set(changed)
        changed.clear()
        if not self._is_begun:
            names |= every_owner(view.connection) or {""}
            self._extent = {}
            self._is_begun = True
        # A session that has ended, or begun again, has another end in its issue's file.
        for name in self._live.keys() | live.keys():
            if self._live.get(name) != live.get(name):
                names |= {self._live.get(name, ""), live.get(name, "")}
        self._live = live
        return names

    def _issues(self, view: View, names: set[str]) -> dict[str, Any]:
        rows: dict[str, list[WorkRow]] = {
            name: [] for name in names if name and not name.startswith("none:")
        }
        for row in work(view.connection, rows):
            rows[row.owner].append(row)
        found: dict[str, Any] = {}
        for name, done in rows.items():
            at_it = {session for session, issue in self._live.items() if issue == name}
            file = issue_file(name, grouped(done, SESSION), at_it)
            digest = blake2b(msgspec.json.encode(file), digest_size=16).digest()
            if self._digests.get(name) == digest or not (done or name in self._entries):
                continue
            self._digests[name] = digest
            self._keep(name, file, done)
            found[f"issues/{safe_name(name)}.json"] = file
        return found

    def _keep(self, name: str, file: Json, done: Sequence[WorkRow]) -> None:
        """Keep what files about all issues hold of one, as it is written there.

        Thousands as dictionaries would take tens of megabytes, and long to encode.
        """
        entry = _entry(name, done)
        self._entries[name] = _kept(entry, together(row.sums for row in done))
        if file["sessions"]:
            owned = Owned(file["sessions"], file["totalCost"], file["totalTokens"])
            self.parts[name] = as_part(owned)
        else:
            self.parts.pop(name, None)

    def _by_issue(self, view: View) -> Ready:
        held = {name: sums for name, sums in buckets(view).items() if any(sums)}
        extent = {name: self._extent[name] for name in held if name in self._extent}
        entries = {name: e for name, e in self._entries.items() if name in self.parts}
        others = {
            name: _kept(
                bucket_costs(name, held[name]._replace(sessions=count), last_at),
                held[name],
            )
            for name, (count, last_at) in extent.items()
        }
        return by_issue_file(view.zone.key, _sorted(entries), _sorted(others))


def _entry(name: str, rows: Sequence[WorkRow]) -> Json:
    sums = together(row.sums for row in rows)
    sums = sums._replace(sessions=len({row.session_id for row in rows}))
    last_at = max((row.last_at for row in rows), default=0)
    return {
        **issue_costs(name, sums, last_at),
        "models": sorted({row.model for row in rows} - {""}),
        "roles": sorted({row.role for row in rows} - {""}),
    }


def _kept(entry: Json, sums: Sums) -> Entry:
    return Entry(sums.cost, sums.total_tokens, as_entry(entry))


def _sorted(entries: Mapping[str, Entry]) -> list[Entry]:
    return [e for _, e in sorted(entries.items(), key=lambda e: (-e[1].cost, e[0]))]
