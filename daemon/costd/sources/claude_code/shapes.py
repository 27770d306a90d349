"""The shapes of Claude Code's lines, as far as costd needs them.

Everything else in a line is skipped by the decoder without being built, so no text of
a conversation ever becomes a Python object on the normal path. Any field may be null
or absent; a field of another type fails the decoder, and the line takes the slow way.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from costd.core.usage import MAX_TOKENS

Count = Annotated[int, Meta(ge=0, le=MAX_TOKENS)]


class CacheCreation(Struct, gc=False):
    """Cache writes by lifetime."""

    ephemeral_5m_input_tokens: Count | None = None
    ephemeral_1h_input_tokens: Count | None = None


class ServerToolUse(Struct, gc=False):
    """Searches that the provider ran inside the response."""

    web_search_requests: Count | None = None


class OutputDetails(Struct, gc=False):
    """What part of the output was thinking."""

    thinking_tokens: Count | None = None


class FallbackCredit(Struct, gc=False):
    """Whether a retry was repriced."""

    status: str | None = None


class Iteration(Struct, gc=False):
    """One attempt or side call within a response."""

    type: str | None = None
    model: str | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation: CacheCreation | None = None


class Usage(Struct, gc=False):
    """``message.usage``; ``input_tokens`` leaves the cached ones out."""

    input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    output_tokens: Count | None = None
    server_tool_use: ServerToolUse | None = None
    cache_creation: CacheCreation | None = None
    inference_geo: str | None = None
    iterations: list[Iteration] | None = None
    speed: str | None = None
    output_tokens_details: OutputDetails | None = None
    fallback_credit: FallbackCredit | None = None


class Block(Struct, gc=False):
    """A content block: only which tool it calls or answers."""

    tool_use_id: str | None = None
    id: str | None = None
    name: str | None = None


class Message(Struct, gc=False):
    """``message`` of an assistant line; ``content`` names the tools that it calls."""

    model: str | None = None
    id: str | None = None
    content: list[Block] | str | None = None
    stop_reason: str | None = None
    usage: Usage | None = None


class ForkedFrom(Struct, gc=False):
    """Where a copied line came from."""

    sessionId: str | None = None  # noqa: N815 - the log's own name


class ToolResult(Struct, gc=False):
    """``toolUseResult`` of a user line."""

    searchCount: int | float | None = None  # noqa: N815 - the log's own name


class NestedMessage(Struct, gc=False):
    """The agent's line inside a progress line."""

    type: str | None = None
    timestamp: str | None = None
    requestId: str | None = None  # noqa: N815 - the log's own name
    uuid: str | None = None
    parentUuid: str | None = None  # noqa: N815 - the log's own name
    message: Message | None = None


class Progress(Struct, gc=False):
    """``data`` of a progress line."""

    type: str | None = None
    agentId: str | None = None  # noqa: N815 - the log's own name
    message: NestedMessage | str | None = None


class Line(Struct, gc=False):
    """Any line; the fields in the order of most logs, in which they are found at once."""

    parentUuid: str | None = None  # noqa: N815 - the log's own name
    isSidechain: bool | None = None  # noqa: N815 - the log's own name
    cwd: str | None = None
    sessionId: str | None = None  # noqa: N815 - the log's own name
    gitBranch: str | None = None  # noqa: N815 - the log's own name
    agentId: str | None = None  # noqa: N815 - the log's own name
    message: Message | None = None
    requestId: str | None = None  # noqa: N815 - the log's own name
    type: str | None = None
    uuid: str | None = None
    timestamp: str | None = None
    toolUseResult: ToolResult | str | list[Raw] | None = None  # noqa: N815 - the log's own name
    isApiErrorMessage: bool | None = None  # noqa: N815 - the log's own name
    forkedFrom: ForkedFrom | None = None  # noqa: N815 - the log's own name
    data: Progress | None = None
    session_id: str | None = None
    request_id: str | None = None


class WorktreeSession(Struct, gc=False):
    """``worktreeSession`` of a ``worktree-state`` line."""

    originalCwd: str | None = None  # noqa: N815 - the log's own name
    worktreePath: str | None = None  # noqa: N815 - the log's own name
    worktreeBranch: str | None = None  # noqa: N815 - the log's own name
    branch: str | None = None


class Note(Struct, gc=False):
    """A line that is not part of the conversation."""

    prNumber: int | None = None  # noqa: N815 - the log's own name
    prUrl: str | None = None  # noqa: N815 - the log's own name
    prRepository: str | None = None  # noqa: N815 - the log's own name
    totalCostUSD: float | None = None  # noqa: N815 - the log's own name
    worktreeSession: WorktreeSession | None = None  # noqa: N815 - the log's own name


decode_line = msgspec.json.Decoder(Line).decode
decode_note = msgspec.json.Decoder(Note).decode

BROKEN = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
"""What the decoders raise for a line that is damaged, or of another shape."""


def decode_lines(
    data: bytearray | bytes, view: memoryview, start: int, stop: int
) -> list[tuple[Line | None, int, int]]:
    """The lines in ``data[start:stop]``; None for those that could not be decoded.

    All of a block at once, and whatever follows from them afterwards: each of the two
    loops is small enough to stay near the processor.

    Args:
        data: a buffer; ``data[stop - 1]`` is a newline.
        view: of ``data``.
        start: where the first line begins.
        stop: past the newline of the last line.

    Returns:
        Each line, where it begins, and where its newline is.
    """
    find, decode = data.find, decode_line
    found: list[tuple[Line | None, int, int]] = []
    add = found.append
    while start < stop:
        end = find(b"\n", start, stop)
        try:
            add((decode(view[start:end]), start, end))
        except BROKEN:
            add((None, start, end))
        start = end + 1
    return found
