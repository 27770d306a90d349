"""``MetricsCollector``: what is told is in the report, and nothing else is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import costd
from costd.runs import MetricsCollector


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def collector(clock: Clock, **about: Any) -> MetricsCollector:
    def wall() -> int:
        return 1_795_860_000_000 + round((clock.seconds - 100) * 1000)

    return MetricsCollector(clock=clock, wall=wall, environ={}, **about)


def test_an_empty_run_knows_nothing(clock: Clock) -> None:
    report = collector(clock).to_report()
    assert report["outcome"]["status"] == "unknown"
    assert report["outcome"]["iterations"] is None
    assert report["tokens"]["total"] is None
    assert report["tokens"]["estimated"] is None
    assert report["cost"] == {"cost_usd": None, "state": "pending"}
    assert report["files"] == dict.fromkeys(("modified", "created", "deleted", "count"))
    assert report["validation"]["total_runs"] is None
    assert report["scope"]["violations"] is None
    assert report["timing"]["duration_ms"] == 0
    json.dumps(report)


@pytest.fixture
def full(clock: Clock) -> dict[str, Any]:
    """The report of a run in which everything happens."""
    run = collector(clock, issue="MIN-1", agent="claude", model="m-1", max_iterations=5)
    with run.phase("context"):
        clock.seconds += 1
    for iteration in (1, 2):
        with run.phase("agent"):
            clock.seconds += 3
            with run.phase("tests"):
                clock.seconds += 0.5
        run.record_token_usage(iteration, 100 * iteration, 10, cache_read=1000)
        run.record_iteration()
    run.record_validation("pytest -q", passed=False, exit_code=1, iteration=1)
    run.record_validation("pytest -q", passed=True, exit_code=0, iteration=2)
    run.record_scope_violation(["secrets.env"])
    run.record_error(ValueError("some text of the session"))
    run.record_outcome("completed", "the tests pass")
    clock.seconds += 2
    return run.to_report()


def test_what_a_run_was_and_became(full: dict[str, Any]) -> None:
    assert (full["run"]["issue"], full["run"]["model"]) == ("MIN-1", "m-1")
    assert full["outcome"] == {
        "status": "completed",
        "evidence": "the tests pass",
        "exit_code": None,
        "iterations": 2,
        "max_iterations": 5,
        "errors": 1,
        "error": {"type": "ValueError", "message": None},
        "blocked_reason": None,
    }


def test_where_its_time_went(full: dict[str, Any]) -> None:
    timing = full["timing"]
    assert timing["started_at"] == "2026-11-28T10:00:00Z"
    assert timing["completed_at"] == "2026-11-28T10:00:10Z"
    assert timing["duration_ms"] == 10_000
    assert timing["phases"] == {
        "context": 1000,
        "agent": 6000,
        "tests": 1000,
        "other": 2000,
    }
    assert timing["per_iteration"] == [
        {
            "iteration": 1,
            "duration_ms": 4500,
            "phases": {"context": 1000, "agent": 3000, "tests": 500},
        },
        {"iteration": 2, "duration_ms": 3500, "phases": {"agent": 3000, "tests": 500}},
    ]
    assert timing["profile"][0] == {
        "phase": "agent",
        "total_ms": 7000,
        "own_ms": 6000,
        "count": 2,
        "avg_ms": 3500,
        "max_ms": 3500,
        "min_ms": 3500,
        "percent": 70,
    }


def test_its_tokens_and_checks(full: dict[str, Any]) -> None:
    tokens = full["tokens"]
    assert (tokens["input"], tokens["output"], tokens["cache_read"]) == (300, 20, 2000)
    assert (tokens["total"], tokens["estimated"]) == (2320, False)
    assert [each["total"] for each in tokens["per_iteration"]] == [1110, 1210]
    assert tokens["cache_creation_5m"] is None
    assert full["validation"]["failures"] == 1
    assert full["scope"] == {
        "mode": None,
        "violations": 1,
        "blocked_files": ["secrets.env"],
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ("modified", {"modified": ["f"]}),
        ("created modified", {"created": ["f"]}),
        ("created deleted", {}),
        ("modified deleted", {"deleted": ["f"]}),
        ("deleted created", {"modified": ["f"]}),
        ("created deleted created", {"created": ["f"]}),
        ("renamed", {}),
    ],
)
def test_several_changes_of_a_file_are_one(
    clock: Clock, changes: str, expected: dict[str, list[str]]
) -> None:
    run = collector(clock)
    for kind in changes.split():
        run.record_file_change("f", kind)
    files = run.to_report()["files"]
    nothing: dict[str, list[str]] = {"modified": [], "created": [], "deleted": []}
    assert files == {**nothing, **expected, "count": len(expected)}


def test_estimates_are_marked(clock: Clock) -> None:
    run = collector(clock)
    run.record_token_usage(1, 10, 10)
    run.record_token_usage(2, 10, 10, estimated=True)
    tokens = run.to_report()["tokens"]
    assert tokens["estimated"] is True
    assert [each["estimated"] for each in tokens["per_iteration"]] == [False, True]


@pytest.mark.parametrize("count", [-1, 1.5, True, "10", None])
def test_what_is_no_count_is_unknown(clock: Clock, count: Any) -> None:
    run = collector(clock)
    run.record_token_usage(1, count)
    assert run.to_report()["tokens"]["total"] is None


def test_nothing_is_raised_for_nonsense(clock: Clock) -> None:
    run = collector(clock)
    run.end_phase("never begun")
    run.record_outcome("splendid", "who knows")
    assert run.to_report()["outcome"]["status"] == "unknown"
    run.record_outcome("blocked", "no key")
    assert run.to_report()["outcome"]["blocked_reason"] == "no key"


def test_the_shortest_ways_of_saying_it(clock: Clock) -> None:
    run = collector(clock)
    run.start_phase("outer")
    run.start_phase("inner")
    clock.seconds += 1
    run.end_phase()
    clock.seconds += 2
    run.end_phase()
    run.end_phase()  # nothing is open
    run.record_token_usage(input_tokens=7, output_tokens=3, cache_read_tokens=2)
    run.record_token_usage(input=1, cost_of_living="high")
    run.record_validation("pytest", True)
    run.record_scope_violation("a.py")
    run.record_scope_violation()
    run.record_file_change("b.py")
    report = run.to_report()
    times = report["timing"]["phases"]
    assert times == {"outer": 2000.0, "inner": 1000.0, "other": 0.0}
    assert (report["tokens"]["input"], report["tokens"]["total"]) == (8, 13)
    assert report["validation"]["failures"] == 0
    assert report["scope"]["violations"] == 2
    assert report["scope"]["blocked_files"] == ["a.py"]
    assert report["files"]["modified"] == ["b.py"]


def test_words_where_numbers_belong(clock: Clock) -> None:
    run = collector(clock)
    nonsense: Any = "many"
    run.record_iteration(nonsense, nonsense)
    run.record_iteration(duration_ms=float("nan"))
    run.record_token_usage(nonsense, nonsense, nonsense)
    run.record_validation(nonsense, nonsense, duration_ms=nonsense, exit_code=nonsense)
    run.record_outcome("failed", nonsense)
    run.record_scope_violation(None)  # type: ignore[arg-type]  # who cares not for types
    report = run.to_report()
    assert [row["iteration"] for row in report["timing"]["per_iteration"]] == [1, 2]
    assert report["tokens"]["total"] is None
    assert report["validation"]["runs"][0]["exit_code"] is None
    json.dumps(report, allow_nan=False)


def test_asking_changes_nothing(clock: Clock) -> None:
    run = collector(clock)
    run.start_phase("agent")
    clock.seconds += 1
    first = run.to_report()
    assert run.to_report() == first
    clock.seconds += 1
    run.end_phase("agent")
    assert run.to_report()["timing"]["phases"]["agent"] == 2000


def test_it_needs_the_standard_library_only() -> None:
    source = Path(costd.__file__).parents[1]
    program = (
        f"import sys; sys.path.insert(0, {str(source)!r}); import costd.runs;"
        "costd.runs.MetricsCollector().to_report(); print('fine')"
    )
    # -S: nothing that was installed can be imported
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, check=False
    )
    assert done.stdout == b"fine\n", done.stderr
