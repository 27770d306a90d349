"""Where each question is asked: the client's side of ``publish.questions``.

A copy, since that module brings what a server needs; a test compares the two.
"""

from __future__ import annotations

from costd.cli.client import query, quote

GET = {
    "status": "/api/status",
    "report": "/api/report",
    "sessions": "/api/sessions",
    "session": "/api/sessions/{id}",
    "issues": "/api/issues",
    "issue": "/api/issues/{id:path}/costs",
    "claims": "/api/claims",
    "suggest": "/api/suggest",
    "keys": "/api/keys",
    "prs": "/api/prs",
    "prices": "/api/prices",
    "explain": "/api/explain",
    "runtimes": "/api/runtimes",
    "performance": "/api/performance",
    "runs": "/api/runs",
    "run_report": "/api/runs/{id}",
    "runs_summary": "/api/runs/summary",
    "doctor": "/api/doctor",
    "event_query": "/api/events",
    "event_report": "/api/events/report",
    "kpi": "/api/kpi",
}
POST = {
    "link": "/api/claims",
    "unlink": "/api/unlink",
    "link_suggested": "/api/suggest",
    "import_keys": "/api/keys",
    "forget_keys": "/api/keys/forget",
    "import_prs": "/api/prs",
    "forget_prs": "/api/prs/forget",
    "clean_runs": "/api/runs/clean",
    "sync": "/api/sync",
    "reprice": "/api/reprice",
    "verify": "/api/verify",
    "backup": "/api/backup",
    "restore": "/api/restore",
    "reload": "/api/config/reload",
}
# Work that reads every log takes as long as it takes.
PATIENT = frozenset({"sync", "reprice", "verify", "backup", "restore"})

STATUS_SECONDS = 10.0
"""How long a status waits for a daemon that is there: it answers in milliseconds."""
LOCKED_SECONDS = 5.0
"""And for one that starts, or for another command that has the ledger."""


def target(question: str, params: dict[str, object]) -> str:
    """Path and query of a question that is read with ``GET``."""
    path, pairs = GET[question].replace(":path}", "}"), list[tuple[str, str]]()
    for name, value in params.items():
        if f"{{{name}}}" in path:
            path = path.replace(f"{{{name}}}", quote(str(value)))
        elif name == "filters" and isinstance(value, dict):
            for inner, values in value.items():
                pairs += _pairs(inner, values)
        else:
            pairs += _pairs(name, value)
    return query(path, pairs)


def _pairs(name: str, value: object) -> list[tuple[str, str]]:
    if value is None:
        return []
    if isinstance(value, list):
        return [(name, str(item)) for item in value]
    return [(name, str(value))]
