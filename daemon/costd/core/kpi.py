"""The figures of tasks: each task is a fold over its events, in whatever order they come.

A task counts in the period in which it ended, or, as long as nobody has said that it
ended, in the one in which it was first heard of: there as one whose outcome is unknown.
Gates and reviews count when they happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from costd.core.events import (
    ACTIVITY,
    EXECUTION,
    GATE_RESULT,
    REVIEW_CYCLE,
    TASK_END,
    TASK_START,
    TASK_TYPES,
    Event,
)
from costd.core.outcomes import BLOCKED, CANCELLED, COMPLETED, FAILED, UNKNOWN

DIRECT = frozenset({EXECUTION, ACTIVITY})
"""Types whose usage is that of calls; in others it is a sum of what these said."""


class Figures(NamedTuple):
    """Sums over tasks, gates and reviews; what averages need is counted beside them."""

    tasks: int = 0
    succeeded: int = 0
    failed: int = 0
    blocked: int = 0
    cancelled: int = 0
    timed: int = 0
    cycle_ms: int = 0
    iterated: int = 0
    iterations: int = 0
    costed: int = 0
    cost: int = 0
    unpriced: int = 0
    gates: int = 0
    gates_passed: int = 0
    reviews: int = 0
    counted_p0: int = 0
    issues_p0: int = 0
    counted_p1: int = 0
    issues_p1: int = 0

    def plus(self, other: Figures) -> Figures:
        """Both together."""
        return Figures(*(a + b for a, b in zip(self, other, strict=True)))

    def minus(self, other: Figures) -> Figures:
        """What changed from ``other`` to this."""
        return Figures(*(a - b for a, b in zip(self, other, strict=True)))


@dataclass(slots=True)
class Task:
    """What the events of one task say together; times in milliseconds.

    ``is_task`` is false while only calls or activities have named it. ``direct_…`` is
    what calls used, ``said_…`` what others said of it; where there are calls, they
    count, and else the others: adding both would count twice.
    """

    task_id: str
    issue: str = ""
    is_task: bool = False
    first_at: int | None = None
    last_at: int | None = None
    start_at: int | None = None
    end_at: int | None = None
    end_lamport: int = 0
    end_event: str = ""
    status: str = ""
    iterations: int | None = None
    gates: int = 0
    gates_passed: int = 0
    reviews: int = 0
    counted_p0: int = 0
    issues_p0: int = 0
    counted_p1: int = 0
    issues_p1: int = 0
    direct_priced: int = 0
    direct_unpriced: int = 0
    direct_estimated: int = 0
    direct_cost: int = 0
    said_priced: int = 0
    said_unpriced: int = 0
    said_estimated: int = 0
    said_cost: int = 0

    def take(self, event: Event, cost: int | None, *, is_estimate: bool) -> None:
        """One more of its events, which it has not taken before.

        Args:
            event: with its ``lamport`` filled in.
            cost: nano-USD, reported or estimated; None where there is none.
            is_estimate: whether the cost is by the rate card.
        """
        self.issue = self.issue or event.issue
        if event.type in TASK_TYPES:
            self._take_step(event)
        if event.has_usage:
            self._take_usage(event, cost, is_estimate=is_estimate)

    def _take_step(self, event: Event) -> None:
        at = event.at
        self.is_task = True
        self.first_at = at if self.first_at is None else min(self.first_at, at)
        self.last_at = at if self.last_at is None else max(self.last_at, at)
        if event.type == TASK_START:
            self.start_at = at if self.start_at is None else min(self.start_at, at)
        elif event.type == TASK_END:
            self._end(event)
        elif event.type == GATE_RESULT:
            self.gates += 1
            self.gates_passed += event.success is True
        elif event.type == REVIEW_CYCLE:
            self.reviews += 1
            self._count_issues(event)

    def _end(self, event: Event) -> None:
        """The latest end holds; but one that knows nothing ends none that does."""
        new = (event.status != UNKNOWN, event.at, event.lamport or 0, event.event_id)
        if self.end_at is not None:
            old = (self.status != UNKNOWN, self.end_at, self.end_lamport)
            if new <= (*old, self.end_event):
                return
        self.end_at, self.end_lamport = event.at, event.lamport or 0
        self.end_event, self.status = event.event_id, event.status
        self.iterations = event.details.get("iterations")

    def _count_issues(self, event: Event) -> None:
        p0, p1 = event.details.get("issues_p0"), event.details.get("issues_p1")
        self.counted_p0 += p0 is not None
        self.issues_p0 += p0 or 0
        self.counted_p1 += p1 is not None
        self.issues_p1 += p1 or 0

    def _take_usage(self, event: Event, cost: int | None, *, is_estimate: bool) -> None:
        if event.type in DIRECT:
            self.direct_priced += cost is not None
            self.direct_unpriced += cost is None
            self.direct_estimated += is_estimate
            self.direct_cost += cost or 0
        else:
            self.said_priced += cost is not None
            self.said_unpriced += cost is None
            self.said_estimated += is_estimate
            self.said_cost += cost or 0

    @property
    def has_calls(self) -> bool:
        """Whether calls or activities said what they used."""
        return bool(self.direct_priced or self.direct_unpriced)

    @property
    def cost(self) -> int | None:
        """Nano-USD by its events alone; None where none of them has any."""
        if self.has_calls:
            return self.direct_cost if self.direct_priced else None
        return self.said_cost if self.said_priced else None

    @property
    def unpriced(self) -> int:
        """How many of the events that count have tokens and no price."""
        return self.direct_unpriced if self.has_calls else self.said_unpriced

    @property
    def estimated(self) -> int:
        """How many of them are priced by the rate card."""
        return self.direct_estimated if self.has_calls else self.said_estimated

    @property
    def cycle_ms(self) -> int | None:
        """From its first start to its end; None where one is missing or they cross."""
        if self.start_at is None or self.end_at is None or self.end_at < self.start_at:
            return None
        return self.end_at - self.start_at

    @property
    def rounds(self) -> int | None:
        """Iterations: as its end says, else one for each review; None without both."""
        return self.iterations if self.iterations is not None else self.reviews or None

    @property
    def counted_at(self) -> int | None:
        """The instant whose period it counts in; None where there is no task."""
        if not self.is_task:
            return None
        return self.first_at if self.end_at is None else self.end_at

    @property
    def figures(self) -> Figures:
        """What the task itself adds to its period; gates and reviews are apart."""
        if not self.is_task:
            return Figures()
        cycle, rounds, cost = self.cycle_ms, self.rounds, self.cost
        return Figures(
            tasks=1,
            succeeded=int(self.status == COMPLETED),
            failed=int(self.status == FAILED),
            blocked=int(self.status == BLOCKED),
            cancelled=int(self.status == CANCELLED),
            timed=int(cycle is not None),
            cycle_ms=cycle or 0,
            iterated=int(rounds is not None),
            iterations=rounds or 0,
            costed=int(cost is not None),
            cost=cost or 0,
            unpriced=self.unpriced,
        )

    @property
    def steps(self) -> Figures:
        """Its gates and reviews."""
        return Figures(
            gates=self.gates,
            gates_passed=self.gates_passed,
            reviews=self.reviews,
            counted_p0=self.counted_p0,
            issues_p0=self.issues_p0,
            counted_p1=self.counted_p1,
            issues_p1=self.issues_p1,
        )


def step_figures(event: Event) -> Figures:
    """What a gate or a review adds to the period in which it happened."""
    if event.type == GATE_RESULT:
        return Figures(gates=1, gates_passed=int(event.success is True))
    if event.type == REVIEW_CYCLE:
        alone = Task("")
        alone.take(event, None, is_estimate=False)
        return alone.steps
    return Figures()
