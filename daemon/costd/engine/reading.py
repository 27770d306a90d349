"""One log, from its checkpoint to the next: tail and source put together.

Runs in the engine's thread for small changes and in a process of its own for a first
import; it touches no ledger.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from errno import ELOOP, ENOENT, ENOTDIR

from msgspec import MsgspecError
from msgspec.structs import replace

from costd.core.checkpoint import Checkpoint, Segment
from costd.core.usage import Reading
from costd.engine.sources import SOURCES, Parser
from costd.ingest import compressed, fingerprint
from costd.ingest.tail import Tail

GONE = "it is gone"
"""The error of a log that went between the look and the reading: nothing is wrong."""
_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Reader:
    """Reads logs one after the other."""

    def __init__(self, max_line_bytes: int) -> None:
        self._tail = Tail(max_line_bytes)
        self._max_line_bytes = max_line_bytes

    def segments(
        self, known: Checkpoint, on_segment: Callable[[Segment], None]
    ) -> None:
        """Read a log to its end, a bounded stretch at a time."""
        more = True
        while more:
            segment = self.segment(known)
            on_segment(segment)
            known, more = segment.checkpoint, segment.more

    def segment(self, known: Checkpoint) -> Segment:
        """The next stretch of the log that ``known`` names; never raises for it."""
        try:
            descriptor = os.open(known.path, _OPEN)
        except OSError as error:
            return _failed(known, error)
        try:
            return self._segment(descriptor, known)
        except OSError as error:
            return _failed(known, error)
        except Exception as error:  # noqa: BLE001 - one log must not stop the others
            name = type(error).__name__
            return Segment(known, _nothing(), error=f"costd has a defect: {name}")
        finally:
            os.close(descriptor)

    def is_continued_at(self, known: Checkpoint, path: str) -> bool:
        """Whether what was read of the log that ``known`` names goes on at ``path``.

        Of a log of which nothing has been read nobody can tell.
        """
        if known.offset == 0:
            return False
        try:
            descriptor = os.open(path, _OPEN)
        except OSError:
            return False
        try:
            return fingerprint.is_continued(descriptor, os.fstat(descriptor), known)
        except OSError:
            return False
        finally:
            os.close(descriptor)

    def _segment(self, descriptor: int, known: Checkpoint) -> Segment:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return Segment(known, _nothing(), error="not a regular file")
        if not fingerprint.is_continued(descriptor, status, known):
            known = _from_the_start(known)
        if compressed.is_compressed(known.path):
            return self._whole(descriptor, status, known)
        try:
            parser = _parser(known, status)
        except MsgspecError:  # the state of an older costd, which meant something else
            known = _from_the_start(known)
            parser = _parser(known, status)
        tailed = self._tail.read(descriptor, known.offset, known.scan_from, parser)
        checkpoint = fingerprint.moved_on(
            known, descriptor, status, tailed.offset, tailed.scan_from
        )
        # Not read to its end, it has to look changed to whoever starts next.
        changed_ns = 0 if tailed.more else checkpoint.changed_ns
        checkpoint = replace(checkpoint, changed_ns=changed_ns, state=tailed.state)
        return Segment(checkpoint, parser.finish(), known.offset, more=tailed.more)

    def _whole(
        self, descriptor: int, status: os.stat_result, known: Checkpoint
    ) -> Segment:
        """A log that never grows: read, or read already, or not readable at all."""
        reading, start = _nothing(), known.offset
        if known.offset != status.st_size or not known.offset:
            known = _from_the_start(known) if known.offset else known
            parser, start = _parser(known, status), 0
            try:
                compressed.read(descriptor, parser, self._max_line_bytes)
            except compressed.CompressedError as error:
                return Segment(known, _nothing(), error=str(error))
            reading = parser.finish()
        size = status.st_size
        checkpoint = fingerprint.moved_on(known, descriptor, status, size, size)
        return Segment(checkpoint, reading, start)


def _from_the_start(known: Checkpoint) -> Checkpoint:
    """Nothing of it is known any more but where it is."""
    return Checkpoint(
        known.path, known.source, known.root, generation=known.generation + 1
    )


def _parser(known: Checkpoint, status: os.stat_result) -> Parser:
    root, path = os.fsdecode(known.root), os.fsdecode(known.path)
    path = path[len(root) :].lstrip("/")
    modified_at = status.st_mtime_ns // 1_000_000
    return SOURCES[known.source].parser(root, path, known.state, modified_at)


def _nothing() -> Reading:
    return Reading([], [], [], [], [], [], [], 0, 0, 0, 0, forked=False)


def _failed(known: Checkpoint, error: OSError) -> Segment:
    """A log that cannot be read now; the reason is the system's, not the path's."""
    if error.errno in (ENOENT, ENOTDIR):
        return Segment(known, _nothing(), error=GONE)
    if error.errno == ELOOP:
        return Segment(known, _nothing(), error="a symbolic link")
    return Segment(known, _nothing(), error=error.strerror or type(error).__name__)
