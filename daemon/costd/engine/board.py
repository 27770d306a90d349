"""The issues as they are published: only those that changed are worked out anew.

A few at a time: a first import makes thousands, and questions wait for the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from costd.core.session_map import Owned
from costd.core.summary import together
from costd.engine.answers.status import live_sessions
from costd.engine.history import sums_by
from costd.engine.issue_files import (
    SESSION,
    Json,
    bucket_costs,
    by_issue_file,
    grouped,
    issue_costs,
    issue_file,
)
from costd.engine.view import View
from costd.ledger.issues import WorkRow, bucket_extent, every_owner, work
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
        # Packed: thousands of them as dictionaries take tens of megabytes.
        self._files: dict[str, bytes] = {}
        self._entries: dict[str, bytes] = {}
        self._stale: set[str] | None = None
        self._waiting: set[str] = set()
        self._live: dict[str, str] = {}
        self._next_at = 0
        self.is_fresh = False
        """Whether something is new since the session maps were last written."""

    def is_behind(self, view: View) -> bool:
        """Whether something has changed that was not worked out."""
        return self._stale is None or bool(self._waiting or view.ledger.owners.changed)

    def unsent(self) -> None:
        """What was published has not arrived."""
        self._stale = None
        self._files = {}

    @property
    def owned(self) -> dict[str, Owned]:
        """The issues with their sessions, for the session maps."""
        files = {
            name: msgspec.json.decode(packed) for name, packed in self._files.items()
        }
        return {
            issue: Owned(file["sessions"], file["totalCost"], file["totalTokens"])
            for issue, file in files.items()
            if file["sessions"]
        }

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
        if self._stale is None:
            names |= every_owner(view.connection) or {""}
            self._stale = set()
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
            packed = msgspec.json.encode(file)
            if self._files.get(name) == packed or not (done or name in self._files):
                continue
            self._files[name] = packed
            self._entries[name] = msgspec.json.encode(_entry(name, done))
            found[f"issues/{safe_name(name)}.json"] = file
        return found

    def _by_issue(self, view: View) -> Json:
        extent = bucket_extent(view.connection)
        buckets = [
            bucket_costs(name, sums._replace(sessions=extent[name][0]), extent[name][1])
            for (name,), sums in sums_by(view, ("issue",)).items()
            if name in extent and any(sums)
        ]
        entries = map(msgspec.json.decode, self._entries.values())
        issues = [entry for entry in entries if entry["sessionCount"]]
        return by_issue_file(view.zone.key, _sorted(issues), _sorted(buckets))


def _entry(name: str, rows: Sequence[WorkRow]) -> Json:
    sums = together(row.sums for row in rows)
    sums = sums._replace(sessions=len({row.session_id for row in rows}))
    last_at = max((row.last_at for row in rows), default=0)
    return {
        **issue_costs(name, sums, last_at),
        "models": sorted({row.model for row in rows} - {""}),
        "roles": sorted({row.role for row in rows} - {""}),
    }


def _sorted(entries: Sequence[Json]) -> list[Json]:
    return sorted(entries, key=lambda e: (-(e["totalCost"] or 0), e["issueId"]))
