"""The owner of the reading process: gives it logs, takes segments back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import msgspec

from costd.core.checkpoint import Checkpoint, Segment
from costd.engine import headstart
from costd.engine.frames import receive, send

_LEAST_AHEAD, _MOST_AHEAD = 16 << 20, 192 << 20
"""So many bytes are given ahead, that the process never waits for the engine."""


_decode = msgspec.msgpack.Decoder(list[Segment]).decode


class Importer:
    """A second process that reads logs while the engine records.

    Args:
        max_line_bytes: as for ``Reader``.
        deliver: takes each message of segments, still packed, from another thread;
            None when the process has ended.
    """

    def __init__(
        self, max_line_bytes: int, deliver: Callable[[bytes | None], None]
    ) -> None:
        self._process = headstart.take(max_line_bytes)
        self._deliver = deliver
        self._given: dict[bytes, int] = {}
        self._ahead = 0
        self._added: list[Checkpoint] = []
        self._thread = threading.Thread(
            target=self._pump, name="costd-import", daemon=True
        )
        self._thread.start()

    def wants_more(self, behind: int) -> bool:
        """Whether it should be given another log.

        Args:
            behind: how many bytes are not recorded yet. Towards the end less is given
                ahead, so that both have something to do until then.
        """
        return self._ahead < min(max(behind // 3, _LEAST_AHEAD), _MOST_AHEAD)

    def add(self, point: Checkpoint, size: int) -> None:
        """Have a log read; it is given with the others at ``give``."""
        self._added.append(point)
        self._given[point.path] = size
        self._ahead += size

    def give(self) -> bool:
        """Hand over the logs that were added; False if the process is gone."""
        stdin = self._process.stdin
        if stdin is None:
            return False
        points, self._added = self._added, []
        if not points:
            return True
        try:
            send(stdin, msgspec.msgpack.encode(points))
        except OSError:
            return False
        return True

    def unpack(self, message: bytes) -> list[Segment]:
        """The segments of a message; logs read to their end are no longer given."""
        segments = _decode(message)
        for segment in segments:
            if not segment.more:
                self._ahead -= self._given.pop(segment.checkpoint.path, 0)
        return segments

    def close(self) -> None:
        """End the process; what it has not delivered is read again later."""
        self._process.kill()
        self._process.wait()
        self._thread.join(timeout=5)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def _pump(self) -> None:
        stdout = self._process.stdout
        try:
            while stdout is not None and (message := receive(stdout)) is not None:
                self._deliver(message)
        except (OSError, ValueError):
            pass  # closed by ``close``: what had not come is read again
        self._deliver(None)
