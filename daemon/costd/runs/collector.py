"""``MetricsCollector``: what a run did, remembered until somebody asks for its report."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from costd import __version__
from costd.runs.environment import environment
from costd.runs.profiler import PhaseProfiler, since

OUTCOMES = ("completed", "blocked", "failed", "unknown")
"""What became of a run. Without evidence it is ``unknown``."""

TOKENS = ("input", "output", "cache_read", "cache_creation_5m", "cache_creation_1h")
"""Disjoint: a token is in one of them."""

KINDS = ("modified", "created", "deleted")
_FOLDED = {
    ("created", "modified"): "created",
    ("created", "deleted"): None,
    ("deleted", "created"): "modified",
}
"""What two changes of one file are together, where it is not the later one."""

_MOST = 10_000
_LONGEST = 500

Json = dict[str, Any]


class MetricsCollector:
    """Remembers; reads and writes nothing, and raises nothing that a run could feel.

    Args:
        issue: what the run works on.
        task: the same in the words of whoever starts it, such as a path.
        role: the kind of work.
        capability: ``feature``, ``bugfix``, ….
        agent: which agent runs.
        provider: who serves its model.
        model: the model, where there is one.
        sessions: ids of the agent's sessions, for costs from its logs.
        max_iterations: the limit that was set.
        run_id: a UUID; made where it is left out.
        clock: seconds that never go back.
        wall: milliseconds since the epoch.
        environ: the environment; the process's own where it is left out.
    """

    def __init__(
        self,
        *,
        issue: str | None = None,
        task: str | None = None,
        role: str | None = None,
        capability: str | None = None,
        agent: str | None = None,
        provider: str | None = None,
        model: str | None = None,
        sessions: Iterable[str] = (),
        max_iterations: int | None = None,
        run_id: str | None = None,
        clock: Callable[[], float] = time.perf_counter,
        wall: Callable[[], int] = lambda: time.time_ns() // 1_000_000,  # noqa: TID251 - it stands alone: nobody lends it a clock
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.run_id = run_id or new_run_id()
        self._about = {
            "issue": issue,
            "task": task,
            "role": role,
            "capability": capability,
            "agent": agent,
            "provider": provider,
            "model": model,
        }
        self.sessions = list(sessions)
        self._max_iterations = max_iterations
        self._clock, self._wall = clock, wall
        self._environ = environ
        self._began, self._began_at = clock(), wall()
        self._profiler = PhaseProfiler(self._began)
        self._iterations: dict[int, Json] = {}
        self._marked, self._marked_ms = self._began, dict[str, float]()
        self._usage: list[Json] = []
        self._validations: list[Json] = []
        self._scope: Json = {"mode": None, "violations": None, "blocked_files": []}
        self._files: dict[str, str | None] = {}
        self._knows_files = False
        self._errors: list[Json] = []
        self._outcome: Json = {"status": "unknown", "evidence": None}

    # Phases.

    def start_phase(self, name: str) -> None:
        """A phase begins; within another one where one is open."""
        self._profiler.start(str(name), self._clock())

    def end_phase(self, name: str | None = None) -> None:
        """It ends, and whatever is open within it; without a name the innermost one."""
        found = self._profiler.innermost if name is None else str(name)
        self._profiler.end(found, self._clock())

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Begin and end, also when something is raised."""
        self.start_phase(name)
        try:
            yield
        finally:
            self.end_phase(name)

    # What happens.

    def record_iteration(
        self, iteration: int | None = None, duration_ms: float | None = None
    ) -> None:
        """An iteration is over: the next one, or the one with that number.

        Args:
            iteration: counted from 1.
            duration_ms: how long it took; since the one before, if nobody says.
        """
        now, times = self._clock(), self._profiler.own_ms(self._clock())
        said = _number(duration_ms)
        took = (now - self._marked) * 1000 if said is None else said
        number = _count(iteration)
        if number is None:
            number = max(self._iterations, default=0) + 1
        phases = _rounded(since(times, self._marked_ms))
        self._iterations[number] = {"duration_ms": round(took, 3), "phases": phases}
        self._marked, self._marked_ms = now, times

    def record_token_usage(
        self,
        iteration: int | None = None,
        input: int | None = None,  # noqa: A002 - the name that everybody has for it
        output: int | None = None,
        *,
        cache_read: int | None = None,
        cache_creation_5m: int | None = None,
        cache_creation_1h: int | None = None,
        model: str | None = None,
        estimated: bool = False,
        **more: object,
    ) -> None:
        """Tokens of an iteration, in disjoint buckets: ``input`` without the cached ones.

        ``input_tokens``, ``cache_read_tokens`` and so on are understood too.

        Args:
            iteration: which one; None for none in particular.
            input: uncached input.
            output: output, thinking included.
            cache_read: input served from a cache.
            cache_creation_5m: input written to a cache for five minutes.
            cache_creation_1h: input written to a cache for an hour.
            model: which model; the run's own where it is left out.
            estimated: whether they were guessed, from lengths of texts for instance.
            more: the same under their longer names; others are left out.
        """
        values = (input, output, cache_read, cache_creation_5m, cache_creation_1h)
        counts = {
            name: _count(more.get(f"{name}_tokens") if value is None else value)
            for name, value in zip(TOKENS, values, strict=True)
        }
        self._usage.append(
            {
                "iteration": _count(iteration),
                "model": model or self._about["model"],
                **counts,
                "estimated": bool(estimated),
            }
        )

    def record_validation(
        self,
        command: str,
        passed: bool,  # noqa: FBT001 - of a check that is all that matters
        *,
        phase: str | None = None,
        duration_ms: float | None = None,
        exit_code: int | None = None,
        iteration: int | None = None,
    ) -> None:
        """A check was run: a linter, the tests."""
        self._validations.append(
            {
                "iteration": _count(iteration),
                "phase": phase and str(phase),
                "command": str(command)[:_LONGEST],
                "passed": bool(passed),
                "duration_ms": _number(duration_ms),
                "exit_code": exit_code if isinstance(exit_code, int) else None,
            }
        )

    def record_scope(self, mode: str) -> None:
        """What keeps the agent to its files: ``strict``, ``warn``, …."""
        self._scope["mode"] = str(mode)
        self._scope["violations"] = self._scope["violations"] or 0

    def record_scope_violation(self, files: Iterable[str] | str = ()) -> None:
        """The agent went for files that are not its own, and was kept from it."""
        files = [files] if isinstance(files, str) else files or ()
        self._scope["violations"] = (self._scope["violations"] or 0) + 1
        blocked = self._scope["blocked_files"]
        blocked += [str(f) for f in files if str(f) not in blocked][:_MOST]

    def record_file_change(self, path: str, kind: str = "modified") -> None:
        """A file was ``modified``, ``created`` or ``deleted``."""
        self._knows_files = True
        if kind not in KINDS or len(self._files) >= _MOST:
            return
        known = self._files.get(str(path))
        self._files[str(path)] = _FOLDED.get((known, kind), kind) if known else kind

    def record_no_file_changes(self) -> None:
        """Somebody looked, and nothing has changed so far."""
        self._knows_files = True

    def record_error(self, error: BaseException | str) -> None:
        """Something went wrong. Of an exception only its class is kept."""
        if isinstance(error, BaseException):
            self._errors.append({"type": type(error).__name__, "message": None})
        else:
            self._errors.append({"type": None, "message": str(error)[:_LONGEST]})

    def record_outcome(self, status: str, evidence: str | None = None) -> None:
        """What became of it: one of ``OUTCOMES``, and how one knows.

        Anything else counts as ``unknown``.
        """
        known = status if status in OUTCOMES else "unknown"
        said = str(evidence)[:_LONGEST] if evidence else None
        self._outcome = {"status": known, "evidence": said}

    # The report.

    def to_report(self) -> Json:
        """Everything so far, as JSON would have it; what is unknown is null."""
        now, ended_at = self._clock(), self._wall()
        return {
            "schema_version": 1,
            "run": {
                "run_id": self.run_id,
                "timestamp": _instant(self._began_at),
                **self._about,
                "source": "collector",
                "sessions": list(self.sessions),
                "costd_version": __version__,
            },
            "outcome": self._ended(),
            "tokens": _tokens(self._usage),
            "cost": {"cost_usd": None, "state": "pending"},
            "timing": self._times(now, ended_at),
            "files": self._changed(),
            "validation": self._checks(),
            "scope": dict(self._scope),
            "environment": environment(self._environ),
        }

    def _ended(self) -> Json:
        blocked = self._outcome["status"] == "blocked"
        return {
            **self._outcome,
            "exit_code": None,
            "iterations": len(self._iterations) or None,
            "max_iterations": self._max_iterations,
            "errors": len(self._errors),
            "error": self._errors[-1] if self._errors else None,
            "blocked_reason": self._outcome["evidence"] if blocked else None,
        }

    def _times(self, now: float, ended_at: int) -> Json:
        return {
            "started_at": _instant(self._began_at),
            "completed_at": _instant(ended_at),
            "duration_ms": round(max(0.0, now - self._began) * 1000, 3),
            "phases": _rounded(self._profiler.own_ms(now)),
            "profile": [each.as_json() for each in self._profiler.summary(now)],
            "per_iteration": [
                {"iteration": number, **self._iterations[number]}
                for number in sorted(self._iterations)
            ],
        }

    def _changed(self) -> Json:
        if not self._knows_files:
            return {**dict.fromkeys(KINDS), "count": None}
        found = {
            kind: sorted(path for path, known in self._files.items() if known == kind)
            for kind in KINDS
        }
        return {**found, "count": sum(map(len, found.values()))}

    def _checks(self) -> Json:
        runs = [dict(each) for each in self._validations]
        failures = sum(not each["passed"] for each in runs)
        if not runs:
            return {"runs": [], "total_runs": None, "failures": None}
        return {"runs": runs, "total_runs": len(runs), "failures": failures}


def new_run_id() -> str:
    """A random UUID, without the module that makes them: it is slow to load."""
    raw = bytearray(os.urandom(16))
    raw[6], raw[8] = raw[6] & 0x0F | 0x40, raw[8] & 0x3F | 0x80
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _tokens(usage: list[Json]) -> Json:
    """The sums over everything that was told; null for what nobody told."""
    sums = {name: _sum(each[name] for each in usage) for name in TOKENS}
    numbers = sorted({u["iteration"] for u in usage if u["iteration"] is not None})
    per_iteration = []
    for number in numbers:
        own = [u for u in usage if u["iteration"] == number]
        found = {name: _sum(each[name] for each in own) for name in TOKENS}
        estimated = any(u["estimated"] for u in own)
        per_iteration.append(
            {
                "iteration": number,
                **found,
                "total": _sum(found.values()),
                "estimated": estimated,
            }
        )
    by_model: dict[str, Json] = {}
    for each in usage:
        known = by_model.setdefault(each["model"] or "", dict.fromkeys(TOKENS))
        for name in TOKENS:
            known[name] = _sum((known[name], each[name]))
    return {
        **sums,
        "total": _sum(sums.values()),
        "estimated": any(each["estimated"] for each in usage) if usage else None,
        "per_iteration": per_iteration,
        "by_model": by_model,
    }


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _count(value: object) -> int | None:
    """A number of tokens; None where it is none."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and value >= 0 else None  # type: ignore[operator,return-value]  # it is a number there


def _number(value: Any) -> float | None:
    """Milliseconds; None where it is no number of them."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and 0 <= value < float("inf") else None


def _rounded(values: Mapping[str, Any]) -> Json:
    return {k: round(v, 3) if isinstance(v, float) else v for k, v in values.items()}


def _instant(at: int) -> str:
    seconds, ms = divmod(at, 1000)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{text}.{ms:03d}Z" if ms else f"{text}Z"
