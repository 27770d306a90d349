"""Two lines for one response: a ``token_usage_record`` and a step of the counter.

Newer versions write both, in an order that nobody promises; a request that compacts the
history has only the record. A response is counted once, by the counter where it can be,
because copies of a rollout keep the counter and may drop the records.
"""

from __future__ import annotations

from msgspec import Struct

from costd.sources.codex.counter import Moment
from costd.sources.codex.shapes import Usage

_REMEMBERED = 8


class Held(Struct, array_like=True, frozen=True):
    """A record whose step of the counter has not come yet."""

    response_id: str
    thread: int
    used: Usage
    moment: Moment


class Pairs(Struct, array_like=True):
    """What has not met its counterpart yet."""

    held: Held | None = None
    counted: list[Usage] = []
    alone: list[Usage] = []
    """Records that were counted without a step; it may still come."""

    def step(self, used: Usage) -> bool:
        """The counter moved; whether that is a response not yet counted."""
        if self.held is not None and self.held.used == used:
            self.held = None
            return True
        if used in self.alone:
            self.alone.remove(used)
            return False
        self.counted = [*self.counted[1 - _REMEMBERED :], used]
        return True

    def record(self, record: Held) -> list[Held]:
        """A record came; the responses that are now known to have nothing else."""
        if record.used in self.counted:
            self.counted.remove(record.used)
            return []
        flushed = self.flush()
        self.held = record
        return flushed

    def flush(self) -> list[Held]:
        """No step is expected any more: what is held counts by itself."""
        held, self.held = self.held, None
        if held is None:
            return []
        self.alone = [*self.alone[1 - _REMEMBERED :], held.used]
        return [held]

    def compacted(self, response_id: str) -> list[Held]:
        """The request that compacted the history; no step will come for it."""
        held = self.held
        if held is None or held.response_id != response_id:
            return []
        self.held = None
        return [held]
