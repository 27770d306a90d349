"""The figures of tasks by period, through the engine, worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from costd.core.errors import UsageError
from owned import Owned, owned
from worklog import BEGAN, stamp

ONE = 0.02505
"""What one response of the work log costs, USD."""
S1 = "11111111-0000-4000-8000-000000000000"
NOTHING = {
    "tasks": 0,
    "succeeded": 0,
    "failed": 0,
    "unknown": 0,
    "blocked": 0,
    "cancelled": 0,
    "success_rate": None,
    "cycle_time_seconds": None,
    "timed_tasks": 0,
    "cost_usd": None,
    "total_cost_usd": None,
    "costed_tasks": 0,
    "lower_bound": False,
    "unpriced_events": 0,
    "iterations": None,
    "iterated_tasks": 0,
    "gates": 0,
    "gates_passed": 0,
    "gate_pass_rate": None,
    "reviews": 0,
    "issues_p0": None,
    "issues_p1": None,
}


@pytest.fixture
def book(memory_dir: Path) -> Iterator[Owned]:
    with owned(memory_dir) as made:
        yield made


def tell(book: Owned, *events: dict[str, Any]) -> None:
    """Three times, which must be the same as once."""
    answer = book.ask("events", events=list(events))
    assert answer["rejected"] == []
    for _ in range(2):
        again = book.ask("events", events=list(events))
        assert (again["accepted"], again["duplicates"]) == (0, len(events))


def step(kind: str, task: str, at: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "task_id": task, "timestamp": at, **fields}


def three_tasks() -> list[dict[str, Any]]:
    """Two that ended, of which one failed, and one that nobody ended."""
    call = {"agent": "gemini", "cost_usd": 0.5}
    return [
        step("task_start", "T1", "2026-11-20T10:00:00Z"),
        step("execution", "T1", "2026-11-20T10:05:00Z", **call),
        step("execution", "T1", "2026-11-20T10:06:00Z", **call),
        step("gate_result", "T1", "2026-11-20T10:10:00Z", gate_name="a", passed=True),
        step("gate_result", "T1", "2026-11-20T10:11:00Z", gate_name="b", passed=False),
        step("task_end", "T1", "2026-11-20T10:30:00Z", status="done", iterations=3),
        step("task_start", "T2", "2026-11-20T23:00:00Z"),
        step("review_cycle", "T2", "2026-11-20T23:30:00Z", issues_p0=1, issues_p1=4),
        step("task_end", "T2", "2026-11-21T01:00:00Z", status="failed"),
        step("task_start", "T3", "2026-11-21T02:00:00Z"),
    ]


def test_with_no_event_nothing_is_known(book: Owned) -> None:
    answer = book.ask("kpi")
    assert answer["rows"] == []
    assert answer["total"] == NOTHING


def test_each_figure_by_day(book: Owned) -> None:
    tell(book, *three_tasks())
    answer = book.ask("kpi", period="daily", tz="UTC")
    first, second = answer["rows"]
    assert first == {
        **NOTHING,
        "from": "2026-11-20T00:00:00Z",
        "to": "2026-11-21T00:00:00Z",
        "label": "2026-11-20",
        "tasks": 1,
        "succeeded": 1,
        "success_rate": 1.0,
        "cycle_time_seconds": 1800.0,
        "timed_tasks": 1,
        "cost_usd": 1.0,
        "total_cost_usd": 1.0,
        "costed_tasks": 1,
        "iterations": 3.0,
        "iterated_tasks": 1,
        "gates": 2,
        "gates_passed": 1,
        "gate_pass_rate": 0.5,
        "reviews": 1,  # when it was done, though its task ended the day after
        "issues_p0": 1,
        "issues_p1": 4,
    }
    assert second == {
        **NOTHING,
        "from": "2026-11-21T00:00:00Z",
        "to": "2026-11-22T00:00:00Z",
        "label": "2026-11-21",
        "tasks": 2,
        "failed": 1,
        "unknown": 1,
        "success_rate": 0.0,
        "cycle_time_seconds": 7200.0,
        "timed_tasks": 1,
        "iterations": 1.0,
        "iterated_tasks": 1,
    }


def test_each_figure_in_all(book: Owned) -> None:
    tell(book, *three_tasks())
    answer = book.ask("kpi", period="daily", tz="UTC")
    assert answer["total"] == {
        **NOTHING,
        "tasks": 3,
        "succeeded": 1,
        "failed": 1,
        "unknown": 1,
        "success_rate": 0.5,
        "cycle_time_seconds": 4500.0,
        "timed_tasks": 2,
        "cost_usd": 1.0,
        "total_cost_usd": 1.0,
        "costed_tasks": 1,
        "iterations": 2.0,
        "iterated_tasks": 2,
        "gates": 2,
        "gates_passed": 1,
        "gate_pass_rate": 0.5,
        "reviews": 1,
        "issues_p0": 1,
        "issues_p1": 4,
    }


@pytest.mark.parametrize(
    ("period", "tz", "ends", "labels"),
    [
        # Oslo's clocks go back on 25 October 2026: the day has 25 hours.
        (
            "daily",
            "Europe/Oslo",
            ["2026-10-24T22:00:00Z", "2026-10-25T22:59:00Z", "2026-10-25T23:00:00Z"],
            {"2026-10-25": 2, "2026-10-26": 1},
        ),
        # They go forward on 29 March: the day has 23.
        (
            "daily",
            "Europe/Oslo",
            ["2026-03-28T23:00:00Z", "2026-03-29T21:59:00Z", "2026-03-29T22:00:00Z"],
            {"2026-03-29": 2, "2026-03-30": 1},
        ),
        (
            "weekly",
            "Europe/Oslo",
            ["2026-10-18T22:00:00Z", "2026-10-25T22:59:00Z", "2026-10-25T23:00:00Z"],
            {"2026-10-19": 2, "2026-10-26": 1},
        ),
        (
            "weekly",
            "America/New_York",
            ["2026-03-02T05:00:00Z", "2026-03-09T03:59:00Z", "2026-03-09T04:00:00Z"],
            {"2026-03-02": 2, "2026-03-09": 1},
        ),
        (
            "cycle",
            "America/New_York",
            ["2026-10-15T04:00:00Z", "2026-11-15T04:59:00Z", "2026-11-15T05:00:00Z"],
            {"2026-10-15": 2, "2026-11-15": 1},
        ),
        (
            "cycle",
            "Europe/Oslo",
            ["2026-03-14T23:00:00Z", "2026-04-14T21:59:00Z", "2026-04-14T22:00:00Z"],
            {"2026-03-15": 2, "2026-04-15": 1},
        ),
    ],
)
def test_periods_through_a_change_of_the_clocks(
    book: Owned, period: str, tz: str, ends: list[str], labels: dict[str, int]
) -> None:
    tell(book, *(step("task_end", f"T{n}", at) for n, at in enumerate(ends)))
    answer = book.ask("kpi", period=period, tz=tz, cycle_day=15)
    assert {row["label"]: row["tasks"] for row in answer["rows"]} == labels
    assert answer["total"]["tasks"] == len(ends)


def test_the_ledger_knows_better_what_an_issue_cost(book: Owned) -> None:
    book.work.respond(S1, 0)
    book.work.respond(S1, 1)
    book.sync()
    book.link("MIN-1", session=S1)
    call = {"agent": "claude", "session_id": S1, "cost_usd": 99}
    tell(
        book,
        step("execution", "MIN-1", stamp(1), **call),
        step("task_end", "min-1", stamp(2), status="ok"),
        step("execution", "T9", stamp(1), agent="gemini", cost_usd=1),
        step("task_end", "T9", stamp(2), status="ok"),
    )
    answer = book.ask("kpi", period="task")
    costs = {r["task_id"]: (r["cost_usd"], r["cost_source"]) for r in answer["rows"]}
    assert costs == {"MIN-1": (2 * ONE, "ledger"), "T9": (1.0, "reported")}
    assert answer["total"]["total_cost_usd"] == round(1 + 2 * ONE, 9)
    assert answer["total"]["cost_usd"] == round((1 + 2 * ONE) / 2, 9)
    daily = book.ask("kpi", period="daily")
    assert sum(row["total_cost_usd"] for row in daily["rows"]) == round(1 + 2 * ONE, 9)
    # What events say of money is never in the ledger.
    assert book.costs() == {"MIN-1": 2 * ONE}
    book.ask("unlink", session=S1)
    assert book.ask("kpi", period="task")["total"]["total_cost_usd"] == 100


def test_what_has_no_price_is_no_zero(book: Owned) -> None:
    call = {"agent": "x", "model": "nobody-knows-it", "input_tokens": 5}
    tell(
        book,
        step("execution", "T1", "2026-11-20T10:00:00Z", **call),
        step("task_end", "T1", "2026-11-20T11:00:00Z", status="ok"),
    )
    total = book.ask("kpi")["total"]
    assert (total["cost_usd"], total["unpriced_events"]) == (None, 1)
    assert total["lower_bound"] is True


def test_a_span_holds_what_counts_in_it(book: Owned) -> None:
    tell(book, *three_tasks())
    span = {"since": "2026-11-21", "until": "2026-11-21", "tz": "UTC"}
    assert book.ask("kpi", **span)["total"]["tasks"] == 2
    rows = book.ask("kpi", period="task", **span)["rows"]
    assert [row["task_id"] for row in rows] == ["T3", "T2"]
    assert [row["status"] for row in rows] == ["unknown", "failed"]
    assert (rows[0]["from"], rows[0]["to"]) == ("2026-11-21T02:00:00Z", None)
    assert len(book.ask("kpi", period="task", limit=1)["rows"]) == 1
    assert book.ask("kpi", period="all")["rows"] == []
    assert book.ask("kpi", since="2027-01-01")["rows"] == []


@pytest.mark.parametrize("period", ["daily", "weekly", "cycle"])
def test_a_date_of_somebodys_own_making_makes_no_row_of_every_day(
    book: Owned, period: str
) -> None:
    for number, at in enumerate(("1970-01-02T00:00:00Z", "9998-12-30T00:00:00Z", 0)):
        tell(book, step("task_end", f"T{number}", str(at) if at else stamp(BEGAN)))
    rows = book.ask("kpi", period=period)["rows"]
    assert [row["tasks"] for row in rows] == [1, 1, 1]
    assert rows == sorted(rows, key=lambda row: row["from"])


@pytest.mark.parametrize(
    "params",
    [{"period": "hourly"}, {"cycle_day": 32}, {"cycle_day": 0}, {"since": "soon"}],
)
def test_what_makes_no_sense_is_refused(book: Owned, params: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        book.ask("kpi", **params)
