"""Whose history a rollout holds: its own thread's, and what a fork copied from others.

A fork begins with the lines of the thread it was forked from, written anew: with their
old times or with new ones, after that thread's own ``session_meta`` or without it. What
survives is the id of each turn, which begins with the time at which it was made, as a
thread's id does. So a turn belongs to the youngest thread that was there when it began.
"""

from __future__ import annotations

import re

from msgspec import Struct

from costd.core.instants import parse_instant
from costd.sources.codex.shapes import Origin, SessionMeta, Subagent

_TIMED = re.compile(
    r"([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}",
    re.IGNORECASE | re.ASCII,
)
_MOST = 64
_LONGEST_NAME = 200
_LONGEST = 4_096


class Thread(Struct, array_like=True):
    """A thread whose lines a rollout holds.

    ``session`` is the thread at the root of its tree; ``agent`` its own id if it is a
    subagent, else empty. ``began_at`` is in milliseconds; 0: long ago.
    """

    id: str
    began_at: int
    session: str
    agent: str = ""
    kind: str = ""
    parent: str = ""
    cwd: str = ""
    branch: str = ""
    own_from: int = 0
    """The ordinal of the first line that is not its parent's; 0: nobody says."""


class Threads(Struct, array_like=True):
    """The rollout's own thread first, then those whose history it copied."""

    known: list[Thread]

    @property
    def own(self) -> Thread:
        """Whose rollout it is."""
        return self.known[0]

    @property
    def is_copying(self) -> bool:
        """Whether there is history of others in it."""
        return len(self.known) > 1

    def meet(self, thread: Thread) -> None:
        """A ``session_meta``: the first is the rollout's own, any other is copied.

        One that comes again says what has changed: the branch.
        """
        for known in self.known:
            if known.id == thread.id:
                known.cwd = thread.cwd or known.cwd
                known.branch = thread.branch or known.branch
                return
        if len(self.known) < _MOST:
            self.known.append(thread)

    def whose(self, began_at: int, *, is_certain: bool) -> int:
        """The index of the thread to which a turn belongs.

        Args:
            began_at: when the turn began, milliseconds.
            is_certain: whether that is the turn's own word, not when a line was written.
        """
        if not self.is_copying:
            if began_at >= self.own.began_at or not is_certain:
                return 0
            return self.parent()  # a turn older than its thread: it was copied
        there = [i for i, t in enumerate(self.known) if t.began_at <= began_at]
        if there:
            return max(there, key=lambda i: (self.known[i].began_at, -i))
        return min(range(len(self.known)), key=lambda i: self.known[i].began_at)

    def parent(self) -> int:
        """The index of the thread that was forked; the own one where nobody says."""
        own = self.own
        if not self.is_copying:
            if not own.parent:
                return 0
            self.known.append(
                Thread(own.parent, 0, own.session, cwd=own.cwd, branch=own.branch)
            )
        return 1

    def index_of(self, thread_id: str) -> int | None:
        """Where a thread stands, by its id."""
        return next((i for i, t in enumerate(self.known) if t.id == thread_id), None)


def thread_of(meta: SessionMeta, written_at: int) -> Thread | None:
    """A thread as its ``session_meta`` describes it; None where it has no id."""
    if not meta.id:
        return None
    subagent = meta.source.subagent if isinstance(meta.source, Origin) else None
    spawned = subagent.thread_spawn if isinstance(subagent, Subagent) else None
    parent = (
        (spawned.parent_thread_id if spawned else None)
        or meta.parent_thread_id
        or meta.forked_from_id
        or ""
    )
    is_agent = subagent is not None or meta.thread_source not in {None, "", "user"}
    session = (meta.session_id or parent or meta.id) if is_agent else meta.id
    kind = ""
    if is_agent:
        kind = meta.agent_role or (spawned.agent_role if spawned else None) or ""
        path = meta.agent_path or (spawned.agent_path if spawned else None) or ""
        kind = kind or path.rpartition("/")[2] or _own_kind(meta, subagent)
    began_at = time_of(meta.id) or _instant(meta.timestamp) or written_at
    return Thread(
        meta.id[:_LONGEST_NAME],
        began_at,
        session[:_LONGEST_NAME],
        agent=meta.id[:_LONGEST_NAME] if is_agent and session != meta.id else "",
        kind=kind[:_LONGEST_NAME],
        parent=parent[:_LONGEST_NAME],
        cwd=(meta.cwd or "")[:_LONGEST],
        branch=((meta.git.branch if meta.git else None) or "")[:_LONGEST],
        own_from=meta.subagent_history_start_ordinal or 0,
    )


def time_of(name: str | None) -> int:
    """The milliseconds in an id that begins with its time; 0 where it does not."""
    found = _TIMED.fullmatch(name or "")
    return int(found[1] + found[2], 16) if found else 0


def _own_kind(meta: SessionMeta, subagent: Subagent | str | None) -> str:
    """What Codex calls the subagents that it starts itself."""
    if isinstance(subagent, Subagent):
        return subagent.other or ""
    return subagent or meta.thread_source or ""


def _instant(text: str | None) -> int:
    return (parse_instant(text) if text else None) or 0
