from __future__ import annotations

from typing import Any

import pytest

from costd.engine.memory import Memory, is_timeless


class Work:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> dict[str, Any]:
        self.times += 1
        return {"generated_at": "then", "times": self.times}


def test_the_same_report_is_worked_out_once_and_dated_anew() -> None:
    memory, work = Memory(), Work()
    first = memory.recall("report", {"by": ["day"]}, 0, work)
    again = memory.recall("report", {"by": ["day"]}, 60_000, work)
    assert (first["times"], again["times"]) == (1, 1)
    assert again["generated_at"] == "1970-01-01T00:01:00Z"


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("status", {}),
        ("report", {"since": "7d"}),
        ("report", {"until": "90m"}),
    ],
)
def test_what_depends_on_now_is_worked_out_each_time(
    name: str, params: dict[str, object]
) -> None:
    memory, work = Memory(), Work()
    memory.recall(name, params, 0, work)
    assert memory.recall(name, params, 0, work)["times"] == 2


def test_other_parameters_are_another_question() -> None:
    memory, work = Memory(), Work()
    memory.recall("report", {"by": ["day"]}, 0, work)
    assert memory.recall("report", {"by": ["week"]}, 0, work)["times"] == 2


def test_a_change_of_the_ledger_forgets_everything() -> None:
    memory, work = Memory(), Work()
    memory.recall("report", {}, 0, work)
    memory.once("all", work)
    memory.latest("issue", 1, work)
    memory.forget()
    assert memory.recall("report", {}, 0, work)["times"] == 4
    assert memory.once("all", work)["times"] == 5
    assert memory.latest("issue", 1, work)["times"] == 6


def test_of_what_is_large_only_the_last_is_kept() -> None:
    memory, work = Memory(), Work()
    for key, times in ((1, 1), (1, 1), (2, 2), (2, 2), (1, 3)):
        assert memory.latest("issue", key, work)["times"] == times


def test_memory_is_bounded() -> None:
    memory, work = Memory(), Work()
    for number in range(100):
        memory.once(number, work)
        memory.recall("report", {"since": str(number)}, 0, work)
    assert memory.once(99, work)["times"] == 199
    assert memory.once(0, work)["times"] == 201


@pytest.mark.parametrize("when", ["2026-11-21", "2026-11-21T10:00:00Z", None, ""])
def test_a_date_is_timeless(when: str | None) -> None:
    assert is_timeless({"since": when})


def test_thousands_of_rows_are_not_kept() -> None:
    memory, work = Memory(), Work()
    memory.recall("report", {}, 0, lambda: {**work(), "rows": [{}] * 1_001})
    assert memory.recall("report", {}, 0, work)["times"] == 2
    for name in "1234":
        params = {"since": name}
        memory.recall("report", params, 0, lambda: {**work(), "rows": [{}] * 400})
    assert memory.recall("report", {"since": "4"}, 0, work)["times"] == 6
    assert memory.recall("report", {"since": "2"}, 0, work)["times"] == 7
