"""Claude Code's log as a fold: lines in, observations out.

The way of a repeated line of a response is kept short: it is taken for every content
block of every response in a first import.
"""

from __future__ import annotations

from costd.core.instants import parse_instant
from costd.core.usage import Flag, Observation, Reading, SkippedLine
from costd.sources.claude_code import damage, notes
from costd.sources.claude_code.counts import counts
from costd.sources.claude_code.failed import failed
from costd.sources.claude_code.folds import Folds
from costd.sources.claude_code.parts import (
    billed_parts,
    has_searches,
    search_counts,
    search_part,
    searches_begun,
)
from costd.sources.claude_code.prompts import answers_tools, is_prompt
from costd.sources.claude_code.shapes import (
    BROKEN,
    Iteration,
    Line,
    Message,
    NestedMessage,
    Note,
    Usage,
    decode_line,
    decode_lines,
    decode_note,
)
from costd.sources.claude_code.state import Asked, Search, unpack

_LONGEST_TIME = 64


class Parser:
    """Reads one log from where its checkpoint stands.

    Args:
        session_id: the session the log belongs to, for lines that do not say.
        agent_id: the subagent that wrote the log, or empty.
        state: the checkpoint's state, as ``state()`` gave it.
        fallback_at: the time of lines that have none, milliseconds.
    """

    def __init__(
        self, session_id: str, agent_id: str, state: bytes, fallback_at: int
    ) -> None:
        self._session_id = session_id
        self._agent_id = agent_id
        self._state = unpack(state)
        self._fallback_at = fallback_at
        self._last_place: tuple[str | None, ...] = ()
        self._last_context = 0
        # Of the newest response only values are kept: a line holds on to the buffer.
        self._newest = Observation("", "", "", "", *[0] * 13)
        self._newest_usage: Usage | None = None
        self._newest_key: tuple[object, ...] = (None,)
        self._folds = Folds()
        self._reading = Reading([], [], [], [], [], [], [], 0, 0, 0, 0, forked=False)
        self._first, self._last = "", self._state.last

    def take(self, data: bytearray | bytes, start: int, stop: int, base: int) -> None:
        """Read the complete lines in ``data[start:stop]``.

        Args:
            data: a buffer; ``data[stop - 1]`` is a newline.
            start: where the first line begins.
            stop: past the newline of the last line.
            base: the log's offset of ``data[0]``.
        """
        view = memoryview(data)
        again, response = self._again, self._response
        lines = decode_lines(data, view, start, stop)
        for line, begin, end in lines:
            if line is None:
                self._damaged(bytes(view[begin:end]), base + begin)
                continue
            message = line.message
            if message is not None and message.usage is not None:
                if message.id != self._newest_key[0] or not again(
                    line, message, message.usage
                ):
                    response(line, message, message.usage, base + begin)
            elif line.type != "user" or has_searches(line.toolUseResult):
                self._other(line, view, begin, end, base)
            elif not self._state.prompted:
                self._prompted(line, view[begin:end])
            if line.isApiErrorMessage:
                failed(view[begin:end], self._at(line), self._reading)
            if line.timestamp is not None:
                self._last = line.timestamp
                if not self._first:
                    self._first = line.timestamp
        view.release()
        self._reading.lines += len(lines)

    def take_unterminated(self, data: bytes, base: int) -> bool:
        """Read a last line without a newline if it is one whole object already.

        It is counted now and read again when its newline comes; the caller takes
        ``state()`` before.
        """
        try:
            line = decode_line(data)
        except BROKEN:
            return False
        if line.message is not None and line.message.usage is not None:
            self._response(line, line.message, line.message.usage, base)
        else:
            self._other(line, memoryview(data), 0, len(data), base)
        return True

    def state(self) -> bytes:
        """What the checkpoint must hold; empty where nothing is remembered."""
        self._state.last = self._last[:_LONGEST_TIME]
        return self._state.pack()

    def skip(self, offset: int, length: int, reason: str) -> None:
        """Note a stretch that could not be read as lines."""
        self._reading.skipped.append(SkippedLine(offset, length, reason))

    def finish(self) -> Reading:
        """All that was found since the parser was made."""
        reading = self._reading
        reading.contexts = self._folds.contexts
        reading.services = self._folds.services
        reading.observations = self._folds.observations
        reading.first_at = _instant(self._first)
        reading.last_at = _instant(self._last)
        return reading

    def _again(self, line: Line, message: Message, usage: Usage) -> bool:
        """The short way for one more block of the response that came just before.

        Only for a line that repeats the one before it in everything that counts; any
        other goes through ``_response``, which would give the same result.
        """
        if (
            usage != self._newest_usage
            or self._newest_key
            != (
                message.id,
                line.requestId,
                message.model,
                line.type,
                line.isSidechain,
                line.forkedFrom,
            )
            or not (line.requestId and message.id)
            or not (line.timestamp and line.timestamp >= self._last)
            or self._context(line) != self._newest.context
            or searches_begun(message.content)
        ):
            return False
        if message.stop_reason is not None:
            self._newest.flags |= Flag.FINAL
            if message.stop_reason == "refusal":
                self._newest.flags |= Flag.REFUSED
        return True

    def _response(
        self, line: Line, message: Message, usage: Usage, offset: int
    ) -> None:
        """Fold one assistant line into the response that it belongs to."""
        if line.type != "assistant" or message.model == "<synthetic>":
            return
        found = counts(usage)
        if found is None:
            return
        at = _instant(line.timestamp)
        seen = Observation(
            message.id or "",
            line.requestId or line.request_id or "",
            "",
            "",
            0,
            self._context(line),
            self._folds.service(message.model, usage.speed, usage.inference_geo),
            offset,
            at or self._stand_in,
            self._flags(line, message, usage) | (0 if at else Flag.UNDATED),
            *found,
        )
        if not (seen.response_id and seen.request_id):
            self._identify(seen, line, message)
        iterations = usage.iterations
        if iterations is not None and (
            len(iterations) > 1 or (iterations and iterations[0].type != "message")
        ):
            self._parts(seen, iterations)
        self._newest = self._folds.fold(seen)
        self._newest_usage = usage
        self._newest_key = (
            message.id,
            line.requestId,
            message.model,
            line.type,
            line.isSidechain,
            line.forkedFrom,
        )
        if begun := searches_begun(message.content):
            self._remember(begun, message, seen)

    def _identify(self, seen: Observation, line: Line, message: Message) -> None:
        """The response id and scope of a line that lacks one of its two ids."""
        asked = Asked(
            f"{line.sessionId or line.session_id or self._session_id} "
            f"{line.agentId or self._agent_id}".rstrip(),
            seen.response_id,
            seen.request_id,
            line.uuid or "",
            line.parentUuid or "",
            message.stop_reason is not None,
            (
                seen.input_tokens,
                seen.cache_read_tokens,
                seen.cache_creation_5m_tokens,
                seen.cache_creation_1h_tokens,
            ),
            line.timestamp or f"#{seen.offset}",
        )
        seen.response_id, seen.scope = self._state.identity(asked)

    def _flags(self, line: Line, message: Message, usage: Usage) -> int:
        flags = Flag.SIDECHAIN if line.isSidechain else 0
        if message.stop_reason is not None:
            flags |= Flag.FINAL
            if message.stop_reason == "refusal":
                flags |= Flag.REFUSED
        if line.forkedFrom is not None:
            flags |= Flag.FORKED
            self._reading.forked = True
        credit = usage.fallback_credit
        if credit is not None and credit.status == "redeemed":
            flags |= Flag.CREDITED
        return flags

    def _at(self, line: Line) -> int:
        """When the line was written; the line before, else the file, stands in."""
        return _instant(line.timestamp) or self._stand_in

    @property
    def _stand_in(self) -> int:
        return _instant(self._last) or self._fallback_at

    def _context(self, line: Line) -> int:
        place = (
            line.sessionId,
            line.session_id,
            line.agentId,
            line.cwd,
            line.gitBranch,
        )
        if place != self._last_place:
            self._last_place = place
            self._last_context = self._folds.context(
                line.sessionId or line.session_id or self._session_id,
                line.agentId or self._agent_id,
                line.cwd or "",
                line.gitBranch or "",
            )
        return self._last_context

    def _parts(self, seen: Observation, iterations: list[Iteration]) -> None:
        """What the response bills beside its own usage."""
        served_by = self._folds.services[seen.service]
        serving, parts = billed_parts(seen, served_by.model, iterations)
        if serving:
            seen.flags |= Flag.WHOLE
            seen.service = self._folds.service(serving, served_by.speed, served_by.geo)
        for model, part in parts:
            same = model == (serving or served_by.model)
            speed = served_by.speed if same else ""
            part.service = self._folds.service(model, speed, served_by.geo)
            self._folds.fold(part)

    def _remember(self, begun: list[str], message: Message, seen: Observation) -> None:
        """Keep the web searches that an assistant line asks for."""
        place = self._folds.contexts[seen.context]
        for tool_use_id in begun:
            search = Search(
                seen.response_id,
                seen.request_id,
                seen.scope,
                message.model or "",
                seen.flags & (Flag.SIDECHAIN | Flag.FORKED) | Flag.FINAL,
                place,
            )
            self._state.remember(tool_use_id, search)

    def _other(
        self, line: Line, view: memoryview, start: int, end: int, base: int
    ) -> None:
        """Lines that are not a response, as far as they matter."""
        if line.type in notes.KINDS:
            try:
                found = decode_note(view[start:end])
            except BROKEN:
                self.skip(base + start, end - start, "a note of another shape")
            else:
                self._note(line, found)
        elif line.toolUseResult is not None and line.message is not None:
            self._searched(line, line.message)
        elif line.data is not None:
            self._progress(line, base + start)
        if line.forkedFrom is not None:
            self._reading.forked = True

    def _note(self, line: Line, found: Note) -> None:
        session = line.sessionId or line.session_id or self._session_id
        notes.note(line.type or "", found, session, self._at(line), self._reading)

    def _prompted(self, line: Line, raw: memoryview) -> None:
        """A user's line, before the first prompt of a session was seen."""
        is_other = line.isSidechain or line.agentId or self._agent_id
        if not is_other and not answers_tools(line.message):
            session = line.sessionId or line.session_id or self._session_id
            found = is_prompt(raw, session, self._at(line), self._reading)
            self._state.prompted = found

    def _searched(self, line: Line, message: Message) -> None:
        """A tool's result says how many searches a side call ran."""
        for tool_use_id, count in search_counts(line.toolUseResult, message.content):
            search = self._state.searches.pop(tool_use_id, None)
            if search is None:
                continue
            place = search.context
            part = search_part(search, tool_use_id, count, self._at(line))
            part.context = self._folds.context(
                place.session_id, place.agent_id, place.cwd, place.branch
            )
            part.service = self._folds.service(search.model, None, None)
            self._folds.fold(part)

    def _progress(self, line: Line, offset: int) -> None:
        """A progress line repeats a line of a subagent's own log."""
        data = line.data
        if data is None or data.type != "agent_progress":
            return
        inner = data.message
        if not isinstance(inner, NestedMessage) or inner.message is None:
            return
        if inner.message.usage is None:
            return
        copy = Line(
            type="assistant",
            sessionId=line.sessionId,
            session_id=line.session_id,
            cwd=line.cwd,
            gitBranch=line.gitBranch,
            timestamp=inner.timestamp or line.timestamp,
            uuid=inner.uuid or line.uuid,
            parentUuid=inner.parentUuid,
            requestId=inner.requestId,
            agentId=data.agentId,
            isSidechain=True,
        )
        self._response(copy, inner.message, inner.message.usage, offset)

    def _damaged(self, raw: bytes, offset: int) -> None:
        """A line that the strict decoder refused."""
        saved = damage.save(raw, offset)
        self._reading.skipped.extend(saved.skipped)
        self._reading.salvaged += saved.salvaged
        for found in saved.objects:
            line = damage.to_line(found)
            if line is None:
                self.skip(offset, len(raw), "a count that is no count")
                continue
            if line.message is not None and line.message.usage is not None:
                self._response(line, line.message, line.message.usage, offset)
            elif line.type in notes.KINDS:
                if (known := damage.to_note(found)) is not None:
                    self._note(line, known)
            else:
                self._other(line, memoryview(b""), 0, 0, offset)
            if line.timestamp:
                self._last = line.timestamp
                self._first = self._first or line.timestamp


def _instant(text: str | None) -> int:
    """Milliseconds; 0 where there is no time at which anything was logged."""
    return (parse_instant(text) or 0) if text else 0
