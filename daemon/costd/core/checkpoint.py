"""How far a log has been read, and how to know it again."""

from __future__ import annotations

from msgspec import Struct

from costd.core.usage import Reading


class Checkpoint(Struct, array_like=True, frozen=True, gc=False):
    """Everything before ``offset`` of the log at ``path`` is in the ledger.

    ``offset`` is always the end of a line that ended in a newline. ``scan_from`` lies
    past it only while a line longer than the limit is being skipped. ``head`` and
    ``marker`` are hashes of the first ``head_length`` bytes and of the bytes before
    ``offset``: together with device and inode they prove that the log was continued
    and not replaced. ``generation`` counts how often it was read from the start.
    """

    path: bytes
    source: str
    root: bytes = b""
    device: int = 0
    inode: int = 0
    size: int = 0
    modified_ns: int = 0
    changed_ns: int = 0
    offset: int = 0
    scan_from: int = 0
    head: bytes = b""
    head_length: int = 0
    marker: bytes = b""
    state: bytes = b""
    generation: int = 0


class Segment(Struct, array_like=True, gc=False):
    """One stretch of one log: what was in it, and the checkpoint past it."""

    checkpoint: Checkpoint
    reading: Reading
    start: int = 0
    """Where reading began."""
    more: bool = False
    """There are more bytes than one pass may take."""
    error: str = ""
    """Why the log could not be read; then nothing else counts."""
