"""What the page shows agrees with the report, whatever way it is worked out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import places
from costd.core.errors import UsageError
from owned import Owned, owned
from worklog import BEGAN

NOW = datetime.now(UTC)
SPANS: list[dict[str, Any]] = [
    {"since": "2000-01-01"},
    {"since": "30d"},
    {"since": "20d", "until": "5d"},
    {"since": "40d", "filters": {"branch": ["fix/MIN-2"]}},
    {"since": "400d", "filters": {"project": ["/home/dev/blog"]}},
    {"since": "400d", "filters": {"issue": ["MIN-1"]}},
    {"since": "772h", "until": "100h"},
    {"since": "779h", "until": "107h"},
    {"since": "33d", "until": "2d", "tz": "America/New_York"},
    {"since": "300d", "tz": "Asia/Kathmandu", "filters": {"role": [""]}},
]


@pytest.fixture(scope="module")
def filled(private_home: Path) -> Iterator[Owned]:
    with places.memory_dir() as top, owned(top) as found:
        for number in range(120):
            # Three of a session on most days: zones and spans cut through them.
            at = NOW - timedelta(days=number // 3, hours=number % 3 * 7, minutes=number)
            found.work.respond(
                f"{number // 3 % 7}0000000-0000-4000-8000-000000000000",
                int(at.timestamp() * 1000) - BEGAN,
                branch=f"fix/MIN-{number // 3 % 5 + 1}" if number // 3 % 4 else "main",
                cwd="/home/dev/blog" if number // 3 % 7 < 3 else "/home/dev/shop",
                output=100 + number,
            )
        found.sync()
        yield found


def report(filled: Owned, *by: str, **params: Any) -> dict[str, Any]:
    rows = filled.ask("report", by=list(by), **params)["rows"]
    return {row[by[0]]: row for row in rows}


@pytest.mark.parametrize("span", SPANS)
def test_days_models_and_parts_are_those_of_the_report(
    filled: Owned, span: dict[str, Any]
) -> None:
    for _ in range(2):  # worked out, then remembered
        costs = filled.ask("costs", by=["issue", "project"], **span)
        days = report(filled, "day", **span)
        assert [row["date"] for row in costs["byDay"]] == sorted(days)
        for row in costs["byDay"]:
            assert row["cost"] == days[row["date"]]["cost_usd"]
            assert row["count"] == days[row["date"]]["responses"]
        for name in ("issue", "project"):
            found = report(filled, name, **span)
            parts = {row["name"]: row["cost"] for row in costs["parts"][name]}
            assert parts == {key: row["cost_usd"] for key, row in found.items()}
        total = filled.ask("report", **span)["total"]
        assert costs["total"] == total
        assert sum(row["count"] for row in costs["byModel"]) == total["responses"]


def test_the_three_spans_are_those_of_the_summary(filled: Owned) -> None:
    costs, summary = filled.ask("costs"), filled.ask("costs_summary")
    for shape, name in (
        ("today", "today"),
        ("thisWeek", "week"),
        ("thisMonth", "month"),
    ):
        assert costs[shape] == summary[name]["totalCost"]
        assert costs["spans"][name]["since"] == summary[name]["since"]


def test_a_span_is_held_against_as_much_of_the_one_before(filled: Owned) -> None:
    for span in filled.ask("costs")["spans"].values():
        before = span["before"]
        assert before["since"] < before["until"] <= span["since"]
        found = filled.ask("report", since=before["since"], until=before["until"])
        assert before["count"] == found["total"]["responses"]
        assert before["cost"] == found["total"]["cost_usd"]


def test_a_year_of_days_is_the_report_by_day(filled: Owned) -> None:
    days = report(filled, "day", since="371d")
    rows = filled.ask("calendar")["rows"]
    assert {row["date"]: row["cost"] for row in rows} == {
        day: row["cost_usd"] for day, row in days.items()
    }


@pytest.mark.parametrize("span", [{}, *SPANS])
def test_sessions_and_their_number_do_not_depend_on_the_limit(
    filled: Owned, span: dict[str, Any]
) -> None:
    every = filled.ask("sessions", limit=0, **span)
    for limit, offset in ((1, 0), (3, 0), (2, 2), (50, 1)):
        some = filled.ask("sessions", limit=limit, offset=offset, **span)
        assert some["count"] == every["count"] == len(every["rows"])
        assert some["rows"] == every["rows"][offset : offset + limit]
        assert some["total"] == every["total"]


@pytest.mark.parametrize("span", [{}, {"since": "30d"}, SPANS[4]])
def test_the_board_has_each_issue_once_with_its_cost(
    filled: Owned, span: dict[str, Any]
) -> None:
    board = filled.ask("board", limit=0, **span)
    cards = {row["issue"]: row for column in board["columns"] for row in column["rows"]}
    issues = {
        row["issue"]: row for row in filled.ask("issues", limit=0, **span)["rows"]
    }
    assert {name: row["cost_usd"] for name, row in cards.items()} == {
        name: row["cost_usd"] for name, row in issues.items()
    }
    for name, row in cards.items():
        assert row["sessions"] == issues[name]["sessions"]
    assert sum(board["counts"].values()) == len(cards)


def test_the_board_can_be_searched_and_turned_over(filled: Owned) -> None:
    (column,) = filled.ask("board", state="recent", limit=1)["columns"]
    (following,) = filled.ask("board", state="recent", limit=1, offset=1)["columns"]
    assert column["rows"] != following["rows"]
    found = filled.ask("board", search="min-3")
    assert [row["issue"] for c in found["columns"] for row in c["rows"]] == ["MIN-3"]
    with pytest.raises(UsageError):
        filled.ask("board", state="nothing")


def test_responses_add_up_to_their_session(filled: Owned) -> None:
    for row in filled.ask("sessions")["rows"]:
        found = filled.ask("responses", session=row["session_id"], limit=0)
        costs = [response["cost_usd"] for response in found["rows"]]
        assert found["count"] == row["responses"] == len(costs)
        assert round(sum(costs), 9) == row["cost_usd"] == found["cost_usd"]
        slots = found["timeline"]
        assert len(slots) <= 61
        assert round(sum(slot["cost_usd"] for slot in slots), 9) == row["cost_usd"]
        dear = filled.ask("responses", session=row["session_id"], order="cost", limit=2)
        assert [r["cost_usd"] for r in dear["rows"]] == sorted(costs)[::-1][:2]


def test_responses_of_an_issue_only(filled: Owned) -> None:
    issue = filled.ask("issue", id="MIN-1")
    found = sum(
        filled.ask("responses", session=row["session_id"], issue="MIN-1")["count"]
        for row in issue["by_session"]
    )
    assert found == issue["total"]["responses"]
    with pytest.raises(UsageError):
        filled.ask("responses", session="1", order="size")
