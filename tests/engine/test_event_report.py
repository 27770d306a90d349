"""What events say was used: any cut of it, and never what session logs say too."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from costd.core.errors import UsageError
from costd.core.instants import HOUR, MINUTE
from owned import Owned, owned
from worklog import BEGAN, stamp

ONE = 0.02505
"""What one response of the work log costs, USD."""
S1, S2 = (f"{n}1111111-0000-4000-8000-000000000000" for n in (1, 2))
OPUS = "claude-opus-5"


@pytest.fixture
def book(memory_dir: Path) -> Iterator[Owned]:
    with owned(memory_dir) as made:
        yield made


def call(event_id: str, at: int = BEGAN, **fields: Any) -> dict[str, Any]:
    said = {"type": "execution", "event_id": event_id, "timestamp": stamp(at)}
    return {**said, "agent": "a", **fields}


def tell(book: Owned, *events: dict[str, Any]) -> None:
    for _ in range(3):
        assert book.ask("events", events=list(events))["rejected"] == []


def test_each_sum_of_a_row(book: Owned) -> None:
    usage: dict[str, Any] = {"model": OPUS, "input_tokens": 1000, "output_tokens": 100}
    tell(
        book,
        call("1", agent="gemini", feature="f", cost_usd=0.5, input_tokens=7),
        call("2", agent="gemini", **usage, cache_read_tokens=10_000),
        call("3", agent="codex", model="nobody-knows-it", output_tokens=9),
        call("4", agent="codex", model=OPUS, tokens_used=50),
        call("5", agent="codex"),  # which says nothing of what it used
        call("6", type="activity", title="t", agent="gemini", cost_usd=0.25),
        # These repeat what their calls said.
        call("7", type="run_report", run_id="r", agent="gemini", cost_usd=9),
        call("8", type="task_end", task_id="T", agent="gemini", cost_usd=9),
    )
    answer = book.ask("event_report", by=["agent"])
    none = {"events": 0, "tokens": 0, "cost_usd": 0.0}
    codex, gemini = answer["rows"]
    assert codex == {
        "agent": "codex",
        "events": 2,
        "tokens": {
            "input": 0,
            "output": 9,
            "cache_read": 0,
            "cache_creation_5m": 0,
            "cache_creation_1h": 0,
            "total": 59,
        },
        "cost_usd": None,
        "reported_usd": 0.0,
        "estimated_usd": 0.0,
        "lower_bound": True,
        "unpriced_events": 2,
        "unpriced_tokens": 59,
        "in_logs": none,
    }
    assert gemini["events"] == 3
    assert gemini["tokens"]["total"] == 7 + 11_100
    assert gemini["reported_usd"] == 0.75
    assert gemini["estimated_usd"] == 0.0125  # 1000 x 5 + 100 x 25 + 10,000 x 0.5 USD/M
    assert gemini["cost_usd"] == 0.7625
    assert answer["total"]["cost_usd"] == 0.7625
    assert answer["total"]["lower_bound"] is True


@pytest.mark.parametrize(
    ("fields", "is_logged"),
    [
        ({"session_id": S1}, True),
        ({"session_id": S1, "timestamp": stamp(BEGAN + 14 * MINUTE)}, True),
        ({"session_id": S1, "timestamp": stamp(BEGAN - 14 * MINUTE)}, True),
        ({"session_id": S1, "timestamp": stamp(BEGAN + HOUR)}, False),
        (
            {
                "session_id": S1,
                "timestamp": stamp(BEGAN + HOUR),
                "duration_ms": 50 * MINUTE,
            },
            True,
        ),
        ({"session_id": S1, "timestamp": stamp(BEGAN - HOUR)}, False),
        ({"session_id": S2}, False),
        ({}, False),
        ({"run_id": "0a1b2c3d"}, True),
        ({"run_id": "ffffffff"}, False),
    ],
)
def test_what_a_session_log_says_too_is_counted_once(
    book: Owned, fields: dict[str, Any], is_logged: bool
) -> None:
    book.work.respond(S1, 0)
    book.sync()
    with closing(sqlite3.connect(book.top / "state/ledger.db")) as file, file:
        file.execute(
            "INSERT INTO run (id, run_id, source, place, issue, task, role, capability,"
            " agent, model, status, started_at, ended_at, told, settled) VALUES (1,"
            " '0a1b2c3d', 'exec', '', '', '', '', '', '', '', 'unknown', 0, 0, x'7b7d', 1)"
        )
        file.execute("INSERT INTO run_session VALUES (1, ?)", (S1,))
    tell(book, call("1", model=OPUS, cost_usd=4, input_tokens=3, **fields))
    total = book.ask("event_report")["total"]
    said = {"events": 1, "tokens": 3, "cost_usd": 4.0}
    none = {"events": 0, "tokens": 0, "cost_usd": 0.0}
    counted = {
        "events": total["events"],
        "tokens": total["tokens"]["total"],
        "cost_usd": total["cost_usd"],
    }
    assert counted == (none if is_logged else said)
    assert total["in_logs"] == (said if is_logged else none)
    # The ledger itself stays the sum of the logs, whatever events say.
    report = book.ask("report")
    assert report["total"]["cost_usd"] == ONE
    assert report["ownership"]["exact"] is True


def test_a_log_that_is_read_later_takes_over(book: Owned) -> None:
    tell(book, call("1", session_id=S1, cost_usd=4))
    assert book.ask("event_report")["total"]["cost_usd"] == 4
    book.work.respond(S1, 0)
    book.sync()
    assert book.ask("event_report")["total"]["cost_usd"] == 0


def test_periods_spans_and_filters(book: Owned) -> None:
    # Oslo's day of 25 October 2026 has 25 hours.
    for number, at in enumerate(
        ("2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z")
    ):
        tell(book, call(f"{number}", timestamp=at, cost_usd=number + 1))
    answer = book.ask("event_report", by=["day", "agent"], tz="Europe/Oslo")
    assert [(row["day"], row["cost_usd"]) for row in answer["rows"]] == [
        ("2026-10-25", 3.0),
        ("2026-10-26", 3.0),
    ]
    span = {"since": "2026-10-26", "tz": "Europe/Oslo"}
    assert book.ask("event_report", **span)["total"]["cost_usd"] == 3
    assert book.ask("event_report", filters={"agent": ["b"]})["total"]["events"] == 0
    assert book.ask("event_report", by=["agent"], since="2027-01-01")["rows"] == []


@pytest.mark.parametrize("kind", ["hour", "day", "week", "month"])
def test_a_date_of_somebodys_own_making_makes_no_row_of_every_day(
    book: Owned, kind: str
) -> None:
    for number, at in enumerate(("1970-01-02T00:00:00Z", "9998-12-30T00:00:00Z")):
        tell(book, call(f"{number}", timestamp=at, cost_usd=1))
    assert len(book.ask("event_report", by=[kind])["rows"]) == 2


@pytest.mark.parametrize(
    "params",
    [
        {"by": ["branch"]},
        {"by": ["day", "week"]},
        {"filters": {"project": ["p"]}},
        {"by": ["agent", "agent"]},
    ],
)
def test_what_events_do_not_say_is_refused(book: Owned, params: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        book.ask("event_report", **params)
