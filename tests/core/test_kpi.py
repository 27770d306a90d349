"""Each figure of a task, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from costd.core.events import read
from costd.core.kpi import Figures, Task, step_figures
from pricing import instant

BEGAN = instant("2026-11-20T10:00:00Z")
MINUTE = 60_000
Step = tuple[str, int, dict[str, Any]]


def folded(*steps: Step, costs: tuple[int | None, ...] = ()) -> Task:
    """A task of steps: a type, the minute, its fields; and what each cost."""
    task = Task("T")
    for number, (kind, minute, fields) in enumerate(steps):
        said = {"type": kind, "task_id": "T", "event_id": f"e{number}", **fields}
        event = read(said, now=BEGAN + minute * MINUTE, new_id=str)
        cost = costs[number] if costs else None
        task.take(event._replace(lamport=number + 1), cost, is_estimate=False)
    return task


def gate(passed: bool) -> dict[str, Any]:
    return {"gate_name": "tests", "passed": passed}


START: Step = ("task_start", 0, {})
END: Step = ("task_end", 45, {"status": "done"})


@pytest.mark.parametrize(
    ("steps", "minutes"),
    [
        ([START, END], 45),
        ([END, START], 45),
        ([START, ("task_start", 30, {}), END], 45),  # from its first start
        ([START, END, ("task_end", 60, {"status": "done"})], 60),  # to its last end
        ([START, END, ("task_end", 60, {"status": "?"})], 45),  # which must know
        ([START, ("task_end", 60, {})], 60),
        ([START], None),
        ([END], None),
        ([("task_start", 50, {}), END], None),  # clocks that disagree say nothing
    ],
)
def test_cycle_time_is_from_the_first_start_to_the_end(
    steps: list[Step], minutes: int | None
) -> None:
    assert folded(*steps).cycle_ms == (None if minutes is None else minutes * MINUTE)


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        (["done"], "completed"),
        (["failed", "done"], "completed"),
        (["done", "failed"], "failed"),
        (["done", "who knows"], "completed"),
        (["who knows"], "unknown"),
        (["blocked"], "blocked"),
        ([], ""),
    ],
)
def test_the_outcome_is_the_last_one_that_is_known(
    statuses: list[str], status: str
) -> None:
    ends = [("task_end", n, {"status": said}) for n, said in enumerate(statuses)]
    assert folded(START, *ends).status == status


@pytest.mark.parametrize(
    ("steps", "rounds"),
    [
        ([("task_end", 9, {"iterations": 4}), ("review_cycle", 1, {})], 4),
        ([("task_end", 9, {"iterations": 0}), ("review_cycle", 1, {})], 0),
        ([END, ("review_cycle", 1, {}), ("review_cycle", 2, {})], 2),
        ([("review_cycle", 1, {})], 1),
        ([START, END], None),
    ],
)
def test_iterations_are_as_the_end_says_or_one_for_each_review(
    steps: list[Step], rounds: int | None
) -> None:
    assert folded(*steps).rounds == rounds


CALL: Step = ("execution", 5, {"input_tokens": 1})
DONE: Step = ("activity", 6, {"title": "t", "input_tokens": 1})
SUM: Step = ("run_report", 7, {"run_id": "r", "cost_usd": 9})


@pytest.mark.parametrize(
    ("steps", "costs", "cost", "unpriced"),
    [
        ([CALL, CALL], (3, 4), 7, 0),
        ([CALL, DONE], (3, 4), 7, 0),
        ([CALL, SUM], (3, 9), 3, 0),  # a report repeats what its calls said
        ([SUM], (9,), 9, 0),
        ([CALL, CALL], (3, None), 3, 1),
        ([CALL], (None,), None, 1),
        ([CALL, SUM], (None, 9), None, 1),  # not a zero, and not what else was said
        ([START], (None,), None, 0),
    ],
)
def test_the_cost_by_events_counts_calls_or_else_what_sums_them_up(
    steps: list[Step], costs: tuple[int | None, ...], cost: int | None, unpriced: int
) -> None:
    task = folded(*steps, costs=costs)
    assert (task.cost, task.unpriced) == (cost, unpriced)


def test_gates_and_reviews_count_one_by_one() -> None:
    task = folded(
        ("gate_result", 1, gate(False)),
        ("gate_result", 2, gate(True)),
        ("gate_result", 3, gate(True)),
        ("review_cycle", 4, {"issues_p0": 2, "issues_p1": 5}),
        ("review_cycle", 5, {"issues_p1": 1}),
        ("review_cycle", 6, {}),
    )
    assert task.steps == Figures(
        gates=3,
        gates_passed=2,
        reviews=3,
        counted_p0=1,
        issues_p0=2,
        counted_p1=2,
        issues_p1=6,
    )


@pytest.mark.parametrize(
    ("steps", "minute"),
    [
        ([START, END], 45),
        ([START], 0),
        ([("gate_result", 7, gate(True)), ("review_cycle", 8, {})], 7),
        ([("gate_result", 90, gate(True)), END], 45),
        ([CALL, DONE, SUM], None),  # nobody has said that there is a task
    ],
)
def test_a_task_counts_when_it_ended_or_else_when_it_was_first_heard_of(
    steps: list[Step], minute: int | None
) -> None:
    task = folded(*steps)
    assert task.counted_at == (None if minute is None else BEGAN + minute * MINUTE)
    assert task.figures.tasks == (minute is not None)


@pytest.mark.parametrize(
    ("status", "counted"),
    [
        ("done", {"succeeded": 1}),
        ("failed", {"failed": 1}),
        ("blocked", {"blocked": 1}),
        ("aborted", {"cancelled": 1}),
        ("?", {}),
    ],
)
def test_a_task_is_counted_by_its_outcome(status: str, counted: dict[str, int]) -> None:
    figures = folded(("task_end", 1, {"status": status})).figures
    assert figures == Figures(tasks=1, **counted)


def test_what_an_event_adds_by_itself_is_what_its_task_adds() -> None:
    steps: list[Step] = [
        ("gate_result", 1, gate(True)),
        ("review_cycle", 2, {"issues_p0": 3}),
        START,
    ]
    whole = Figures()
    for kind, minute, fields in steps:
        said = {"type": kind, "task_id": "T", **fields}
        whole = whole.plus(step_figures(read(said, now=minute, new_id=str)))
    assert whole == folded(*steps).steps
