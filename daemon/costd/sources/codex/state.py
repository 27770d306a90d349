"""What a later line must know about earlier ones, kept in the checkpoint."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from costd.sources.codex.counter import Counter
from costd.sources.codex.pairs import Pairs
from costd.sources.codex.threads import Thread, Threads


class State(Struct, array_like=True):
    """Small and bounded, whatever the rollout holds.

    ``owner`` is the index of the thread whose turn is being read, -1 while no turn has
    begun. ``is_imported`` marks turns of another agent, copied in. ``compacted`` says
    that a request was made since the last response whose tokens nobody wrote down,
    ``prompted`` that the thread's first prompt was seen.
    """

    threads: Threads
    counter: Counter
    pairs: Pairs
    turn_id: str = ""
    owner: int = -1
    model: str = ""
    tier: str = ""
    cwd: str = ""
    has_meta: bool = False
    is_imported: bool = False
    compacted: bool = False
    prompted: bool = True
    last: str = ""

    def pack(self) -> bytes:
        """What the checkpoint holds."""
        return msgspec.msgpack.encode(self)


def unpack(packed: bytes, thread_id: str) -> State:
    """The state in a checkpoint; at the beginning, that of a thread with this id."""
    if packed:
        return msgspec.msgpack.decode(packed, type=State)
    own = Thread(thread_id, 0, thread_id)
    return State(Threads([own]), Counter(), Pairs(), prompted=False)
