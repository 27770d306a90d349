"""Codex's rollout as a fold: lines in, observations out."""

from __future__ import annotations

import msgspec

from costd.core.attribution import addressed_issue
from costd.core.instants import parse_instant
from costd.core.usage import (
    MAX_TOKENS,
    Context,
    Flag,
    PromptedIssue,
    Reading,
    Service,
    SkippedLine,
    Subagent,
)
from costd.sources.codex.counter import Moment, Step, usage_of
from costd.sources.codex.failed import failed
from costd.sources.codex.folds import Folds
from costd.sources.codex.pairs import Held
from costd.sources.codex.shapes import (
    Event,
    Line,
    Settings,
    TurnContext,
    Usage,
    decode_compacted,
    decode_event,
    decode_kind,
    decode_line,
    decode_meta,
    decode_prompt,
    decode_record,
    decode_turn,
)
from costd.sources.codex.state import unpack
from costd.sources.codex.threads import Thread, Threads, thread_of, time_of

_BROKEN = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
_EVENTS = frozenset(
    {
        "token_count",
        "task_started",
        "task_complete",
        "turn_aborted",
        "thread_settings_applied",
        "error",
        "user_message",
    }
)
_KINDS = frozenset(
    {"event_msg", "turn_context", "session_meta", "token_usage_record", "compacted"}
)
_IMPORTED = "external-import-turn-"
_TIERS = {"auto": "", "default": "", "standard": "", "priority": "fast"}
"""Codex's names for what the rate card calls standard and fast."""
_BURST_MS = 1_000
"""Copied lines that got new times are written at once when the fork begins."""
_SECONDS = 10**11
"""A number of seconds is below, one of milliseconds above."""
_LONGEST_TIME = 64
_LONGEST_NAME = 200
_LONGEST = 4_096


class Parser:
    """Reads one rollout from where its checkpoint stands.

    Args:
        thread_id: the thread, for rollouts that do not begin with their meta line.
        state: the checkpoint's state, as ``state()`` gave it.
        fallback_at: the time of lines that have none, milliseconds.
    """

    def __init__(self, thread_id: str, state: bytes, fallback_at: int) -> None:
        self._state = unpack(state, thread_id)
        self._fallback_at = fallback_at
        self._folds = Folds()
        self._reading = Reading([], [], [], [], [], [], [], 0, 0, 0, 0, forked=False)
        self._first = ""

    def take(self, data: bytearray | bytes, start: int, stop: int, base: int) -> None:
        """Read the complete lines in ``data[start:stop]``; as every source does."""
        view = memoryview(data)
        while start < stop:
            end = data.find(b"\n", start, stop)
            self._reading.lines += 1
            self._line(view[start:end], base + start)
            start = end + 1
        view.release()

    def take_unterminated(self, data: bytes, base: int) -> bool:
        """Read a last line without a newline if it is one whole object already."""
        try:
            line = decode_line(data)
        except _BROKEN:
            return False
        self._read(line, base, len(data))
        return True

    def skip(self, offset: int, length: int, reason: str) -> None:
        """Note a stretch that could not be read as lines."""
        self._reading.skipped.append(SkippedLine(offset, length, reason))

    def state(self) -> bytes:
        """What the checkpoint must hold."""
        return self._state.pack()

    def finish(self) -> Reading:
        """All that was found since the parser was made."""
        reading = self._reading
        reading.contexts = self._folds.contexts
        reading.services = self._folds.services
        reading.observations = self._folds.observations
        reading.first_at = _instant(self._first)
        reading.last_at = _instant(self._state.last)
        reading.forked = self._state.threads.is_copying
        return reading

    def _line(self, raw: memoryview, offset: int) -> None:
        length = len(raw)
        try:
            line = decode_line(raw)
        except _BROKEN:
            self._damaged(bytes(raw), offset)
        else:
            self._read(line, offset, length)

    def _damaged(self, raw: bytes, offset: int) -> None:
        """What a crash left: a record cut short, with the next one behind it."""
        if not raw.strip(b" \t\r\0"):
            return
        begins = raw.rfind(b'{"timestamp":')
        if begins >= 0:
            try:
                line = decode_line(raw[begins:])
            except _BROKEN:
                pass
            else:
                self._reading.salvaged += 1
                if raw[:begins].strip(b" \t\r\0"):
                    self.skip(offset, begins, "cut short")
                self._read(line, offset + begins, len(raw) - begins)
                return
        self.skip(offset, len(raw), "not a record")

    def _read(self, line: Line, offset: int, length: int) -> None:
        kind = line.type
        if line.timestamp is not None:
            self._state.last = line.timestamp[:_LONGEST_TIME]
            self._first = self._first or self._state.last
        if kind not in _KINDS:
            return
        try:
            if kind == "event_msg":
                self._event(line, line.payload, offset)
            elif kind == "turn_context":
                self._turn_context(decode_turn(line.payload))
            elif kind == "session_meta":
                self._meta(line, line.payload)
            elif kind == "token_usage_record":
                self._record(line, line.payload, offset)
            else:
                self._compacted(line.payload)
        except _BROKEN:
            self.skip(offset, length, "a record of another shape")

    def _event(self, line: Line, payload: msgspec.Raw, offset: int) -> None:
        kind = decode_kind(payload).type
        if kind not in _EVENTS:
            return
        if kind == "error":
            self._failed(line, payload)
            return
        if kind == "user_message":
            self._prompted(line, payload)
            return
        event = decode_event(payload)
        if kind == "token_count":
            self._token_count(line, event, offset)
        elif kind == "task_started":
            self._turn(event.turn_id or "", _started(event.started_at))
        elif kind == "thread_settings_applied":
            if event.thread_settings is not None:
                self._settings(event.thread_settings)
        else:
            self._alone(self._state.pairs.flush())

    def _failed(self, line: Line, payload: msgspec.Raw) -> None:
        """A call that failed; what was copied is told by its own thread."""
        at = self._at(line)
        if self._owner(line, at) == 0:
            thread_id = self._state.threads.own.id
            self._reading.api_errors.append(failed(payload, thread_id, at))

    def _prompted(self, line: Line, payload: msgspec.Raw) -> None:
        """The first prompt of a session may name its issue; nothing of it is kept."""
        state, at = self._state, self._at(line)
        if state.prompted or state.threads.own.agent or self._owner(line, at):
            return
        state.prompted = True
        if issue := addressed_issue(decode_prompt(payload).message or ""):
            session = state.threads.own.session
            self._reading.prompted.append(PromptedIssue(session, issue, at))

    def _meta(self, line: Line, payload: msgspec.Raw) -> None:
        meta = decode_meta(payload)
        thread = thread_of(meta, self._at(line))
        if thread is None:
            return
        state = self._state
        if not state.has_meta:
            state.threads = Threads([thread])
            state.has_meta = True
            if thread.agent:
                kind, parent = thread.kind, thread.parent
                parent = "" if parent == thread.session else parent
                self._reading.subagents.append(
                    Subagent(thread.session, thread.agent, kind, parent)
                )
        else:
            state.threads.meet(thread)
        state.model = state.model or (meta.model or "")[:_LONGEST_NAME]

    def _turn_context(self, turn: TurnContext) -> None:
        if turn.turn_id and turn.turn_id != self._state.turn_id:
            self._turn(turn.turn_id, 0)
        self._settings(turn)

    def _settings(self, found: TurnContext | Settings) -> None:
        state = self._state
        state.model = (found.model or state.model)[:_LONGEST_NAME]
        state.cwd = (found.cwd or state.cwd)[:_LONGEST]
        if found.service_tier is not None:
            state.tier = found.service_tier[:_LONGEST_NAME]

    def _turn(self, turn_id: str, started_at: int) -> None:
        """A turn begins: whose it is."""
        state = self._state
        self._alone(state.pairs.flush())
        state.turn_id = turn_id[:_LONGEST_NAME]
        state.is_imported = turn_id.startswith(_IMPORTED)
        began_at = time_of(turn_id) or started_at
        if began_at:
            is_certain = bool(time_of(turn_id))
            state.owner = state.threads.whose(began_at, is_certain=is_certain)
        else:
            state.owner = -1

    def _owner(self, line: Line, at: int) -> int:
        """The index of the thread that made what a line tells of."""
        threads, turn = self._state.threads, self._state.owner
        if line.ordinal is not None and threads.own.own_from:
            is_own = line.ordinal >= threads.own.own_from
            return 0 if is_own else turn if turn > 0 else threads.parent()
        if turn >= 0:
            return turn
        return threads.whose(at - _BURST_MS, is_certain=False)

    def _token_count(self, line: Line, event: Event, offset: int) -> None:
        info = event.info
        if info is None:
            return  # only how much of a limit is used
        state, at = self._state, self._at(line)
        owner = self._owner(line, at)
        steps = state.counter.advance(
            info.total_token_usage,
            info.last_token_usage,
            Moment(at, offset),
            child=bool(state.threads.own.parent),
        )
        for step in steps:
            if not state.is_imported and state.pairs.step(step.used):
                self._step(step, owner)

    def _record(self, line: Line, payload: msgspec.Raw, offset: int) -> None:
        record = decode_record(payload)
        if record.usage is None or not record.response_id or self._state.is_imported:
            return
        at = self._at(line)
        owner = self._state.threads.index_of(record.thread_id or "")
        held = Held(
            record.response_id[:_LONGEST_NAME],
            self._owner(line, at) if owner is None else owner,
            usage_of(record.usage),
            Moment(at, offset),
        )
        self._alone(self._state.pairs.record(held))

    def _compacted(self, payload: msgspec.Raw) -> None:
        """Summarising is a request too; older versions do not say what it used."""
        response_id = decode_compacted(payload).compaction_response_id
        if response_id:
            self._alone(self._state.pairs.compacted(response_id))
        else:
            self._state.compacted = True

    def _step(self, step: Step, owner: int) -> None:
        thread = self._state.threads.known[owner]
        total = step.total
        name = f"{thread.id}:{total.input}.{total.cached}.{total.output}"
        self._observe(name, owner, step.used, step.moment)

    def _alone(self, records: list[Held]) -> None:
        for record in records:
            self._observe(record.response_id, record.thread, record.used, record.moment)

    def _observe(self, name: str, owner: int, used: Usage, moment: Moment) -> None:
        """One response of the thread with that index."""
        if not (used.input or used.output):
            return
        if max(used) > MAX_TOKENS:
            self.skip(moment.offset, 0, "counts beyond any context")
            return
        state = self._state
        flags = 0 if state.compacted else Flag.FINAL
        state.compacted = False
        if owner:
            flags |= Flag.FORKED
        if state.threads.own.agent:
            flags |= Flag.SIDECHAIN
        if not moment.at:
            flags |= Flag.UNDATED
            moment = Moment(self._fallback_at, moment.offset)
        service = Service(state.model, _TIERS.get(state.tier, state.tier))
        context = self._context(owner)
        self._folds.add(
            name, used, moment, context=context, service=service, flags=flags
        )

    def _context(self, owner: int) -> Context:
        """Where it was made. What a subagent copied stays with whoever made it."""
        own, thread = self._state.threads.own, self._state.threads.known[owner]
        agent = thread.agent if own.agent else ""
        cwd = self._state.cwd or thread.cwd
        return Context(own.session, agent, cwd, _branch(thread, cwd))

    def _at(self, line: Line) -> int:
        """When the line was written; 0 where nothing tells."""
        return _instant(line.timestamp) or _instant(self._state.last)


def _branch(thread: Thread, cwd: str) -> str:
    """The branch at the session's beginning says nothing about another directory."""
    home, here = (path.replace("\\", "/").rstrip("/") for path in (thread.cwd, cwd))
    if not home or here == home or here.startswith(home + "/"):
        return thread.branch
    return ""


def _started(at: float | None) -> int:
    """The end of the second in which a turn began, in milliseconds; 0: unknown."""
    if at is None or not 0 < at < _SECONDS * 1_000:
        return 0
    return int(at) if at >= _SECONDS else int(at) * 1_000 + 999


def _instant(text: str | None) -> int:
    return (parse_instant(text) if text else None) or 0
