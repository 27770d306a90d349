"""How something ended: the many words for it, and the few that costd keeps.

What no word of this list says is ``unknown``: nobody is told that it went well.
"""

from __future__ import annotations

COMPLETED, FAILED, BLOCKED = "completed", "failed", "blocked"
CANCELLED, UNKNOWN = "cancelled", "unknown"

_WORDS = {
    COMPLETED: "completed complete success successful succeeded ok done pass passed"
    " merged approved resolved",
    FAILED: "failed failure fail error errored crashed timeout timed-out exception",
    BLOCKED: "blocked stuck needs-input",
    CANCELLED: "cancelled canceled aborted abandoned killed interrupted skipped"
    " terminated stopped",
}
_STATUS = {word: status for status, words in _WORDS.items() for word in words.split()}

STATUSES = (COMPLETED, FAILED, BLOCKED, CANCELLED, UNKNOWN)


def status_of(text: str) -> str:
    """One of ``STATUSES`` for a word as somebody wrote it."""
    word = text.strip().lower().replace("_", "-").replace(" ", "-")
    return _STATUS.get(word, UNKNOWN)


def success_of(status: str) -> bool | None:
    """True or false where the status is evidence of that; else None."""
    return {COMPLETED: True, FAILED: False}.get(status)
