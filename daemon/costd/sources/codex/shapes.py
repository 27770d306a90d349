"""The shapes of Codex's lines, as far as costd needs them.

A line is decoded in two steps: its envelope first, with the payload untouched, and the
payload only of the few kinds that matter. So no text of a conversation ever becomes a
Python object. Any field may be null or absent.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta, Raw, Struct

from costd.core.usage import MAX_TOKENS

Count = Annotated[int, Meta(ge=0, le=MAX_TOKENS * 100)]
"""A running total of a thread may be larger than any one response."""
Ordinal = Annotated[int, Meta(ge=0, le=1 << 53)]


class Line(Struct, gc=False):
    """The envelope; ``ordinal`` numbers the lines of newer versions."""

    timestamp: str | None = None
    type: str | None = None
    ordinal: Ordinal | None = None
    payload: Raw = Raw()


class Git(Struct, gc=False):
    """Where the session began."""

    branch: str | None = None


class ThreadSpawn(Struct, gc=False):
    """A subagent that another thread started."""

    parent_thread_id: str | None = None
    agent_path: str | None = None
    agent_role: str | None = None


class Subagent(Struct, gc=False):
    """``source.subagent``: started by a thread, or one of Codex's own, as the guardian."""

    thread_spawn: ThreadSpawn | None = None
    other: str | None = None


class Origin(Struct, gc=False):
    """``source`` where it is an object."""

    subagent: Subagent | str | None = None


class SessionMeta(Struct, gc=False):
    """``session_meta``: who this thread is and where it comes from.

    ``session_id`` is not this thread's: it is shared by a thread and its subagents.
    """

    id: str | None = None
    session_id: str | None = None
    timestamp: str | None = None
    cwd: str | None = None
    model: str | None = None
    git: Git | None = None
    source: Origin | str | None = None
    thread_source: str | None = None
    agent_role: str | None = None
    agent_path: str | None = None
    forked_from_id: str | None = None
    parent_thread_id: str | None = None
    subagent_history_start_ordinal: Ordinal | None = None


class TurnContext(Struct, gc=False):
    """``turn_context``: what the requests from here on are made with."""

    turn_id: str | None = None
    model: str | None = None
    cwd: str | None = None
    service_tier: str | None = None


class Settings(Struct, gc=False):
    """``thread_settings`` of a ``thread_settings_applied`` event."""

    model: str | None = None
    cwd: str | None = None
    service_tier: str | None = None


class Counts(Struct, gc=False):
    """One of Codex's counters; input holds the cached tokens and the written ones."""

    input_tokens: Count | None = None
    cached_input_tokens: Count | None = None
    cache_write_input_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_output_tokens: Count | None = None


class Info(Struct, gc=False):
    """``info`` of a ``token_count`` event: of the thread so far, of its last request."""

    total_token_usage: Counts | None = None
    last_token_usage: Counts | None = None


class Event(Struct, gc=False):
    """``event_msg``, of the kinds that matter."""

    type: str | None = None
    turn_id: str | None = None
    started_at: float | None = None
    info: Info | None = None
    thread_settings: Settings | None = None


class Kind(Struct, gc=False):
    """Which kind of event a payload is."""

    type: str | None = None


class Prompt(Struct, gc=False):
    """A ``user_message`` event; it is only looked at, never kept."""

    message: str | None = None


class UsageRecord(Struct, gc=False):
    """``token_usage_record``: one response by its own id, beside the running counter."""

    thread_id: str | None = None
    response_id: str | None = None
    usage: Counts | None = None


class Compacted(Struct, gc=False):
    """``compacted``: the history was summarised by a request of its own."""

    compaction_response_id: str | None = None


class Usage(NamedTuple):
    """Codex's counts as it means them: buckets within buckets."""

    input: int
    cached: int
    written: int
    output: int
    reasoning: int


NOTHING = Usage(0, 0, 0, 0, 0)

decode_line = msgspec.json.Decoder(Line).decode
decode_kind = msgspec.json.Decoder(Kind).decode
decode_meta = msgspec.json.Decoder(SessionMeta).decode
decode_turn = msgspec.json.Decoder(TurnContext).decode
decode_event = msgspec.json.Decoder(Event).decode
decode_prompt = msgspec.json.Decoder(Prompt).decode
decode_record = msgspec.json.Decoder(UsageRecord).decode
decode_compacted = msgspec.json.Decoder(Compacted).decode
