"""What a webhook is told of a run: figures and names, and no text of anybody.

A report lies on its owner's disk; this leaves the machine. So it is put together from
what is listed here, and what is not listed stays: paths, reasons, words of errors.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

Json = dict[str, Any]

EVENTS = ("completed", "blocked", "failed", "unknown")
"""An event is what a run's outcome is called."""

_RUN = (
    "run_id timestamp issue task role capability agent provider model project source "
    "branch commit commit_before sessions costd_version"
).split()
_OUTCOME = "status exit_code iterations max_iterations errors".split()
_TOKENS = (
    "input output cache_read cache_creation_5m cache_creation_1h total estimated basis "
    "by_model"
).split()
_COST = (
    "cost_usd currency basis state lower_bound unfinalised_responses "
    "unpriced_responses unpriced_tokens responses rates"
).split()
_TIMING = "started_at completed_at duration_ms phases".split()
_ENVIRONMENT = (
    "os python_version costd_version ci ci_provider ci_build_id ci_branch ci_commit"
).split()
_KINDS = ("modified", "created", "deleted")


def posted(report: Json, *, include_iterations: bool) -> Json:
    """The body for a run's report."""
    files = _part(report, "files")
    found: Json = {
        "schema_version": 1,
        "event": _part(report, "outcome").get("status") or "unknown",
        "run": _some(report, "run", _RUN),
        "outcome": _some(report, "outcome", _OUTCOME),
        "tokens": _some(report, "tokens", _TOKENS),
        "cost": _some(report, "cost", _COST),
        "timing": _some(report, "timing", _TIMING),
        "files": {
            **{kind: _count(files.get(kind)) for kind in _KINDS},
            "count": files.get("count"),
        },
        "validation": _some(report, "validation", ["total_runs", "failures"]),
        "scope": _some(report, "scope", ["mode", "violations"]),
        "environment": _some(report, "environment", _ENVIRONMENT),
    }
    if include_iterations:
        for name in ("tokens", "cost", "timing"):
            rows = _part(report, name).get("per_iteration")
            found[name]["per_iteration"] = rows if isinstance(rows, list) else []
    return found


def signature(secret: bytes, at: int, body: bytes) -> str:
    """``t=1795003200,v1=<hex>``: HMAC-SHA256 over ``t``, a dot and the body.

    Args:
        secret: known to sender and receiver.
        at: seconds since the epoch: an old message is told from a repeated one.
        body: as it is sent.
    """
    signed = f"{at}.".encode() + body
    return f"t={at},v1={hmac.new(secret, signed, hashlib.sha256).hexdigest()}"


def _some(report: Json, name: str, fields: list[str]) -> Json:
    part = _part(report, name)
    return {field: part.get(field) for field in fields}


def _part(report: Json, name: str) -> Json:
    found = report.get(name)
    return found if isinstance(found, dict) else {}


def _count(paths: Any) -> int | None:
    return len(paths) if isinstance(paths, list) else None
