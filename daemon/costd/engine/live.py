"""Which sessions are running, and what they spend.

A session lives while its log grows, or while the agent's own registry names a running
process for it. What the log does not hold yet is estimated: the time since the last
response, at the session's own rate of the last hour. An estimate is never added to
anything and always marked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from costd.core.instants import HOUR, MINUTE
from costd.core.summary import Sums, together
from costd.ledger import Connection
from costd.ledger.reports import Cut, Question, cut
from costd.ledger.sessions import (
    SessionPlace,
    Spending,
    active_since,
    places,
    spending_since,
)

_AT_ONCE = 100
_LEAST_SPAN = 5 * MINUTE
"""A rate over less than this would be a guess."""


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A running session; money in nano-USD, ``estimated_cost`` beyond what is logged."""

    place: SessionPlace
    sums: Sums
    model: str
    last_at: int
    cost_per_hour: int
    estimated_cost: int


class Live:
    """Remembers when each session was last heard of.

    Args:
        quiet_ms: after so long without a line a session is over.
    """

    def __init__(self, quiet_ms: int) -> None:
        self._quiet_ms = quiet_ms
        self._heard: dict[str, int] = {}
        self._running: frozenset[str] = frozenset()
        self._known: dict[str, LiveSession] = {}

    def hear(self, session_id: str, at: int, now: int) -> None:
        """A line of a session arrived; one dated ahead was heard now, not then."""
        self._heard[session_id] = max(min(at, now), self._heard.get(session_id, 0))
        self._known.pop(session_id, None)

    def restore(self, connection: Connection, now: int) -> None:
        """Begin with the sessions that the ledger heard of not long ago."""
        for session_id, at in active_since(connection, now - self._quiet_ms):
            if at - now <= self._quiet_ms:  # further ahead it says nothing of now
                self.hear(session_id, at, now)

    def set_running(self, session_ids: frozenset[str]) -> None:
        """What the agent's registry says is running now."""
        self._running = session_ids

    def sessions(
        self, connection: Connection, question: Question, now: int
    ) -> list[LiveSession]:
        """The running sessions, the most recent first."""
        self._forget(now)
        wanted = sorted({*self._heard, *self._running})
        missing = [session_id for session_id in wanted if session_id not in self._known]
        for first in range(0, len(missing), _AT_ONCE):
            some = missing[first : first + _AT_ONCE]
            for found in self._look(connection, question, some, now):
                self._known[found.place.session_id] = found
        known = [self._known[s] for s in wanted if s in self._known]
        return sorted(
            (self._estimated(session, now) for session in known),
            key=lambda session: -session.last_at,
        )

    def _forget(self, now: int) -> None:
        # Also what was heard far ahead of now: the clock has been set back since.
        over = [s for s, at in self._heard.items() if abs(now - at) > self._quiet_ms]
        for session_id in over:
            del self._heard[session_id]
        for session_id in list(self._known):
            if session_id not in self._heard and session_id not in self._running:
                del self._known[session_id]

    def _estimated(self, session: LiveSession, now: int) -> LiveSession:
        """With the cost that the log may not hold yet."""
        silent = min(max(0, now - session.place.last_at), self._quiet_ms)
        beyond = session.cost_per_hour * silent // HOUR
        return replace(session, estimated_cost=session.sums.cost + beyond)

    def refresh(self) -> None:
        """Time has passed: rates are worked out anew."""
        self._known.clear()

    def _look(
        self, connection: Connection, question: Question, some: list[str], now: int
    ) -> Iterator[LiveSession]:
        """Many at once: fifty sessions that were heard of together are looked at so."""
        wanted = question._replace(by=("session", "model"), filters={"session": some})
        models: dict[str, list[Cut]] = {}
        for row in cut(connection, wanted):
            models.setdefault(row.keys[0], []).append(row)
        spent = spending_since(connection, some, now - HOUR)
        for place in places(connection, some):
            name = place.session_id
            by_model = models.get(name, [])
            model = max(by_model, key=lambda row: row.sums.cost, default=None)
            yield LiveSession(
                place=place,
                sums=together(row.sums for row in by_model),
                model=model.keys[1] if model else "",
                last_at=self._heard.get(name, min(place.last_at, now)),
                cost_per_hour=rate(spent.get(name, []), now),
                estimated_cost=0,
            )


def rate(spent: Sequence[Spending], now: int) -> int:
    """Nano-USD an hour, over the last hour or since the first response in it."""
    spent = [s for s in spent if s.at <= now]
    if not spent:
        return 0
    span = max(now - spent[0].at, _LEAST_SPAN)
    return sum(s.cost for s in spent) * HOUR // span
