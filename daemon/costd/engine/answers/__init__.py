"""Answers, one module for each kind of question: a view in, JSON-able values out.

A module is loaded when its first question comes: a command that hosts the engine for
one question must not wait for the others.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from costd.engine.jobs import Job
from costd.engine.view import Params, View

Answer = Callable[[View, Params], dict[str, Any] | Job]
"""Most answer at once; a job answers when its last step is done."""

MODULES = {
    "status": "status",
    "report": "report",
    "costs_summary": "report",
    "sessions": "sessions",
    "session": "sessions",
    "prices": "prices",
    "reprice": "prices",
    "explain": "explain",
    "doctor": "doctor",
    "hook": "hook",
    "link": "claims",
    "unlink": "claims",
    "claims": "claims",
    "suggest": "suggest",
    "link_suggested": "suggest",
    "keys": "keys",
    "import_keys": "keys",
    "forget_keys": "keys",
    "prs": "prs",
    "import_prs": "prs",
    "forget_prs": "prs",
    "issues": "issues",
    "issue": "issues",
    "costs_by_issue": "issues",
    "activities": "activities",
    "board": "board",
    "places": "board",
    "names": "names",
    "costs": "costs",
    "calendar": "costs",
    "responses": "responses",
    "events": "events",
    "activity": "events",
    "event_query": "events",
    "run": "runs",
    "runs": "runs",
    "run_report": "runs",
    "runs_summary": "runs",
    "clean_runs": "runs",
    "event_report": "event_report",
    "kpi": "kpi",
    "outbox": "outbox",
    "posted": "outbox",
    "runtimes": "runtimes",
    "performance": "performance",
}
"""Which module answers a question, in a function of the question's name."""

CHANGING = frozenset(
    "reprice hook link unlink link_suggested import_keys forget_keys import_prs "
    "forget_prs".split()
)
"""Questions after which what was worked out before may not be so any more."""


def answer_to(name: str) -> Answer | None:
    """The function that answers a question; None where nobody does."""
    module = MODULES.get(name)
    if module is None:
        return None
    answer: Answer = getattr(import_module(f"{__name__}.{module}"), name)
    return answer
