"""What runs are together: every figure here was worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from costd.core.runs import (
    average,
    distribution,
    iterations_of,
    row_of,
    success_rate,
    summary,
    trend,
)

Json = dict[str, Any]


def report(
    status: str = "unknown",
    cost: float | None = None,
    took: float | None = None,
    tokens: int | None = None,
    iterations: int | None = None,
    *,
    phases: dict[str, float] | None = None,
    name: str = "r",
) -> Json:
    return {
        "run": {"run_id": name},
        "outcome": {"status": status, "iterations": iterations},
        "tokens": {"total": tokens},
        "cost": {"cost_usd": cost},
        "timing": {"duration_ms": took, "phases": phases or {}},
    }


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, None),
        ({"unknown": 7}, None),
        ({"completed": 3, "unknown": 7}, 1.0),
        ({"completed": 3, "failed": 1}, 0.75),
        ({"completed": 1, "failed": 2, "blocked": 1, "unknown": 9}, 0.25),
        ({"failed": 2}, 0.0),
    ],
)
def test_the_success_rate(counts: dict[str, int], expected: float | None) -> None:
    assert success_rate(counts) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], None), ([None], None), ([1, None, 2], 1.5), ([0], 0), ([1, 1, 2], 4 / 3)],
)
def test_an_average_is_over_those_that_are_known(
    values: list[float | None], expected: float | None
) -> None:
    found = average(values)
    assert found == (None if expected is None else pytest.approx(expected, abs=1e-9))


def test_a_summary() -> None:
    found = summary(
        [
            report("completed", 2.0, 1000, 100, 2, name="a"),
            report("failed", 0.5, 3000, None, 4, name="b"),
            report("unknown", None, None, 50, name="c"),
        ]
    )
    counts = [found[s] for s in ("runs", "completed", "blocked", "failed", "unknown")]
    assert counts == [3, 1, 0, 1, 1]
    assert found["success_rate"] == 0.5
    assert (found["total_cost_usd"], found["runs_without_cost"]) == (2.5, 1)
    assert (found["avg_cost_usd"], found["avg_tokens"]) == (1.25, 75)
    assert (found["avg_duration_ms"], found["avg_iterations"]) == (2000, 3)
    assert found["total_tokens"] == 150
    assert [row["run_id"] for row in found["most_expensive"]] == ["a", "b"]


def test_the_five_dearest() -> None:
    found = summary([report(cost=float(n), name=str(n)) for n in range(8)])
    assert [row["run_id"] for row in found["most_expensive"]] == list("76543")


def test_no_runs_have_no_figures() -> None:
    found = summary([])
    assert found["runs"] == 0
    for name in ("success_rate", "total_cost_usd", "avg_tokens", "avg_cost_usd"):
        assert found[name] is None
    assert (found["trend"], found["phases"], found["most_expensive"]) == (None, [], [])


def test_where_the_time_goes() -> None:
    # 0.75 and 0.25 of the first, all of the second in "agent"; the third tells nothing
    found = distribution(
        [
            report(phases={"agent": 750, "tests": 250}),
            report(phases={"agent": 10}),
            report(phases={}),
        ]
    )
    assert found == [
        {"phase": "agent", "share": 0.875},
        {"phase": "tests", "share": 0.125},
    ]


@pytest.mark.parametrize(
    ("costs", "runs", "average_", "change", "direction"),
    [
        ([3.0, 2.0], 1, 2.0, 0.5, "up"),
        ([1.0, 2.0, 2.0], 2, 2.0, -0.5, "down"),
        ([2.1, 2.0], 1, 2.0, 0.05, "flat"),
        ([2.2, 2.0], 1, 2.0, 0.1, "up"),
        # only the five before the last one count
        ([4.0, 1, 2, 3, 4, 5, 1000], 5, 3.0, 1 / 3, "up"),
        ([4.0, None, 2.0], 2, 2.0, 1.0, "up"),
        ([None, 2.0], 1, 2.0, None, None),
        ([2.0, None], 1, None, None, None),
        ([2.0, 0.0], 1, 0.0, None, None),
    ],
)
def test_the_trend(
    costs: list[float | None],
    runs: int,
    average_: float | None,
    change: float | None,
    direction: str | None,
) -> None:
    found = trend([row_of(report(cost=cost)) for cost in costs])
    assert found is not None
    assert found["runs"] == runs
    assert found["cost_usd"] == {
        "last": costs[0],
        "average": average_,
        "change": None if change is None else pytest.approx(change, abs=1e-9),
        "direction": direction,
    }


def test_one_run_has_no_trend() -> None:
    assert trend([row_of(report(cost=1.0))]) is None


def test_iterations_are_put_together() -> None:
    found = iterations_of(
        {
            "timing": {
                "per_iteration": [
                    {"iteration": 2, "duration_ms": 5, "phases": {"a": 5}},
                    {"iteration": 10, "duration_ms": 7},
                ]
            },
            "tokens": {
                "per_iteration": [{"iteration": 2, "input": 1, "output": 2, "total": 3}]
            },
            "cost": {"per_iteration": [{"iteration": 2, "cost_usd": 0.5}]},
        }
    )
    assert [each["iteration"] for each in found] == [2, 10]
    assert found[0] == {
        "iteration": 2,
        "duration_ms": 5,
        "input_tokens": 1,
        "output_tokens": 2,
        "tokens": 3,
        "cost_usd": 0.5,
        "phases": {"a": 5},
    }
    assert found[1]["cost_usd"] is None


@pytest.mark.parametrize("damaged", [{}, {"run": 7}, {"timing": None, "cost": []}])
def test_a_damaged_report_is_a_row_of_unknowns(damaged: Json) -> None:
    row = row_of(damaged)
    assert (row["status"], row["cost_usd"], row["run_id"]) == ("unknown", None, None)
    assert iterations_of(damaged) == []
