"""A compressed log: read whole and in bounded memory, for it never grows.

An agent that wants to append to such a log writes it out again as a plain one first. So
there is no offset to remember: the whole file is in the ledger, or nothing of it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from importlib import import_module
from types import ModuleType

from costd.ingest.tail import BLOCK_BYTES, Lines

MISSING = "compressed, and this Python cannot decompress zstd"
"""The reason of every log that waits for the package."""
LARGEST_BYTES = 4 << 30
"""A file that claims to hold more is no log."""
_WINDOW_LOG = 27
"""128 MiB: as much memory as the zstd program itself gives to a file by default."""


class CompressedError(Exception):
    """Why nothing of a compressed log could be read; the words hold no path."""


def is_compressed(path: bytes) -> bool:
    """Whether a log is one of these, by its name."""
    return path.endswith(b".zst")


def read(descriptor: int, lines: Lines, max_line_bytes: int) -> None:
    """Hand every line of an open log to ``lines``.

    Args:
        descriptor: the open log.
        lines: who takes the lines; offsets are those of the decompressed text.
        max_line_bytes: longer lines are skipped.

    Raises:
        CompressedError: it is damaged, too large, or the package is missing; what was
            handed over then must not be used.
        OSError: it could not be read.
    """
    held, base, too_long = bytearray(), 0, -1
    for block in _blocks(descriptor, min(BLOCK_BYTES, max_line_bytes)):
        begin = 0
        if too_long >= 0:
            begin = block.find(b"\n") + 1
            base += begin or len(block)
            if not begin:
                continue
            lines.skip(too_long, base - too_long, "longer than the limit")
            too_long = -1
        held += block[begin:]
        stop = held.rfind(b"\n") + 1
        if stop:
            lines.take(held, 0, stop, base)
            base += stop
            del held[:stop]
        if len(held) > max_line_bytes:
            too_long, base = base, base + len(held)
            held.clear()
    if held:
        lines.take_unterminated(bytes(held), base)


def _blocks(descriptor: int, size: int) -> Iterator[bytes]:
    """The decompressed text, a piece at a time."""
    zstd = _zstd()
    limit = {zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}
    total = 0
    with (
        os.fdopen(os.dup(descriptor), "rb", buffering=0) as file,
        closing(zstd.ZstdFile(file, options=limit)) as text,
    ):
        file.seek(0)
        try:
            while block := text.read(size):
                total += len(block)
                if total > LARGEST_BYTES:
                    raise CompressedError("compressed, and larger than any log")
                yield block
        except (zstd.ZstdError, EOFError) as error:
            raise CompressedError("compressed, and damaged") from error


def _zstd() -> ModuleType:
    """Python's own from 3.14 on, else the package of the same shape, if it is there."""
    for name in ("compression.zstd", "backports.zstd"):
        with suppress(ImportError):
            return import_module(name)
    raise CompressedError(MISSING)
