"""What a later line must know about earlier ones, kept in the checkpoint."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from costd.core.usage import Context

_TRUSTED = re.compile(r"msg_(?:bdrk_|vrtx_)?[A-Za-z0-9_]{16,}", re.ASCII)
_UUID = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII
)
_REMEMBERED = 256

Side = tuple[int, int, int, int]
"""Input, cache read, and cache writes for 5 minutes and for an hour."""


class Run(Struct, array_like=True):
    """Where an id that is not unique stands: which run, and what would end it."""

    number: int
    stopped: bool
    side: Side


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

    def identity(
        self,
        *,
        session: str,
        response: str,
        request: str,
        uuid: str,
        stop: bool,
        side: Side,
    ) -> tuple[str, str]:
        """The response id of a line, and the scope in which it means one response.

        A request id or an id of the provider's own form is unique everywhere. Any
        other id may be a gateway's constant: it is told apart by session and run.

        Returns:
            ``(response_id, scope)``; an empty scope is the whole world.
        """
        if response:
            if request or _TRUSTED.fullmatch(response):
                return response, ""
            run = self._run(f"{session} {response}", side, stopped=stop)
            return response, f"{session} {run}"
        if request:
            return f"request:{request}", ""
        return f"line:{uuid}", "" if _UUID.fullmatch(uuid) else session

    def _run(self, key: str, side: Side, *, stopped: bool) -> int:
        run = self.runs.pop(key, None)
        if run is None:
            run = Run(0, stopped=stopped, side=side)
        elif run.stopped or run.side != side:
            run = Run(run.number + 1, stopped=stopped, side=side)
        else:
            run.stopped = stopped
        self.runs[key] = run
        _forget(self.runs)
        return run.number

    def remember(self, tool_use_id: str, search: Search) -> None:
        """A web search began."""
        self.searches[tool_use_id] = search
        _forget(self.searches)

    def pack(self) -> bytes:
        """What the checkpoint holds; empty where nothing is remembered."""
        if not (self.runs or self.searches):
            return b""
        return msgspec.msgpack.encode(self)


def unpack(packed: bytes) -> State:
    """The state in a checkpoint."""
    return msgspec.msgpack.decode(packed, type=State) if packed else State({}, {})


def _forget(remembered: dict[str, Run] | dict[str, Search]) -> None:
    """Keep the newest; a log may be endless."""
    while len(remembered) > _REMEMBERED:
        del remembered[next(iter(remembered))]
