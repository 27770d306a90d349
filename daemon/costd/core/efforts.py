"""What attempts are together: how many, how they ended, how long, how dear."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

MINUTE_MS = 60_000


class Effort(NamedTuple):
    """Sums over tasks; times in milliseconds, money in nano-USD.

    ``judged`` tasks have an outcome with evidence and a cost. ``responses`` are single
    calls and activities that tell how long they took.
    """

    tasks: int = 0
    succeeded: int = 0
    failed: int = 0
    blocked: int = 0
    timed: int = 0
    duration_ms: int = 0
    shortest_ms: int | None = None
    longest_ms: int | None = None
    costed: int = 0
    cost: int = 0
    judged: int = 0
    judged_cost: int = 0
    tokens: int = 0
    responses: int = 0
    response_ms: int = 0

    @property
    def known(self) -> int:
        """Tasks with an outcome."""
        return self.succeeded + self.failed + self.blocked

    @property
    def unknown(self) -> int:
        """Tasks without one."""
        return self.tasks - self.known

    @property
    def success_rate(self) -> float | None:
        """Of the tasks with an outcome, 0 to 1; None where there is none."""
        return round(self.succeeded / self.known, 9) if self.known else None

    @property
    def avg_ms(self) -> float | None:
        """Of the tasks that tell how long they took."""
        return self.duration_ms / self.timed if self.timed else None

    @property
    def avg_response_ms(self) -> float | None:
        """Of the calls that tell how long they took."""
        return self.response_ms / self.responses if self.responses else None

    @property
    def cost_per_success(self) -> float | None:
        """Nano-USD of all tasks with an outcome, for each that succeeded."""
        if not self.succeeded or not self.judged:
            return None
        return self.judged_cost / self.succeeded

    @property
    def is_lower_bound(self) -> bool:
        """Whether tasks with an outcome have no cost, so that success costs more."""
        return self.judged < self.known

    def plus(self, other: Effort) -> Effort:
        """Both together."""
        both = Effort(*((a or 0) + (b or 0) for a, b in zip(self, other, strict=True)))
        return both._replace(
            shortest_ms=_one(min, self.shortest_ms, other.shortest_ms),
            longest_ms=_one(max, self.longest_ms, other.longest_ms),
        )


def attempt(
    status: str, duration_ms: int | None, cost: int | None, tokens: int | None
) -> Effort:
    """One task."""
    is_known = status in ("completed", "failed", "blocked")
    return Effort(
        tasks=1,
        succeeded=int(status == "completed"),
        failed=int(status == "failed"),
        blocked=int(status == "blocked"),
        timed=int(duration_ms is not None),
        duration_ms=duration_ms or 0,
        shortest_ms=duration_ms,
        longest_ms=duration_ms,
        costed=int(cost is not None),
        cost=cost or 0,
        judged=int(is_known and cost is not None),
        judged_cost=(cost or 0) if is_known else 0,
        tokens=tokens or 0,
    )


def together(efforts: Iterable[Effort]) -> Effort:
    """The sum of efforts."""
    total = Effort()
    for effort in efforts:
        total = total.plus(effort)
    return total


def minutes(ms: float | None) -> float | None:
    """Minutes, to a thousandth."""
    return None if ms is None else round(ms / MINUTE_MS, 3)


def _one(
    choose: Callable[[list[int]], int], a: int | None, b: int | None
) -> int | None:
    known = [value for value in (a, b) if value is not None]
    return choose(known) if known else None
