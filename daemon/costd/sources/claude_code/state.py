"""What a later line must know about earlier ones, kept in the checkpoint."""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec
from msgspec import Struct

from costd.core.dedup import is_provider_id
from costd.core.usage import Context

_UUID = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII
)
_REMEMBERED = 256

Side = tuple[int, int, int, int]
"""Input, cache read, and cache writes for 5 minutes and for an hour."""


class Run(Struct, array_like=True):
    """Where an id that is not unique stands: which run, and what would end it.

    ``scope`` is what tells the run from all others: the uuid of its first line, which
    copies keep and which no other line of a rewritten log can take over; where that
    is no uuid, who speaks and the run's number.
    """

    number: int
    stopped: bool
    side: Side
    uuid: str
    scope: str


class Asked(NamedTuple):
    """What tells which response a line belongs to."""

    speaker: str
    """Session and subagent."""
    response_id: str
    request_id: str
    uuid: str
    parent: str
    stop: bool
    side: Side
    at: str
    """When, or where in the log, the line was written."""


class Search(Struct, array_like=True):
    """A web search that was asked for and whose count has not been seen."""

    response_id: str
    request_id: str
    scope: str
    model: str
    flags: int
    context: Context


class State(Struct, array_like=True):
    """Small and bounded, whatever the log holds."""

    runs: dict[str, Run]
    searches: dict[str, Search]
    last: str
    """The time of the last line that has one; the others take it over."""
    prompted: bool = True
    """Whether the first prompt was seen; checkpoints of before do not say."""

    def identity(self, line: Asked) -> tuple[str, str]:
        """The response id of a line, and the scope in which it means one response.

        A request id or an id of the provider's own form is unique everywhere. Any
        other id may be a gateway's constant: it is told apart by its run.

        Returns:
            ``(response_id, scope)``; an empty scope is the whole world.
        """
        if line.response_id:
            if line.request_id or is_provider_id(line.response_id):
                return line.response_id, ""
            return line.response_id, self._run(line).scope
        if line.request_id:
            return f"request:{line.request_id}", ""
        if not line.uuid:  # nothing names it: each line is a response of its own
            side = " ".join(map(str, line.side))
            return f"line:@{line.at} {side}", line.speaker
        scope = "" if _UUID.fullmatch(line.uuid) else line.speaker
        return f"line:{line.uuid}", scope

    def _run(self, line: Asked) -> Run:
        """A run ends with a stop reason, or when the input side changes.

        New versions write the stop reason on every block, so a line that follows the
        run's last one directly, with the same input, belongs to it all the same.
        """
        key = f"{line.speaker} {line.response_id}"
        run = self.runs.pop(key, None)
        if run is None:
            run = _begin(0, line)
        elif run.side != line.side or (
            run.stopped and not (line.parent and line.parent == run.uuid)
        ):
            run = _begin(run.number + 1, line)
        run.stopped = line.stop
        run.uuid = line.uuid
        self.runs[key] = run
        _forget(self.runs)
        return run

    def remember(self, tool_use_id: str, search: Search) -> None:
        """A web search began."""
        self.searches[tool_use_id] = search
        _forget(self.searches)

    def pack(self) -> bytes:
        """What the checkpoint holds; empty where nothing is remembered."""
        if not (self.runs or self.searches or self.last or self.prompted):
            return b""
        return msgspec.msgpack.encode(self)


def unpack(packed: bytes) -> State:
    """The state in a checkpoint."""
    return msgspec.msgpack.decode(packed, type=State) if packed else _new()


def _new() -> State:
    return State({}, {}, "", prompted=False)


def _begin(number: int, line: Asked) -> Run:
    is_unique = _UUID.fullmatch(line.uuid) is not None
    scope = line.uuid if is_unique else f"{line.speaker} {number}"
    return Run(number, stopped=False, side=line.side, uuid="", scope=scope)


def _forget(remembered: dict[str, Run] | dict[str, Search]) -> None:
    """Keep the newest; a log may be endless."""
    while len(remembered) > _REMEMBERED:
        del remembered[next(iter(remembered))]
