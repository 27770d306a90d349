"""A project's ``.droid_token_usage.jsonl`` as a fold: lines in, observations out.

One line is one call of ``droid exec`` with the sums over its requests. The buckets are
disjoint already; tokens of thinking are in none of them, so each is a lower bound.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from costd.core.dedup import group_of, merge
from costd.core.instants import parse_instant
from costd.core.usage import (
    MAX_TOKENS,
    Context,
    Flag,
    Observation,
    Reading,
    Service,
    SkippedLine,
)

NAME = ".droid_token_usage.jsonl"
SUMMED = "summed"
"""The speed of a sum over requests: no single one of them was as long as it looks."""
_BROKEN = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
_CUSTOM = re.compile(r"-?\[[^\]]*\](?:-\d+)?$")
_LONGEST = 200
Count = Annotated[int, Meta(ge=0, le=MAX_TOKENS)]


class Line(Struct, gc=False):
    """One call; the time is the writer's local one, without a zone."""

    timestamp: str | None = None
    session_id: str | None = None
    model: str | None = None
    context_key: str | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_read_tokens: Count | None = None
    cache_creation_tokens: Count | None = None


_decode = msgspec.json.Decoder(Line).decode


def is_usage_log(path: str) -> bool:
    """Whether the file at ``path`` (relative to a root) is one of these logs."""
    return path.rpartition("/")[2] == NAME


class Parser:
    """Reads one log from where its checkpoint stands.

    Args:
        directory: where the project works: its calls name no directory.
        state: the checkpoint's state, as ``state()`` gave it.
        fallback_at: the time of lines that have none, milliseconds.
        local: the instant at which a clock of this machine showed a time.
    """

    def __init__(
        self,
        directory: str,
        state: bytes,
        fallback_at: int,
        local: Callable[[datetime], int],
    ) -> None:
        self._directory = directory
        self._last_at = msgspec.msgpack.decode(state, type=int) if state else 0
        self._fallback_at = fallback_at
        self._local = local
        self._contexts: dict[Context, int] = {}
        self._services: dict[Service, int] = {}
        self._observations: dict[str, Observation] = {}
        self._reading = Reading([], [], [], [], [], [], [], 0, 0, 0, 0, forked=False)

    def take(self, data: bytearray | bytes, start: int, stop: int, base: int) -> None:
        """Read the complete lines in ``data[start:stop]``; as every source does."""
        while start < stop:
            end = data.find(b"\n", start, stop)
            line = bytes(data[start:end])
            self._reading.lines += 1
            if line.strip(b" \t\r\0") and not self._take(line, base + start):
                self.skip(base + start, len(line), "not a record")
            start = end + 1

    def take_unterminated(self, data: bytes, base: int) -> bool:
        """Read a last line without a newline if it is one whole object already."""
        return self._take(data, base)

    def skip(self, offset: int, length: int, reason: str) -> None:
        """Note a stretch that could not be read as lines."""
        self._reading.skipped.append(SkippedLine(offset, length, reason))

    def state(self) -> bytes:
        """What the checkpoint must hold: the time that lines without one take over."""
        return msgspec.msgpack.encode(self._last_at)

    def finish(self) -> Reading:
        """All that was found since the parser was made."""
        reading = self._reading
        reading.contexts = list(self._contexts)
        reading.services = list(self._services)
        reading.observations = list(self._observations.values())
        reading.last_at = self._last_at
        return reading

    def _take(self, raw: bytes, offset: int) -> bool:
        try:
            line = _decode(raw.strip(b"\0"))
        except _BROKEN:
            return False
        at = self._instant(line.timestamp)
        if at:
            self._last_at = at
            self._reading.first_at = self._reading.first_at or at
        self._call(line, at, offset)
        return True

    def _call(self, line: Line, at: int, offset: int) -> None:
        counts = (
            line.input_tokens or 0,
            line.output_tokens or 0,
            line.cache_read_tokens or 0,
            line.cache_creation_tokens or 0,
        )
        if not any(counts):
            return
        session = (line.session_id or "")[:_LONGEST]
        # A copy of the log, in another worktree, holds the same calls.
        name = f"{session}@{(line.timestamp or str(offset))[:_LONGEST]}"
        branch = (line.context_key or "")[:_LONGEST]
        context = Context(session, "", self._directory, branch)
        service = Service(_model(line.model), SUMMED)
        seen = Observation(
            name,
            "",
            "",
            "",
            group_of(name, ""),
            self._contexts.setdefault(context, len(self._contexts)),
            self._services.setdefault(service, len(self._services)),
            offset,
            at or self._last_at or self._fallback_at,
            0 if at else Flag.UNDATED,
            *counts,
            0,
            0,
            0,
        )
        kept = self._observations.setdefault(name, seen)
        if kept is not seen:
            merge(kept, seen)

    def _instant(self, text: str | None) -> int:
        if not text:
            return 0
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                return self._local(moment)
        except (ValueError, OverflowError, OSError):
            return 0
        return parse_instant(text) or 0


def _model(name: str | None) -> str:
    """``custom:Claude-Opus-4.5-[Anthropic]-0`` is a user's own name for a model."""
    text = (name or "")[:_LONGEST]
    if text.startswith("custom:"):
        text = _CUSTOM.sub("", text.removeprefix("custom:"))
    return text
