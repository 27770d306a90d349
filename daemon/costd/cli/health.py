"""The exit code that a status deserves: fine, or answered but not to be trusted."""

from __future__ import annotations

from costd.cli.output import UNHEALTHY, warn

Entry = dict[str, object]
# That something may be missing for good is said with every answer.
_MENDED = b'"code":"ledger_recovered"'
_PARTIAL = b'"complete":false'


def errors(status: object) -> list[Entry]:
    """The entries of ``health`` that make the numbers stale or wrong."""
    health = status.get("health") if isinstance(status, dict) else None
    entries = [entry for entry in health or [] if isinstance(entry, dict)]
    return [entry for entry in entries if entry.get("severity") == "error"]


def code_of(body: bytes) -> int:
    """The exit code for a status as JSON, without reading more of it than it takes."""
    # A quote within a text is escaped, so these are the entries and nothing else.
    if body.count(b'"severity"') == body.count(b'"severity":"warning"'):
        return 0
    import json  # noqa: PLC0415 - a daemon without errors needs no parser

    return UNHEALTHY if errors(json.loads(body)) else 0


def report(body: bytes) -> int:
    """The same for a command whose answer does not show the health: it is said aloud."""
    code = code_of(body)
    if code or _MENDED in body or _PARTIAL in body:
        import json  # noqa: PLC0415 - for the same reason

        from costd.cli.render.words import unread  # noqa: PLC0415 - for the same reason

        status = json.loads(body)
        if said := unread(status):
            warn(f"costd: {said}")
        mended = [e for e in status["health"] if e.get("code") == "ledger_recovered"]
        for entry in [*errors(status), *mended]:
            message, fix = str(entry.get("message", "")), str(entry.get("fix") or "")
            warn(f"costd: {entry.get('code', 'unhealthy')}: {message}", fix)
    return code
