"""What a source reads out of a log, as plain values.

An ``Observation`` is one billable response as one log shows it. Everything here is a
msgspec struct in array form, because observations travel from the reading process to
the recording one and are kept as evidence in the ledger.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

MAX_TOKENS = 10**10


class Flag:
    """Facts about a response that are either so or not, as bits of an int.

    Plain ints: each operation of an IntFlag costs a microsecond, and there are
    several for every line.
    """

    SIDECHAIN: Final = 1
    """Every line of it was written by a subagent."""
    FORKED: Final = 2
    """Every line of it says that it was copied from another session."""
    FINAL: Final = 4
    """A line with a stop reason was seen; without one the output is a lower bound."""
    WHOLE: Final = 8
    """A fallback served it: that line's usage is taken whole, without a maximum."""
    REFUSED: Final = 16
    """The stop reason was a refusal; it is not billed if nothing had come out."""
    UNDATED: Final = 32
    """No line had a time; the file's own stands in."""
    CREDITED: Final = 64
    """A fallback credit was redeemed, which the log does not price exactly."""


class Context(Struct, array_like=True, frozen=True, gc=False):
    """Where a response was made, as its line says."""

    session_id: str
    agent_id: str = ""
    cwd: str = ""
    branch: str = ""


class Service(Struct, array_like=True, frozen=True, gc=False):
    """What served a response, as far as the price depends on it."""

    model: str
    speed: str = ""
    geo: str = ""


class Observation(Struct, array_like=True, gc=False):
    """One billable response as one log shows it: the fold of its lines.

    ``response_id``, ``scope`` decide the group in which copies are looked for,
    ``request_id`` and ``part`` which response of the group it is. ``part`` is empty
    for the response itself; ``iteration:2``, ``search:toolu_1`` and ``hop:0`` are
    billed with it and are not responses of their own. Token buckets are disjoint.
    """

    response_id: str
    request_id: str
    scope: str
    part: str
    group: int
    context: int
    service: int
    offset: int
    at: int
    flags: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_5m_tokens: int
    cache_creation_1h_tokens: int
    reasoning_tokens: int
    web_searches: int


class PullRequest(Struct, array_like=True, frozen=True, gc=False):
    """A session said that it belongs to a pull request."""

    session_id: str
    url: str
    number: int
    repository: str
    at: int


class PromptedIssue(Struct, array_like=True, frozen=True, gc=False):
    """The one issue whose address stands in a session's first prompt."""

    session_id: str
    issue: str
    at: int


class Worktree(Struct, array_like=True, frozen=True, gc=False):
    """A session entered a worktree; ``branch`` is the worktree's own."""

    session_id: str
    path: str
    branch: str
    original_cwd: str


class ReportedCost(Struct, array_like=True, frozen=True, gc=False):
    """The agent's own running total of a session, in nano-USD; never added."""

    session_id: str
    cost: int


class SkippedLine(Struct, array_like=True, frozen=True, gc=False):
    """A line, or a part of one, that could not be used: where it is, never its text."""

    offset: int
    length: int
    reason: str


class Subagent(Struct, array_like=True, frozen=True, gc=False):
    """A log says that a subagent wrote it: of which kind, and whose it is.

    ``parent_id`` is the subagent that started it; empty for the session itself.
    """

    session_id: str
    agent_id: str
    agent_type: str
    parent_id: str = ""


class ApiError(Struct, array_like=True, frozen=True, gc=False):
    """An agent's log says that a call of its model failed: of which kind, and when.

    ``key`` is the line's own id, the same in every copy of it.
    """

    key: str
    at: int
    kind: str


class Reading(Struct, array_like=True, gc=False):
    """Everything a source found in one stretch of one log."""

    contexts: list[Context]
    services: list[Service]
    observations: list[Observation]
    pull_requests: list[PullRequest]
    worktrees: list[Worktree]
    reported: list[ReportedCost]
    skipped: list[SkippedLine]
    salvaged: int
    lines: int
    first_at: int
    last_at: int
    forked: bool
    subagents: list[Subagent] = []
    prompted: list[PromptedIssue] = []
    api_errors: list[ApiError] = []
