"""Small files of other programs: read whole or not at all, and never waited for."""

from __future__ import annotations

import os
import stat

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


def read_small(path: str, most: int, *, tail: bool = False) -> bytes | None:
    """The content of a regular file; None where there is none that can be read.

    Args:
        path: its path; a link is followed.
        most: a longer file is not read, or with ``tail`` only its last bytes.
        tail: whether the end of a long file is enough.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError):
        return None
    try:
        return _read(descriptor, most, tail=tail)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _read(descriptor: int, most: int, *, tail: bool) -> bytes | None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return None
    if status.st_size > most:
        if not tail:
            return None
        os.lseek(descriptor, status.st_size - most, os.SEEK_SET)
    found = bytearray()
    while len(found) <= most and (data := os.read(descriptor, most + 1 - len(found))):
        found += data
    return bytes(found) if len(found) <= most or tail else None
