"""Complete lines from an offset on, in bounded memory.

The offset never passes the last newline. A line longer than the limit is skipped
without being held; how far it was looked through is remembered, so that a restart
does not begin again. The file is open only while it is read.
"""

from __future__ import annotations

import os
from typing import NamedTuple, Protocol

BLOCK_BYTES = 1 << 18
PASS_BYTES = 32 << 20
"""As much as one pass reads of one log, so that no log keeps the others waiting."""
MAX_LINE_BYTES = 16 << 20


class Lines(Protocol):
    """Who takes the lines."""

    def take(self, data: bytearray, start: int, stop: int, base: int) -> None:
        """Complete lines: ``data[start:stop]``, where ``data[0]`` is at ``base``."""

    def take_unterminated(self, data: bytes, base: int) -> bool:
        """A last line without a newline; whether it was whole already."""

    def skip(self, offset: int, length: int, reason: str) -> None:
        """A stretch that is no usable line."""

    def state(self) -> bytes:
        """What must be remembered past the last complete line."""


class Tailed(NamedTuple):
    """How far a pass came."""

    offset: int
    scan_from: int
    more: bool
    state: bytes


class Tail:
    """Reads one open log; the buffer is used again for the next one."""

    def __init__(
        self, max_line_bytes: int = MAX_LINE_BYTES, pass_bytes: int = 0
    ) -> None:
        self._max = max_line_bytes
        self._pass = pass_bytes or PASS_BYTES
        self._block = min(BLOCK_BYTES, max_line_bytes)
        self._buffer = bytearray(self._block)

    def read(
        self, descriptor: int, offset: int, scan_from: int, lines: Lines
    ) -> Tailed:
        """Hand the complete lines from ``offset`` on to ``lines``.

        Args:
            descriptor: the open log.
            offset: the end of the last line that is in the ledger.
            scan_from: past ``offset`` while an oversize line is being skipped.
            lines: who takes them.

        Raises:
            OSError: the log could not be read; what was handed over still counts.
        """
        end = max(offset, scan_from) + self._pass
        if scan_from > offset:
            found = self._next_newline(descriptor, scan_from, end)
            if found < 0:
                return Tailed(offset, -found, more=-found >= end, state=lines.state())
            lines.skip(offset, found - offset, "longer than the limit")
            offset = found
        return self._read(descriptor, offset, end, lines)

    def _read(self, descriptor: int, offset: int, end: int, lines: Lines) -> Tailed:
        """``buffer[:held]`` begins at ``offset`` and holds no newline before ``held``.

        A pass takes at least one line, however long: it would never get past it. The
        buffer grows to the limit and no further, so what is too long is so wherever
        the reads begin and end.
        """
        began, held = offset, 0
        while offset + held < end or offset == began:
            if held == len(self._buffer):
                if held >= self._max:
                    return self._oversize(descriptor, offset, held, end, lines)
                self._buffer.extend(bytes(min(held, self._max - held)))
            with memoryview(self._buffer) as view:
                count = os.preadv(descriptor, [view[held:]], offset + held)
            if count == 0:
                return self._at_end(offset, held, lines)
            filled = held + count
            stop = self._buffer.rfind(b"\n", held, filled) + 1
            if stop == 0:
                held = filled
                continue
            lines.take(self._buffer, 0, stop, offset)
            with memoryview(self._buffer) as view:
                view[: filled - stop] = view[stop:filled]
            offset += stop
            held = filled - stop
        self._shrink()
        return Tailed(offset, offset, more=True, state=lines.state())

    def _at_end(self, offset: int, held: int, lines: Lines) -> Tailed:
        """The state is taken before the unterminated line: it will be read again."""
        state = lines.state()
        if held:
            lines.take_unterminated(bytes(memoryview(self._buffer)[:held]), offset)
        self._shrink()
        return Tailed(offset, offset, more=False, state=state)

    def _oversize(
        self, descriptor: int, offset: int, held: int, end: int, lines: Lines
    ) -> Tailed:
        self._shrink()
        found = self._next_newline(descriptor, offset + held, end + held)
        if found < 0:
            more = -found >= end + held
            return Tailed(offset, -found, more=more, state=lines.state())
        lines.skip(offset, found - offset, "longer than the limit")
        return Tailed(found, found, more=True, state=lines.state())

    def _next_newline(self, descriptor: int, position: int, end: int) -> int:
        """The offset past the next newline, or minus the offset looked up to."""
        while position < end:
            with memoryview(self._buffer) as view:
                count = os.preadv(descriptor, [view], position)
            if count == 0:
                return -position
            found = self._buffer.find(b"\n", 0, count)
            if found >= 0:
                return position + found + 1
            position += count
        return -position

    def _shrink(self) -> None:
        if len(self._buffer) > self._block:
            self._buffer = bytearray(self._block)
