"""What went wrong, as one of a few kinds: grouped, counted, and without a word of it.

An error's text may hold anything: paths, prompts, keys. So only what is known is kept:
a status code, the class of an exception, a kind that a pattern recognises.
"""

from __future__ import annotations

import re

OTHER = "other error"

_STATUS = {
    400: "invalid request",
    401: "authentication failed",
    403: "permission denied",
    404: "not found",
    408: "timeout",
    413: "request too large",
    429: "rate limit",
    499: "request aborted",
    500: "server error",
    502: "server error",
    503: "server error",
    504: "timeout",
    529: "overloaded",
}
"""What an HTTP status of a model provider means."""

_KINDS = (
    ("rate limit", r"rate.?limit|too many requests|\b429\b|usage limit|hit your limit"),
    ("overloaded", r"overloaded|\b529\b|at capacity"),
    (
        "billing",
        r"credit balance|insufficient.?(?:funds|quota|credit)|billing|payment",
    ),
    ("quota exceeded", r"quota"),
    (
        "authentication failed",
        r"unauthori[sz]ed|authenti|invalid.{0,12}(?:api.?key|token)|oauth|log ?in|\b401\b",
    ),
    ("permission denied", r"forbidden|permission|access denied|\b403\b"),
    (
        "context too long",
        r"context.{0,12}(?:length|window|limit)|(?:prompt|input).{0,9}too long|"  # noqa: ISC004 - one pattern
        r"too many tokens|max.?tokens|input length",
    ),
    ("request too large", r"too large|\b413\b"),
    ("request aborted", r"abort|cancel|interrupt"),
    ("timeout", r"time.?d? ?out|deadline|\b(?:408|504)\b"),
    (
        "network error",
        r"econn|enotfound|network|connection|socket|dns|fetch failed|tls|certificate",
    ),
    ("content refused", r"content.?filter|refus|safety|policy|flagged"),
    ("server error", r"\b5\d\d\b|internal.?server|server.?error|api_error|bad gateway"),
    ("invalid request", r"invalid.?request|\b400\b|bad request"),
    ("not found", r"not.?found|no such|\b404\b"),
    ("out of memory", r"out of memory|\boom\b|memoryerror"),
    ("disk full", r"no space left|disk full|enospc"),
    ("tests failed", r"tests? fail|failing test|assertionerror"),
    ("build failed", r"build fail|compil|syntax.?error"),
)
_PATTERNS = [(kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _KINDS]
_EXCEPTION = re.compile(r"(?<![\w.])([A-Z][A-Za-z]{2,40}(?:Error|Exception))(?!\w)")
_LONGEST = 2000

KINDS = (*dict.fromkeys([*_STATUS.values(), *(kind for kind, _ in _KINDS)]), OTHER)


def kind_of(
    text: str = "", *, status: int | None = None, exit_code: int | None = None
) -> str:
    """The kind of an error.

    Args:
        text: what was said of it; nothing of it is in the answer but the class of an
            exception.
        status: an HTTP status.
        exit_code: of a process.
    """
    if status in _STATUS:
        return f"{_STATUS[status]} ({status})"
    text = text[:_LONGEST]
    for kind, pattern in _PATTERNS:
        if pattern.search(text):
            return kind
    if (found := _EXCEPTION.search(text)) is not None:
        return found[1]
    if exit_code:
        return f"exit status {exit_code}"
    if status is not None and 100 <= status <= 599:  # noqa: PLR2004 - those that HTTP has
        return f"HTTP status {status}"
    return OTHER
