"""Sessions taken apart into lanes: the session's own work, and each subagent's.

A lane inherits the owner that the lane it was started from has at the same time; a
session that was forked from another one inherits from that. What a lane worked on at
a moment is told by its responses: the context of the last one before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from sqlite3 import Connection

from costd.core.attribution import Attribution, Claims, Place, Span, layered
from costd.ledger.evidence import chunks, marks
from costd.ledger.pieces import begin_of, end_of

Spans = tuple[Span, ...]
_MOST_FORKS = 8
"""Forks of forks are followed this far."""


@dataclass(slots=True)
class Spot:
    """A context with what its place shows by itself."""

    id: int
    place: Place
    own: Attribution


@dataclass(slots=True)
class Woven:
    """A session with its lanes; the lane with the empty name is its own."""

    id: int
    session_id: str
    lanes: dict[str, list[Spot]] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    """The subagent that started a subagent, where it was not the session itself."""
    origins: list[int] = field(default_factory=list)
    """The sessions that this one was forked from."""
    pids: list[int] = field(default_factory=list)


_SPOTS = """
SELECT c.session, s.session_id, c.id, c.agent_id, c.cwd, c.branch, p.worktree_branch,
       p.issue, p.role, p.rule, p.confidence, p.evidence, p.candidate,
       p.candidate_confidence
FROM context c JOIN session s ON s.id = c.session JOIN place p ON p.context_id = c.id
"""


def load(connection: Connection, sessions: Collection[int]) -> dict[int, Woven]:
    """The sessions with these numbers, as far as they have contexts."""
    found: dict[int, Woven] = {}
    for some in chunks(sorted(sessions)):
        within = f"IN ({marks(some)})"
        rows = connection.execute(f"{_SPOTS} WHERE c.session {within}", some)
        for number, name, context, agent, cwd, branch, tree, *own in rows:
            woven = found.get(number)
            if woven is None:
                woven = found[number] = Woven(number, name)
            place = Place(cwd=cwd, branch=branch, worktree_branch=tree)
            spot = Spot(context, place, Attribution(*own))
            woven.lanes.setdefault(agent, []).append(spot)
        _relate(connection, found, within, some)
    return found


def _relate(
    connection: Connection, found: Mapping[int, Woven], within: str, some: list[int]
) -> None:
    run = connection.execute
    for session, agent, parent in run(
        "SELECT session, agent_id, parent_id FROM agent "
        f"WHERE parent_id <> '' AND session {within}",
        some,
    ):
        if session in found:
            found[session].parents[agent] = parent
    for session, origin in run(
        f"SELECT session, parent FROM fork WHERE session {within} ORDER BY last_at DESC",
        some,
    ):
        if session in found:
            found[session].origins.append(origin)
    for session, pid in run(
        "SELECT s.id, p.pid FROM session s JOIN process p "
        f"ON p.session_id = s.session_id WHERE s.id {within}",
        some,
    ):
        if session in found:
            found[session].pids.append(pid)


class Weaver:
    """Works out the owners of sessions, by what is claimed.

    Args:
        connection: the ledger's, only read.
        claims: all that count.
    """

    def __init__(self, connection: Connection, claims: Claims) -> None:
        self._connection = connection
        self._claims = claims
        self._own_lanes: dict[int, Spans] = {}

    def weave(self, woven: Woven) -> dict[int, Spans]:
        """The owners of every context of a session."""
        found: dict[int, Spans] = {}
        lanes: dict[str, Spans] = {}
        for name in sorted(woven.lanes):
            self._lane(woven, name, found, lanes, ())
        return found

    def _lane(
        self,
        woven: Woven,
        name: str,
        found: dict[int, Spans],
        lanes: dict[str, Spans],
        below: tuple[str, ...],
    ) -> Spans:
        """The owners of one lane over time; those of its contexts go into ``found``."""
        known = lanes.get(name)
        if known is not None:
            return known
        spots = woven.lanes.get(name, [])
        parent = self._above(woven, name, found, lanes, (*below, name))
        for spot in spots:
            found[spot.id] = self._owners(woven, name, spot, parent)
        is_above = len(woven.lanes) > 1 and (not name or name in woven.parents.values())
        lanes[name] = self._joined(spots, found) if is_above else ()
        return lanes[name]

    def _above(
        self,
        woven: Woven,
        name: str,
        found: dict[int, Spans],
        lanes: dict[str, Spans],
        below: tuple[str, ...],
    ) -> Spans:
        """The owners of the lane that this one was started from."""
        if not name:
            return self._origin(woven, frozenset())
        parent = woven.parents.get(name, "")
        if parent in below or (parent and parent not in woven.lanes):
            parent = ""  # unknown, or round in a circle: then the session itself
        if not parent and "" not in woven.lanes:
            return self._origin(woven, frozenset())
        return self._lane(woven, parent, found, lanes, below)

    def _owners(self, woven: Woven, agent: str, spot: Spot, parent: Spans) -> Spans:
        said = self._claims.about(
            spot.place, woven.session_id, agent_id=agent, pids=woven.pids
        )
        if not said and not parent:
            return (Span(None, None, spot.own),)
        return layered(spot.own, said, parent)

    def _origin(self, woven: Woven, seen: frozenset[int]) -> Spans:
        """The owners of the session that this one was forked from."""
        if not woven.origins or woven.id in seen or len(seen) >= _MOST_FORKS:
            return ()
        return self._of_session(woven.origins[0], seen | {woven.id})

    def _of_session(self, number: int, seen: frozenset[int]) -> Spans:
        """The owners of a whole session's own lane."""
        known = self._own_lanes.get(number)
        if known is not None:
            return known
        woven = load(self._connection, [number]).get(number)
        if woven is None or "" not in woven.lanes:
            return ()
        parent = self._origin(woven, seen)
        spots = woven.lanes[""]
        found = {spot.id: self._owners(woven, "", spot, parent) for spot in spots}
        self._own_lanes[number] = self._joined(spots, found)
        return self._own_lanes[number]

    def _joined(self, spots: Sequence[Spot], found: Mapping[int, Spans]) -> Spans:
        """The owners of a lane whose work went through several contexts."""
        of_each = {spot.id: found[spot.id] for spot in spots}
        if len({_said(spans) for spans in of_each.values()}) <= 1:
            return next(iter(of_each.values()), ())
        return joined(turns(self._connection, sorted(of_each)), of_each)


def _said(spans: Spans) -> tuple[object, ...]:
    """What matters to those who inherit."""
    return tuple(
        (s.from_at, s.attribution.issue, s.attribution.role, s.attribution.rule)
        for s in spans
    )


Turn = tuple[int, int]
"""At this instant, work went on in that context."""


def turns(connection: Connection, contexts: Sequence[int]) -> list[Turn]:
    """When work went from one of these contexts to another."""
    return [
        (at, context)
        for at, context in connection.execute(
            "SELECT at, context_id FROM (SELECT at, id, context_id, lag(context_id) "
            "OVER (ORDER BY at, id) AS before FROM response "
            f"WHERE context_id IN ({', '.join(map(str, contexts))})) "
            "WHERE before IS NOT context_id ORDER BY at, id"
        )
    ]


def joined(turns: Sequence[Turn], spans: Mapping[int, Spans]) -> Spans:
    """One axis of time out of the axes of several contexts.

    From one turn to the next, the owners of the context count in which work went on;
    what came before the first turn counts with it.
    """
    pieces: list[Span] = []
    for index, (at, context) in enumerate(turns):
        since = None if index == 0 else at
        until = turns[index + 1][0] if index + 1 < len(turns) else None
        if until is not None and since is not None and until <= since:
            continue
        pieces.extend(_clipped(spans[context], since, until))
    return tuple(_merged(pieces))


def _clipped(
    spans: Sequence[Span], since: int | None, until: int | None
) -> Iterable[Span]:
    begins = [begin_of(span) for span in spans]
    first = 0 if since is None else bisect_right(begins, since) - 1
    for span in spans[first:]:
        if until is not None and begin_of(span) >= until:
            return
        yield Span(
            since if since is not None and begin_of(span) < since else span.from_at,
            until if until is not None and end_of(span) > until else span.until_at,
            span.attribution,
        )


def _merged(pieces: Iterable[Span]) -> Iterable[Span]:
    """Neighbours with the same owner become one."""
    last: Span | None = None
    for piece in pieces:
        if last is None:
            last = piece
        elif last.attribution == piece.attribution:
            last = Span(last.from_at, piece.until_at, last.attribution)
        else:
            yield last
            last = piece
    if last is not None:
        yield last
