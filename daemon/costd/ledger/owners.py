"""Who owns what: evidence, claims and inheritance laid over every context.

The place of a context is judged once; claims only lay other owners over it. What one
of them changes is found by session, since a session's lanes inherit from each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from sqlite3 import Connection
from typing import NamedTuple

from costd.core.attribution import Claim, Claims, Keys, Place
from costd.ledger import claims as kept
from costd.ledger import commits, evidence, pieces
from costd.ledger.cells import bounds_of, rebuild
from costd.ledger.evidence import as_row, chunks, marks
from costd.ledger.lanes import Spans, Weaver, load
from costd.ledger.moves import Moves, Owner
from costd.ledger.pieces import (
    WHOLE,
    Bounds,
    Pieces,
    begin_of,
    end_of,
    is_settled,
    numbered,
)
from costd.ledger.world import Directory, Repository, World

NEVER = 1 << 62
"""Later than everything, milliseconds: nothing has moved."""

SESSIONS_AT_ONCE = 100
"""So many are laid over in one transaction; questions are answered in between."""

_PUT = (
    "INSERT INTO attribution (context_id, span, from_at, until_at, issue, role, rule, "
    "confidence, evidence, candidate, candidate_confidence, via) "
    f"VALUES ({', '.join('?' * 12)})"
)
Stored = tuple[object, ...]
"""A row of ``attribution`` without the context's number."""


class Outcome(NamedTuple):
    """A context whose owners have changed."""

    context: int
    before: list[Stored]
    after: list[Stored]
    pieces: Pieces
    bounds: Bounds | None
    """Where its responses lie; not looked up where it has one owner before and after."""


class Owners:
    """What is claimed and known, in memory; all else is in the ledger.

    Args:
        connection: the ledger's; every method that writes runs in a transaction of
            the caller.
        keys: the tracker keys that are configured or imported.
    """

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self.world = World(connection, keys)
        self.split: dict[int, Pieces] = pieces.load(connection)
        self.changed: set[str] = set()
        """Issues and buckets whose sums may have changed, until somebody asks."""
        self.unknown: set[str] = set()
        """Directories that nobody has looked at, until somebody asks."""
        self.moved_since = NEVER
        """From when on something has other owners than it had before, milliseconds;
        until somebody asks."""
        self.recent: set[int] | None = commits.unlooked(connection)
        """Contexts on whose branches commits may be new; None: any. Until asked."""
        self._claims: Claims | None = None

    def forget(self) -> None:
        """After a rollback: what was noted in memory may not be so."""
        self.split.clear()
        self.split.update(pieces.load(self._connection))
        self.world.forget()
        self._claims = None

    def claims_changed(self) -> None:
        """Claims were made or taken back."""
        self._claims = None

    @property
    def claims(self) -> Claims:
        """The claims that hold."""
        if self._claims is None:
            self._claims = Claims(c.as_claim for c in kept.live(self._connection))
        return self._claims

    def lay(self, sessions: Collection[int], moves: Moves | None = None) -> None:
        """Give the contexts of these sessions their owners."""
        for outcome in self._outcomes(sessions, self.claims):
            if moves is not None:
                self._add(moves, outcome)
            self._write(outcome)

    def preview(self, sessions: Collection[int], claims: Claims, moves: Moves) -> None:
        """What ``lay`` would move if these were the claims."""
        for outcome in self._outcomes(sessions, claims):
            self._add(moves, outcome)

    def _outcomes(self, sessions: Collection[int], claims: Claims) -> Iterator[Outcome]:
        weaver = Weaver(self._connection, claims)
        found: dict[int, Spans] = {}
        for woven in load(self._connection, sessions).values():
            found.update(weaver.weave(woven))
        before = _stored(self._connection, sorted(found))
        for context, spans in found.items():
            old = before.get(context, [])
            outcome = self._outcome(context, spans, old)
            if outcome is not None:
                yield outcome

    def _outcome(self, context: int, spans: Spans, old: list[Stored]) -> Outcome | None:
        was = self.split.get(context, WHOLE)
        if len(spans) == 1 and was == WHOLE:
            new = _rows(spans, WHOLE)
            return None if new == old else Outcome(context, old, new, WHOLE, None)
        bounds = bounds_of(self._connection, context)
        now = numbered(spans, bounds, was)
        new = _rows(spans, now)
        return None if new == old else Outcome(context, old, new, now, bounds)

    def _add(self, moves: Moves, outcome: Outcome) -> None:
        if outcome.before:
            moves.add(
                self._connection,
                outcome.context,
                [_owner(row) for row in outcome.before],
                [_owner(row) for row in outcome.after],
                outcome.bounds,
            )

    def _write(self, outcome: Outcome) -> None:
        context, now = outcome.context, outcome.pieces
        was = self.split.get(context, WHOLE)
        run = self._connection.execute
        run("DELETE FROM attribution WHERE context_id = ?", (context,))
        rows = [(context, *row) for row in outcome.after]
        self._connection.executemany(_PUT, rows)
        if not is_settled(was, now, outcome.bounds):
            rebuild(self._connection, context)
        if now == WHOLE:
            self.split.pop(context, None)
        else:
            self.split[context] = now
        self.changed.update(str(row[3]) for row in (*outcome.before, *outcome.after))
        if outcome.before:
            bounds = outcome.bounds or bounds_of(self._connection, context)
            if bounds is not None:
                self.moved_since = min(self.moved_since, bounds.first)

    # What has to be laid over when something is new.

    def settle(
        self, after: int, touched: Collection[int], new_to: Collection[int]
    ) -> None:
        """After a batch was recorded.

        Args:
            after: contexts with higher numbers are new.
            touched: contexts in which something was counted.
            new_to: sessions of which something else became known.
        """
        learnt = evidence.judge_new(self._connection, self.world, after)
        self.unknown |= learnt.unknown
        sessions = learnt.sessions | set(new_to)
        self.judge(new_to)
        sessions |= self._judge_groups(learnt.groups)
        sessions |= self._woven(touched)
        self.lay_all(sessions)
        self.note(touched)
        self._are_recent(touched)

    def learn(
        self, repositories: Sequence[Repository], directories: Sequence[Directory]
    ) -> None:
        """Something was found on disk about the places of contexts."""
        run, world = self._connection, self.world
        paths = world.inside(repositories)
        paths += [directory.path for directory in directories]
        ids = evidence.in_directories(run, paths)
        before = commits.touched(run, world, ids)
        groups = world.put(repositories, directories)
        sessions = evidence.judge_contexts(run, world, ids)
        self.lay_all(sessions | self._judge_groups(groups))
        self.judge_commits(before)  # some of their work may be elsewhere now
        self._are_recent(ids)

    def _are_recent(self, contexts: Collection[int]) -> None:
        if self.recent is not None:
            self.recent.update(contexts)

    def judge_commits(self, groups: Collection[commits.Group]) -> None:
        """Work out whose the commits on these branches are, and what follows."""
        self.lay_all(self.judge(commits.judge(self._connection, self.world, groups)))

    def judge(self, sessions: Collection[int]) -> set[int]:
        """Look at the places of sessions again; the sessions of which one changed."""
        return evidence.judge_sessions(self._connection, self.world, sessions)

    def lay_all(self, sessions: Collection[int]) -> None:
        """``lay`` for these sessions and those that were forked from them."""
        for some in chunks(sorted(self.with_forks(sessions)), SESSIONS_AT_ONCE):
            self.lay(some)

    def _judge_groups(self, groups: set[str]) -> set[int]:
        """Keys became known in these groups; the sessions in which that matters."""
        ids = evidence.in_groups(self._connection, self.world, groups)
        return evidence.judge_contexts(self._connection, self.world, ids)

    def note(self, contexts: Collection[int]) -> None:
        """The sums of these contexts have changed."""
        for some in chunks(sorted(contexts)):
            rows = self._connection.execute(
                "SELECT DISTINCT issue FROM attribution "
                f"WHERE context_id IN ({marks(some)})",
                some,
            )
            self.changed.update(issue for (issue,) in rows)

    def _woven(self, contexts: Collection[int]) -> set[int]:
        """Sessions in which the order of responses may decide who inherits what."""
        found: set[int] = set()
        for some in chunks(sorted(contexts)):
            found.update(
                session
                for (session,) in self._connection.execute(
                    "SELECT session FROM context WHERE session IN (SELECT session FROM "
                    f"context WHERE id IN ({marks(some)})) GROUP BY session "
                    "HAVING count(nullif(agent_id <> '', 1)) > 1 AND "
                    "(max(agent_id) > '' OR session IN (SELECT parent FROM fork))",
                    some,
                )
            )
        return found

    def with_forks(self, sessions: Collection[int]) -> set[int]:
        """These sessions, and those that were forked from them."""
        found = set(sessions)
        fresh = found
        while fresh:
            children: set[int] = set()
            for some in chunks(sorted(fresh)):
                rows = self._connection.execute(
                    f"SELECT session FROM fork WHERE parent IN ({marks(some)})", some
                )
                children.update(session for (session,) in rows)
            fresh = children - found
            found |= fresh
        return found

    def selected(self, claims: Sequence[Claim]) -> set[int]:
        """The sessions that claims speak of, and all that inherit from them."""
        exact: defaultdict[str, list[str]] = defaultdict(list)
        wide: list[Claim] = []
        for claim in claims:
            if claim.selector in _EXACT:
                exact[claim.selector].append(claim.value)
            else:
                wide.append(claim)
        found: set[int] = set()
        for selector, values in exact.items():
            for some in chunks(values):
                rows = self._connection.execute(
                    _EXACT[selector].format(marks=marks(some)), some
                )
                found.update(session for (session,) in rows)
        if wide:
            found |= self._covered(wide)
        return self.with_forks(found)

    def claimed_by_process(self, pids: Collection[int]) -> set[int]:
        """The sessions of processes that somebody claims."""
        names = {str(pid) for pid in pids}
        claims = [
            claim.as_claim
            for claim in kept.select(
                self._connection, "selector = 'pid' AND revoked_at IS NULL"
            )
            if claim.value in names
        ]
        return self.selected(claims)

    def _covered(self, wide: list[Claim]) -> set[int]:
        """The sessions with a place that a glob covers."""
        # Taken back or not: what it covers is asked, not whether it holds.
        asked = Claims(
            Claim(c.id, c.selector, c.value, c.issue, within=c.within) for c in wide
        )
        places = self._connection.execute(
            "SELECT DISTINCT c.session, c.cwd, c.branch, p.worktree_branch "
            "FROM context c JOIN place p ON p.context_id = c.id"
        )
        return {
            session
            for session, cwd, branch, tree in places
            if asked.about(Place(cwd=cwd, branch=branch, worktree_branch=tree), "")
        }

    def everything(self) -> list[int]:
        """All sessions."""
        return [s for (s,) in self._connection.execute("SELECT id FROM session")]


_EXACT = {
    "session": "SELECT id FROM session WHERE session_id IN ({marks})",
    "agent": "SELECT DISTINCT session FROM context WHERE agent_id IN ({marks})",
    "pid": "SELECT s.id FROM session s JOIN process p ON p.session_id = s.session_id "
    "WHERE p.pid IN ({marks})",
}


def _rows(spans: Spans, numbers: Pieces) -> list[Stored]:
    return [
        (
            number,
            begin_of(span),
            end_of(span),
            *as_row(span.attribution),
            span.attribution.via,
        )
        for number, span in zip(numbers.numbers, spans, strict=True)
    ]


def _owner(row: Stored) -> Owner:
    return Owner(int(str(row[1])), int(str(row[2])), str(row[3]))


def _stored(connection: Connection, contexts: list[int]) -> dict[int, list[Stored]]:
    """The owners that contexts have, in the order of time."""
    found: dict[int, list[Stored]] = {}
    for some in chunks(contexts):
        rows = connection.execute(
            "SELECT context_id, span, from_at, until_at, issue, role, rule, confidence, "
            "evidence, candidate, candidate_confidence, via FROM attribution "
            f"WHERE context_id IN ({marks(some)}) ORDER BY context_id, from_at",
            some,
        )
        for context, *row in rows:
            found.setdefault(context, []).append(tuple(row))
    return found
