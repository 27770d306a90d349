"""The process that reads logs for the engine during a first import.

    python -P -m costd.engine.worker MAX_LINE_BYTES

Checkpoints come in on standard input, segments go out on standard output; the ledger
is not touched here. It ends when its input does.
"""

from __future__ import annotations

import gc
import resource
import signal
import sys
from contextlib import suppress
from typing import BinaryIO

import msgspec

from costd.core.checkpoint import Checkpoint, Segment
from costd.engine.frames import FINISHED, OBSERVATIONS_AT_ONCE, receive, send
from costd.engine.reading import Reader


def serve(source: BinaryIO, sink: BinaryIO, max_line_bytes: int) -> None:
    """Read the logs whose checkpoints arrive, until none do."""
    reader = Reader(max_line_bytes)
    encode = msgspec.msgpack.Encoder().encode
    decode = msgspec.msgpack.Decoder(list[Checkpoint]).decode

    def packed(segments: list[Segment]) -> bytes:
        finished = sum(not segment.more for segment in segments)
        return encode(segments) + FINISHED.pack(finished)

    while (message := receive(source)) is not None:
        segments: list[Segment] = []
        held = 0
        for point in decode(message):
            more = True
            while more:
                segment = reader.segment(point)
                point, more = segment.checkpoint, segment.more  # noqa: PLW2901 - the next stretch begins there
                segments.append(segment)
                held += len(segment.reading.observations)
                if held >= OBSERVATIONS_AT_ONCE:
                    send(sink, packed(segments))
                    segments, held = [], 0
        if segments:
            send(sink, packed(segments))


def main() -> None:
    """Entry of the process."""
    # Its memory holds lines of conversations: no core file of it.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.disable()  # nothing here refers to itself, and there are millions of values
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the engine ends it by its input
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer, int(sys.argv[1]))
    except BrokenPipeError:
        sys.stdout = None  # nobody is there to flush to


if __name__ == "__main__":
    main()
