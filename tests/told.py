"""Events in which each field occurs, and what a real engine answers about them."""

from __future__ import annotations

from typing import Any, Protocol

USAGE = {
    "input_tokens": 1200,
    "output_tokens": 300,
    "cache_read_tokens": 4000,
    "cache_creation_5m_tokens": 100,
    "cache_creation_1h_tokens": 200,
    "reasoning_tokens": 50,
}
STORY: list[dict[str, Any]] = [
    {
        "type": "task_start",
        "task_id": "MIN-123",
        "model": "claude-opus-5",
        "task_type": "feature",
    },
    {
        "type": "execution",
        "task_id": "MIN-123",
        "issue": "MIN-123",
        "session_id": "5e551000-0000-4000-8000-00000000000e",
        "run_id": "1a2b3c4d",
        "agent": "claude",
        "role": "implementation",
        "model": "claude-opus-5",
        "feature": "044-login",
        "branch": "feature/MIN-123",
        "project": "app",
        "capability": "feature",
        "duration_ms": 61_000,
        "exit_code": 1,
        "error": "rate limit",
        **USAGE,
    },
    {"type": "gate_result", "task_id": "MIN-123", "gate_name": "lint", "passed": True},
    {
        "type": "review_cycle",
        "task_id": "MIN-123",
        "reviewer": "codex",
        "issues_p0": 1,
        "issues_p1": 2,
    },
    {
        "type": "run_report",
        "run_id": "1a2b3c4d",
        "status": "completed",
        "started_at": "2026-11-20T10:00:00Z",
        "ended_at": "2026-11-20T10:30:00Z",
    },
    {
        "type": "activity",
        "activity_type": "cron",
        "action": "fixed",
        "title": "Fixed cron jobs",
        "description": "Two of them.",
        "model": "nobody-knows-it",
        "tokens_in": 8000,
    },
    {"type": "task_end", "task_id": "MIN-123", "status": "done", "iterations": 2},
]

DEAR = {"type": "task", "title": "Cut a release", "cost": 1.5, "tokensIn": 10}


class Asks(Protocol):
    """An engine that can be asked."""

    def ask(self, question: str, **params: object) -> Any:
        """The answer as a client would read it."""


def events_of(asked: Asks) -> dict[str, list[Any]]:
    """Events that are told, told again, refused and asked for."""
    odd = [{"type": "task_start"}, {"type": "task_start", "task_id": "T", "x": 1}]
    return {
        "events": [
            asked.ask("events", events=STORY),
            asked.ask("events", events=odd),
            asked.ask("activity", events={"type": "cron", "action": "ran"}),
            asked.ask("activity", events=DEAR),
        ],
        "/api/activities": [asked.ask("activities")],
        "event query": [asked.ask("event_query")],
        "event report": [
            asked.ask(
                "event_report",
                by=["day", "agent", "model", "feature", "role", "issue", "task"],
                filters={"agent": ["claude"]},
            ),
            *(
                asked.ask("event_report", by=[kind, "type", "session", "run"])
                for kind in ("hour", "week", "month")
            ),
        ],
        "kpi": [
            asked.ask("kpi", period=period)
            for period in ("daily", "weekly", "cycle", "task", "all")
        ],
    }
