"""What a run of an agent was: collected as it goes, and left as one report.

    from costd.runs import MetricsCollector, leave

    run = MetricsCollector(issue="MIN-123", role="implementation", agent="claude")
    with run.phase("agent"):
        ...
    run.record_token_usage(1, input=1200, output=300, model="claude-opus-5")
    run.record_iteration(1)
    run.record_outcome("completed", "the tests pass")
    leave(run.to_report())

The collector only remembers: it reads no file, asks nobody and raises nothing. ``leave``
writes the report and tells costd, which adds what the run has cost. The standard library
is all that this needs.
"""

from __future__ import annotations

from costd.runs.collector import OUTCOMES, MetricsCollector
from costd.runs.environment import environment
from costd.runs.leave import leave
from costd.runs.profiler import PhaseProfiler, PhaseSummary

__all__ = [
    "OUTCOMES",
    "MetricsCollector",
    "PhaseProfiler",
    "PhaseSummary",
    "environment",
    "leave",
]
