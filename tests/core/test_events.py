"""What is an event and what is not, and what each field of it may be."""

from __future__ import annotations

from typing import Any

import pytest

from costd.core.event_fields import FIELDS, EventError
from costd.core.events import REQUIRED, TYPES, Event, read
from costd.core.outcomes import STATUSES, status_of, success_of
from pricing import instant

NOW = instant("2026-11-21T10:00:00Z")
LEAST: dict[str, dict[str, Any]] = {
    "task_start": {"task_id": "T1"},
    "task_end": {"task_id": "T1"},
    "gate_result": {"task_id": "T1", "gate_name": "tests", "passed": True},
    "review_cycle": {"task_id": "T1"},
    "activity": {"title": "Fixed cron jobs"},
    "execution": {"agent": "codex"},
    "run_report": {"run_id": "1a2b3c4d"},
}


def event(kind: str, ignored: set[str] | None = None, **fields: Any) -> Event:
    """An event of a kind with what it needs, and with ``fields``."""
    said = {"type": kind, **LEAST[kind], **fields}
    return read(said, now=NOW, new_id=lambda: "made", ignored=ignored)


def problem(said: object) -> str:
    """Why it is no event."""
    with pytest.raises(EventError) as caught:
        read(said, now=NOW, new_id=lambda: "made")
    return str(caught.value)


@pytest.mark.parametrize("kind", TYPES)
def test_each_type_needs_what_the_table_says_and_no_more(kind: str) -> None:
    assert event(kind).type == kind
    for group in REQUIRED[kind]:
        without = {k: v for k, v in LEAST[kind].items() if k not in group}
        assert problem({"type": kind, **without}) == f"{kind} needs " + " or ".join(
            group
        )


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("ExecutionEvent", "execution"),
        ("taskStart", "task_start"),
        ("gate-result", "gate_result"),
    ],
)
def test_a_type_is_understood_in_other_spellings(said: str, kind: str) -> None:
    assert read({"type": said, **LEAST[kind]}, now=NOW, new_id=lambda: "x").type == kind


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("completed", "completed"),
        ("SUCCESS", "completed"),
        ("ok", "completed"),
        ("timed_out", "failed"),
        ("Error", "failed"),
        ("blocked", "blocked"),
        ("canceled", "cancelled"),
        ("unknown", "unknown"),
        ("finished", "unknown"),
        ("in progress", "unknown"),
        ("", "unknown"),
        ("successful-ish", "unknown"),
    ],
)
def test_a_status_is_what_a_word_says_and_never_a_guess(word: str, status: str) -> None:
    assert status_of(word) == status
    assert status in STATUSES


def test_only_two_statuses_are_evidence_of_success_or_failure() -> None:
    known = {status: success_of(status) for status in STATUSES}
    assert known.pop("completed") is True
    assert known.pop("failed") is False
    assert set(known.values()) == {None}


@pytest.mark.parametrize(
    ("fields", "status", "success"),
    [
        ({}, "unknown", None),
        ({"status": "done"}, "completed", True),
        ({"status": "who knows"}, "unknown", None),
        ({"success": True}, "completed", True),
        ({"success": "false"}, "failed", False),
        ({"exit_code": 0}, "completed", True),
        ({"exit_code": 3}, "failed", False),
        ({"exit_code": -9}, "failed", False),
        ({"error": "rate limit", "exit_code": 0}, "failed", False),
        ({"status": "blocked", "exit_code": 0}, "blocked", None),
    ],
)
def test_an_outcome_comes_from_evidence(
    fields: dict[str, Any], status: str, success: bool | None
) -> None:
    found = event("execution", **fields)
    assert (found.status, found.success) == (status, success)


def test_evidence_that_contradicts_itself_is_refused() -> None:
    said = {"type": "execution", "agent": "codex", "status": "failed", "success": True}
    assert problem(said) == "status and success contradict each other"


def test_a_gate_has_a_result_and_no_status() -> None:
    assert event("gate_result", passed=False).success is False
    assert event("gate_result", status="completed").status == ""


def test_names_of_other_programs_are_understood() -> None:
    found = event(
        "activity",
        tokensIn=8000,
        tokensOut=2000,
        tokensCacheRead=5,
        tokensCacheWrite=7,
        cost=0.56,
        model="claude-opus-4-5",
        sessionId="s1",
    )
    assert found.input_tokens == 8000
    assert found.output_tokens == 2000
    assert found.cache_read_tokens == 5
    assert found.cache_creation_5m_tokens == 7
    assert found.total_tokens == 10012
    assert found.cost == 560_000_000
    assert found.session_id == "s1"


def test_an_envelope_is_opened() -> None:
    said = {
        "event_id": "e1",
        "event_type": "ExecutionEvent",
        "aggregate_id": "044-telemetry",
        "lamport_clock": 7,
        "node_id": "cli",
        "timestamp": "2026-02-19T10:00:00+00:00",
        "payload": {"wp_id": "WP01", "agent": "codex", "input_tokens": 12},
    }
    found = read(said, now=NOW, new_id=lambda: "made")
    assert found.event_id == "e1"
    assert (found.lamport, found.node_id) == (7, "cli")
    assert (found.task_id, found.feature) == ("WP01", "044-telemetry")
    assert found.at == instant("2026-02-19T10:00:00Z")


@pytest.mark.parametrize(
    ("said", "total", "cached"),
    [
        (700, 700, None),
        ({"input": 100, "output": 20, "cache_read": 3, "total": 9}, 123, 3),
        ({"total": 50}, 50, None),
        ({}, None, None),
        (None, None, None),
    ],
)
def test_tokens_in_one_field(said: Any, total: int | None, cached: int | None) -> None:
    found = event("execution", agent="a", tokens=said)
    assert (found.total_tokens, found.cache_read_tokens) == (total, cached)


def test_what_nobody_knows_is_named_and_not_kept() -> None:
    ignored: set[str] = set()
    found = event("task_start", ignored, prompt="secret", room="tests", model=None)
    assert ignored == {"prompt", "room"}
    assert dict(found.details) == {}


def test_prose_is_kept_without_keys_and_not_for_ever() -> None:
    found = event("activity", description="with sk-ant-abc123 " + "x" * 5000)
    text = found.details["description"]
    assert "sk-ant" not in text
    named = event("activity", action="use sk-ant-abc123")
    assert named.details["action"] == "use [redacted]"
    assert len(text) < 4100


def test_an_event_without_id_is_known_by_what_it_says_if_it_says_when() -> None:
    when = "2026-11-20T10:00:00Z"
    first = event("task_start", timestamp=when)
    assert event("task_start", timestamp=when) == first
    assert event("task_start", timestamp=when, model="o3").event_id != first.event_id
    assert event("task_start").event_id == "made"
    assert event("task_start").at == NOW


def test_a_task_that_can_be_an_issue_is_one() -> None:
    assert (event("task_start", task_id="min-7").task_id) == "MIN-7"
    assert event("task_start", task_id="min-7").issue == "MIN-7"
    assert event("task_start", task_id="T1", issue="MIN-7").issue == "MIN-7"
    assert event("task_start", task_id="a b").issue == ""


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("text", "an event is a JSON object"),
        ([], "an event is a JSON object"),
        ({}, "an event has a type"),
        ({"type": "task_begin"}, "there is no such type"),
        ({"type": "task_start", "task_id": ""}, "task_start needs task_id"),
        ({"type": "task_start", "task_id": ["a"]}, "task_id must be text"),
        ({"type": "task_start", "task_id": "a\nb"}, "task_id has characters"),
        ({"type": "task_start", "task_id": "a" * 300}, "task_id is longer"),
        ({"type": "task_start", "task_id": "a", "timestamp": "soon"}, "timestamp must"),
        ({"type": "task_start", "task_id": "a", "timestamp": True}, "timestamp must"),
        ({"type": "task_start", "task_id": "a", "timestamp": -1}, "timestamp must"),
        ({"type": "task_start", "task_id": "a", "lamport": -1}, "lamport must"),
        ({"type": "task_start", "task_id": "a", "lamport": 1 << 60}, "lamport is"),
        ({"type": "task_start", "task_id": "a", "lamport": True}, "lamport must"),
        ({"type": "task_start", "task_id": "a", "issue": "../x"}, "issue "),
        ({"type": "task_end", "task_id": "a", "iterations": 1.5}, "iterations must"),
        ({"type": "task_end", "task_id": "a", "iterations": "many"}, "iterations must"),
        ({"type": "task_end", "task_id": "a", "iterations": "9" * 5000}, "iterations"),
        ({"type": "task_end", "task_id": "a", "iterations": "²"}, "iterations must"),
        ({"type": "execution", "agent": "a", "input_tokens": -1}, "input_tokens must"),
        ({"type": "execution", "agent": "a", "input_tokens": 10**11}, "input_tokens"),
        ({"type": "execution", "agent": "a", "cost_usd": -0.1}, "cost_usd must"),
        ({"type": "execution", "agent": "a", "cost_usd": "1e999"}, "cost_usd must"),
        (
            {"type": "execution", "agent": "a", "cost_usd": 1_000_001},
            "cost_usd is more",
        ),
        (
            {"type": "execution", "agent": "a", "cost_usd": float("nan")},
            "cost_usd must",
        ),
        ({"type": "execution", "agent": "a", "success": "perhaps"}, "success must"),
        ({"type": "activity", "title": 5}, "title must be text"),
    ],
)
def test_what_is_refused_is_refused_by_name(said: object, why: str) -> None:
    assert problem(said).startswith(why)


def test_an_error_repeats_nothing_of_what_was_sent() -> None:
    secret = "password123"
    for name, field in FIELDS.items():
        if field.is_alias:  # which gives way to the name itself
            continue
        said = {"type": "execution", "agent": "a", name: [secret]}
        assert secret not in problem(said)


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("2026-11-20T11:00:00+01:00", "2026-11-20T10:00:00Z"),
        ("2026-11-20T10:00:00", "2026-11-20T10:00:00Z"),
        (1_795_168_800, "2026-11-20T10:00:00Z"),
        (1_795_168_800.5, "2026-11-20T10:00:00.500Z"),
        (1_795_168_800_000, "2026-11-20T10:00:00Z"),
    ],
)
def test_a_time_may_be_written_in_several_ways(said: object, at: str) -> None:
    assert event("task_start", timestamp=said).at == instant(at)


def test_values_of_a_command_line_are_read_as_what_they_mean() -> None:
    found = event(
        "execution", input_tokens="12", success="true", cost_usd="0.5", duration_ms="90"
    )
    assert (found.input_tokens, found.success, found.cost) == (12, True, 500_000_000)
    assert found.duration_ms == 90
