"""Where the time of a run goes: phases that begin, end, and lie within one another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

OTHER = "other"
"""The time that is in no phase."""


class PhaseSummary(NamedTuple):
    """All the times that a phase was entered; milliseconds.

    Attributes:
        phase: its name.
        total_ms: how long it was open, with the phases that lay within it.
        own_ms: the same without those: over all phases these add up to the run.
        entered: how often it was entered; ``count`` in JSON.
        avg_ms: ``total_ms`` for each time.
        max_ms: the longest time.
        min_ms: the shortest.
        percent: ``total_ms`` of the whole run, 0 to 100; None where that took no time.
    """

    phase: str
    total_ms: float
    own_ms: float
    entered: int
    avg_ms: float
    max_ms: float
    min_ms: float
    percent: float | None

    def as_json(self) -> dict[str, object]:
        """The same as a report has it, times to the microsecond."""
        values = {**self._asdict(), "count": self.entered}
        del values["entered"]
        return {
            k: round(v, 3) if isinstance(v, float) else v for k, v in values.items()
        }


class _Phase:
    """One phase's times; ``since`` where it is open for the first time."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.own = 0.0
        self.depth = 0
        self.since = 0.0


class PhaseProfiler:
    """Times of phases. It reads no clock: every call says what time it is, in seconds.

    A phase within itself is the same time and counts once. Whoever ends a phase ends
    what lies in it too; what was never begun cannot be ended, and nothing is raised.

    Args:
        at: when the run begins.
    """

    def __init__(self, at: float) -> None:
        self._began = self._moved = at
        self._phases: dict[str, _Phase] = {}
        self._open: list[str] = []
        self._other = 0.0

    def start(self, phase: str, at: float) -> None:
        """The phase begins, within the one that is open."""
        self._pass(at)
        known = self._phases.setdefault(phase, _Phase())
        if not known.depth:
            known.since = self._moved
        known.depth += 1
        self._open.append(phase)

    @property
    def innermost(self) -> str:
        """The phase that is open within all others; empty where none is."""
        return self._open[-1] if self._open else ""

    def end(self, phase: str, at: float) -> bool:
        """The phase ends; whether it was open."""
        if phase not in self._open:
            return False
        self._pass(at)
        while True:
            name = self._open.pop()
            known = self._phases[name]
            known.depth -= 1
            if not known.depth:
                known.times.append(self._moved - known.since)
            if name == phase:
                return True

    def own_ms(self, at: float) -> dict[str, float]:
        """How long each phase was the innermost one, and ``other``: disjoint times."""
        self._pass(at)
        found = {name: known.own * 1000 for name, known in self._phases.items()}
        return {**found, OTHER: found.get(OTHER, 0.0) + self._other * 1000}

    def summary(self, at: float) -> list[PhaseSummary]:
        """Each phase that was entered, the longest first; an open one up to now."""
        self._pass(at)
        whole = (self._moved - self._began) * 1000
        found = [
            _summary(name, known, self._moved, whole)
            for name, known in self._phases.items()
        ]
        return sorted(found, key=lambda each: (-each.total_ms, each.phase))

    def _pass(self, at: float) -> None:
        """Time has gone by; a clock that is set back stands still."""
        gone = max(0.0, at - self._moved)
        self._moved += gone
        if self._open:
            self._phases[self._open[-1]].own += gone
        else:
            self._other += gone


def _summary(name: str, known: _Phase, now: float, whole: float) -> PhaseSummary:
    times = [t * 1000 for t in known.times]
    if known.depth:
        times.append((now - known.since) * 1000)
    total = sum(times)
    return PhaseSummary(
        name,
        total,
        known.own * 1000,
        len(times),
        total / len(times),
        max(times),
        min(times),
        total * 100 / whole if whole else None,
    )


def since(now: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    """What was added to disjoint times; phases without any are left out."""
    gone = {name: ms - before.get(name, 0.0) for name, ms in now.items()}
    return {name: ms for name, ms in gone.items() if ms > 0}
