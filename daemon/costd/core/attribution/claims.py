"""What somebody said about who owns which work, and which claims speak of a place."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from msgspec import Struct

from costd.core.attribution.globs import Branches, Directories
from costd.core.attribution.model import Place

CONFIDENCE = {"manual": 100, "claim": 100, "env": 98, "orchestrator": 95}
"""The rules by which a claim is made, the strongest first, with their percent."""

SELECTORS = ("session", "agent", "pid", "branch", "cwd")
"""What a claim may select by: ids of one thing first, then globs."""

LONGEST_SELECTOR = 1024

_RANK = {rule: rank for rank, rule in enumerate(CONFIDENCE)}
_EXACT = frozenset({"session", "agent", "pid"})
_PID = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)
_ROOTED = re.compile(r"[/\\*]|[A-Za-z]:[\\/]")


class Claim(Struct, frozen=True, gc=False):
    """Somebody said: what this selects belongs to that issue.

    Args:
        id: grows with every claim; the later of two made at once has the higher one.
        selector: one of ``SELECTORS``.
        value: the id, or a glob for ``branch`` and ``cwd`` (a directory and all below).
        issue: a valid issue or ``none:<bucket>``.
        role: a word of ``roles.ROLES``, or empty: the place's own role stays.
        from_at: ms since the epoch from which it holds; ``None`` from the beginning.
        until_at: ms at which it ends, exclusive; ``None`` when it does not end.
        made_at: ms at which it was made.
        revoked_at: ms at which it was taken back; then it never held.
        rule: ``manual``, ``claim``, ``env`` or ``orchestrator``.
        confidence: percent.
        within: a directory glob that narrows any selector; empty for everywhere.
    """

    id: int
    selector: str
    value: str
    issue: str
    role: str = ""
    from_at: int | None = None
    until_at: int | None = None
    made_at: int = 0
    revoked_at: int | None = None
    rule: str = "claim"
    confidence: int = 100
    within: str = ""

    @property
    def is_live(self) -> bool:
        """Whether it holds at any time at all."""
        if self.revoked_at is not None:
            return False
        if self.from_at is None or self.until_at is None:
            return True
        return self.from_at < self.until_at

    @property
    def strength(self) -> tuple[int, bool, int, int]:
        """Sorts the strongest first: rule, one thing before globs, the later claim."""
        rank = _RANK.get(self.rule, len(_RANK))
        return rank, self.selector not in _EXACT, -self.made_at, -self.id


def selector_problem(selector: str, value: str) -> str:
    """Why nothing can be selected like this; empty when it can."""
    problems = (
        (selector not in SELECTORS, f"is no selector; use {', '.join(SELECTORS)}"),
        (not value or value.isspace(), "is empty"),
        (len(value) > LONGEST_SELECTOR, f"is over {LONGEST_SELECTOR} characters long"),
        (not value.isprintable(), "contains control characters"),
        (selector == "pid" and not _PID.fullmatch(value), "is no process id"),
        (selector == "cwd" and not _ROOTED.match(value), "is no absolute directory"),
    )
    return next((problem for is_so, problem in problems if is_so), "")


class Claims:
    """The live claims, arranged so that those about one place are found at once."""

    def __init__(self, claims: Iterable[Claim] = ()) -> None:
        self._ranked = sorted(
            (claim for claim in claims if claim.is_live),
            key=lambda claim: claim.strength,
        )
        self._exact: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._branches = Branches()
        self._directories = Directories()
        self._within = Directories()
        for rank, claim in enumerate(self._ranked):
            self._arrange(rank, claim)

    def _arrange(self, rank: int, claim: Claim) -> None:
        if claim.within:
            self._within.add(claim.within, rank)
        if claim.selector == "branch":
            self._branches.add(claim.value, rank)
        elif claim.selector == "cwd":
            self._directories.add(claim.value, rank)
        else:
            self._exact[claim.selector, claim.value].append(rank)

    def __len__(self) -> int:
        return len(self._ranked)

    def about(
        self,
        place: Place,
        session_id: str,
        *,
        agent_id: str = "",
        pids: Iterable[int] = (),
    ) -> list[Claim]:
        """The claims that speak of work done there, the strongest first.

        Args:
            place: where the work was done.
            session_id: the session it was done in.
            agent_id: the subagent, or empty.
            pids: the processes that are known to have run the session.
        """
        if not self._ranked:
            return []
        ranks = set(self._selected(place, session_id, agent_id, pids))
        if self._within and ranks:
            inside = set(self._within.covering(place.cwd))
            ranks = {
                rank
                for rank in ranks
                if not self._ranked[rank].within or rank in inside
            }
        return [self._ranked[rank] for rank in sorted(ranks)]

    def _selected(
        self, place: Place, session_id: str, agent_id: str, pids: Iterable[int]
    ) -> Iterator[int]:
        yield from self._exact.get(("session", session_id), ())
        if agent_id:
            yield from self._exact.get(("agent", agent_id), ())
        for pid in pids:
            yield from self._exact.get(("pid", str(pid)), ())
        yield from self._branches.matching(place.worktree_branch or place.branch)
        yield from self._directories.covering(place.cwd)
