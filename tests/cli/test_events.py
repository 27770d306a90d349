"""``costd event``, ``outcome``, ``kpi`` and ``report --events``: words, pages, exit codes."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from cli import canned
from cli.canned import Daemon
from cli.conftest import Shown
from costd import client
from costd.cli.agents import telling
from costd.cli.entry import BESIDE_AGENTS
from costd.cli.render.event_report import event_report_page
from costd.cli.render.events import events_page
from costd.cli.render.kpi import kpi_page, summary_page
from costd.cli.render.plain import plain
from costd.cli.words import EVENT_DIMENSIONS
from costd.core.events import ACTIVITY
from costd.core.periods import KINDS
from costd.ledger.event_sums import DIMENSIONS

TAKEN = {"schema_version": 1, "accepted": 1, "duplicates": 0, "rejected": []}
FIGURES: dict[str, Any] = {
    "tasks": 3,
    "succeeded": 1,
    "failed": 1,
    "unknown": 1,
    "cycle_time_seconds": 3725.4,
    "cost_usd": 1.5,
    "lower_bound": True,
    "unpriced_events": 1,
    "iterations": 1.5,
    "gates": 4,
    "gates_passed": 3,
    "gate_pass_rate": 0.75,
    "reviews": 2,
    "issues_p0": 0,
    "issues_p1": 7,
}
NOTHING = {**dict.fromkeys(FIGURES), "tasks": 0, "gates": 0, "reviews": 0}


def told(daemon: Daemon) -> dict[str, Any]:
    """The one event that the daemon was told."""
    (request,) = [one for one in daemon.asked if one.method == "POST"]
    assert request.target == "/api/events"
    (event,) = json.loads(request.body)
    assert isinstance(event, dict)
    return event


def test_an_event_is_told_as_it_is_typed(costd: Shown, daemon: Daemon) -> None:
    daemon.put(events=TAKEN)
    shown = costd("event", "gate_result", "task_id=T 1", "passed=true", "gate_name=a=b")
    assert (shown.code, shown.out, shown.err) == (0, "", "")
    event = told(daemon)
    assert event.pop("event_id")
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "type": "gate_result",
        "task_id": "T 1",
        "passed": "true",
        "gate_name": "a=b",
    }


def test_an_activity_has_a_type_of_its_own(costd: Shown, daemon: Daemon) -> None:
    daemon.put(events=TAKEN)
    assert (
        costd("event", "send", "activity", "type=cron", "title=t", "--json").code == 0
    )
    event = told(daemon)
    assert (event["type"], event["activity_type"]) == (ACTIVITY, "cron")
    assert telling.ACTIVITY == ACTIVITY


def test_an_outcome_is_the_end_of_a_task(costd: Shown, daemon: Daemon) -> None:
    daemon.put(events=TAKEN)
    words = ("--issue", "MIN-1", "--status", "done", "--iterations", "2", "--json")
    shown = costd("outcome", *words)
    assert json.loads(shown.out)["accepted"] == 1
    event = told(daemon)
    assert {k: event[k] for k in ("type", "task_id", "status", "iterations")} == {
        "type": "task_end",
        "task_id": "MIN-1",
        "status": "done",
        "iterations": 2,
    }


@pytest.mark.parametrize(
    ("word", "is_known"),
    [("done", True), ("Unknown", True), ("splendid", False), ("sk-ant-1234", False)],
)
def test_a_word_that_means_no_outcome_is_pointed_out(
    costd: Shown, daemon: Daemon, word: str, is_known: bool
) -> None:
    daemon.put(events=TAKEN)
    shown = costd("outcome", "--issue", "MIN-1", "--status", word)
    assert shown.code == 0
    assert ("counts as unknown" in shown.err) is not is_known
    assert "1234" not in shown.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("event", "task_start", "T1"), "key=value"),
        (("event", "task_start", "=T1"), "key=value"),
        (("event", "send", "-", "task_start"), "stands alone"),
        (("event",), "does nothing"),
        (("event", "task_begin", "task_id=T"), "there is no such type of event"),
        (("event", "task_end", "task_id=T", "iterations=x"), "iterations must be"),
        (("event", "query", "--success", "perhaps"), "perhaps"),
        (("kpi", "--hourly"), "--hourly"),
        (("report", "--events", "--by", "branch"), "'branch'"),
        (("report", "--by", "feature"), "'feature'"),
    ],
)
def test_what_makes_no_sense_is_said_with_and_without_a_daemon(
    costd: Shown, state_dir: Path, words: tuple[str, ...], message: str
) -> None:
    shown = costd(*words)
    assert shown.code == 2
    assert message in shown.err
    assert not (state_dir / "spool").exists()


def test_a_refusal_of_the_daemon_is_said(costd: Shown, daemon: Daemon) -> None:
    refused = {**TAKEN, "accepted": 0, "rejected": [{"index": 0, "message": "no good"}]}
    daemon.put(events={**refused, "ignored_fields": ["prompt"]})
    shown = costd("event", "task_end", "task_id=T", "prompt=x")
    assert shown.code == 2
    assert shown.err.splitlines() == [
        "costd: no event has a field called prompt; it was left out.",
        "costd: no good",
        "See: costd event --help",
    ]


def test_a_stream_is_told_in_batches_and_its_bad_lines_are_named(
    costd: Shown, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = b'{"type": "task_start", "task_id": "T%d", "timestamp": %d}\n'
    lines = b"".join(good % (number, 1_795_000_000 + number) for number in range(2500))
    text = lines + b"\nnot json\n[1]\n" + b'{"type": "task_end"}\n'
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    shown = costd("event", "send", "-", "--json")
    assert shown.code == 1
    answer = json.loads(shown.out)
    assert (answer["accepted"], answer["spooled"]) == (0, 2500)
    assert [one["index"] for one in answer["rejected"]] == [2501, 2502, 2503]
    assert "costd: line 2504: task_end needs task_id" in shown.err
    messages = [json.loads(p.read_text()) for p in (state_dir / "spool").iterdir()]
    events = [event for one in messages for event in one["params"]["events"]]
    assert len(events) == 2500
    assert all(p.stat().st_size <= 64 * 1024 for p in (state_dir / "spool").iterdir())
    assert {one["question"] for one in messages} == {"events"}


def test_the_quick_way_takes_only_the_plain_form() -> None:
    assert "event" in BESIDE_AGENTS
    for words in ([], ["query"], ["send", "task_start"], ["-"], ["a", "--json"]):
        assert telling.run(words) is None


def test_a_query_passes_its_filters_on(costd: Shown, daemon: Daemon) -> None:
    daemon.put(events={"rows": [], "count": 0})
    words = ("--type", "gate_result,task_end", "--agent", "codex", "--agent", "claude")
    shown = costd("event", "query", *words, "--success", "false", "--since", "7d")
    assert shown.out == "No event in this span.\n"
    asked = parse_qs(daemon.asked[0].target.partition("?")[2])
    assert asked == {
        "type": ["gate_result", "task_end"],
        "agent": ["codex", "claude"],
        "success": ["False"],
        "since": ["7d"],
        "limit": ["100"],
    }


def test_what_events_can_be_cut_by_is_what_the_ledger_knows() -> None:
    assert (*KINDS, *DIMENSIONS) == EVENT_DIMENSIONS


def test_the_figures_on_a_page() -> None:
    row = {**FIGURES, "label": "2026-11-20"}
    answer = {"period": "daily", "rows": [row], "total": FIGURES, "timezone": "UTC"}
    text = plain(kpi_page(answer))
    assert "2026-11-20      3   1       1        1      1h 02m     ≥$1.50" in text
    assert "3/4 75 %" in text
    assert "≥ lower bound" in text
    assert plain(summary_page(answer)) == (
        "3 tasks: 1 succeeded, 1 failed, 1 unknown · 1h 02m a task · ≥$1.50 a task"
        " · 1.5 iterations · gates 3/4 75 % · 2 reviews, P0 0, P1 7"
    )


def test_what_nobody_knows_is_a_dash() -> None:
    row = {**NOTHING, "task_id": "T", "status": "unknown", "to": None}
    text = plain(kpi_page({"period": "task", "rows": [row], "total": NOTHING}))
    (line,) = [line for line in text.splitlines() if line.startswith("T ")]
    assert line.split() == ["T", "unknown", "-", "-", "-", "-", "-", "0", "-", "-"]
    unpriced = {**row, "unpriced_events": 1}
    page = kpi_page({"period": "task", "rows": [unpriced], "total": NOTHING})
    assert "unpriced" in plain(page)
    assert plain(summary_page({"total": NOTHING})) == "0 tasks"
    assert "No task in this span." in plain(kpi_page({"rows": [], "total": NOTHING}))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.4, "0s"), (59.4, "59s"), (60, "1m"), (3600, "1h 00m"), (180_000, "2d 2h")],
)
def test_a_duration_is_short(seconds: float, shown: str) -> None:
    figures = {**FIGURES, "cycle_time_seconds": seconds}
    assert f"· {shown} a task ·" in plain(summary_page({"total": figures}))


def test_events_on_a_page_are_without_tricks() -> None:
    row = {
        "timestamp": "2026-11-20T10:00:00Z",
        "type": "activity",
        "title": "red\x1b[31m\u202e",
        "status": "completed",
        "success": True,
        "cost_usd": 0.25,
        "cost_source": "estimated",
        "total_tokens": 1200,
        "lamport": 7,
    }
    gate = {"type": "gate_result", "task_id": "T", "success": False, "gate_name": "g"}
    review = {"type": "review_cycle", "reviewer": "r", "issues_p0": 0, "issues_p1": 2}
    unpriced = {"type": "execution", "cost_usd": None, "cost_source": "unpriced"}
    text = plain(events_page({"rows": [row, gate, review, unpriced], "count": 9}))
    assert "\x1b" not in text
    assert "~$0.25" in text
    assert "not passed" in text
    assert "r P0 0 P1 2" in text
    assert "unpriced" in text
    assert "the last 4 events of 9" in text


def test_the_usage_on_a_page() -> None:
    row = {
        "agent": "codex",
        "events": 2,
        "tokens": canned.TOKENS,
        "cost_usd": 0.5,
        "estimated_usd": 0.25,
        "lower_bound": True,
        "unpriced_events": 1,
        "in_logs": {"events": 3, "tokens": 5000, "cost_usd": 9.0},
    }
    text = plain(event_report_page({"by": ["agent"], "rows": [row], "total": row}))
    assert "codex  ≥$0.50            $0.25" in text
    assert "3 events with 5.0k tokens are in session logs too" in text
    assert "1 event without a price" in text
    assert "No event says" in plain(event_report_page({"by": [], "total": {}}))


def test_the_client_says_what_became_of_it(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.put(events=TAKEN)
    assert client.event("task_start", seconds=30, task_id="T", model=None) == "done"
    event = told(daemon)
    assert "model" not in event
    refused = [{"index": 0, "message": "no good"}]
    daemon.put(events={**TAKEN, "rejected": refused})
    assert client.event("x", seconds=30) == "refused: no good"


def test_the_client_never_raises(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.event("task_start", task_id="T") == "spooled"
    assert client.event("task_start", task_id=object()).startswith("TypeError")
    loop: dict[str, object] = {}
    loop["self"] = loop
    assert client.event("task_start", task_id=loop).startswith("ValueError")
    monkeypatch.setenv("COSTD_STATE_DIR", "/dev/null/x")
    assert client.event("task_start", task_id="T").startswith("NotADirectoryError")
