"""The owner of the reading process: gives it logs, takes segments back."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import msgspec

from costd.core.checkpoint import Checkpoint, Segment
from costd.engine import headstart
from costd.engine.frames import FINISHED, receive, send

_LEAST_AHEAD, _MOST_AHEAD = 16 << 20, 64 << 20
"""So many bytes are given ahead, that the process never waits for the engine."""
_MOST_READY = 24
"""With so many messages waiting it need not hurry."""


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
        self._sizes: deque[int] = deque()
        """Of the logs that were given and are not read yet, in their order."""
        self._given = self._read = 0
        """Bytes; the engine adds to the one, the thread that listens to the other."""
        self._added: list[Checkpoint] = []
        self._thread = threading.Thread(
            target=self._pump, name="costd-import", daemon=True
        )
        self._thread.start()

    def wants_more(self, behind: int, ready: int) -> bool:
        """Whether it should be given another log.

        Args:
            behind: how many bytes are not recorded yet. Towards the end less is given
                ahead, so that both have something to do until then.
            ready: how many of its messages wait to be recorded.
        """
        ahead = self._given - self._read
        return ready < _MOST_READY and ahead < min(
            max(behind // 4, _LEAST_AHEAD), _MOST_AHEAD
        )

    def add(self, point: Checkpoint, size: int) -> None:
        """Have a log read; it is given with the others at ``give``."""
        self._added.append(point)
        self._sizes.append(size)
        self._given += size

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
        """The segments of a message."""
        return _decode(memoryview(message)[: -FINISHED.size])

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
                (finished,) = FINISHED.unpack(message[-FINISHED.size :])
                self._read += sum(self._sizes.popleft() for _ in range(finished))
                self._deliver(message)
        except (OSError, ValueError):
            pass  # closed by ``close``: what had not come is read again
        self._deliver(None)
