"""Whether the file at a path is still the log that the checkpoint speaks of.

Path, device and inode are not enough: agents truncate and rewrite the tail of a log
in place, forks begin with the bytes of their parent, and inodes are used again. The
bytes just before the offset decide.
"""

from __future__ import annotations

import os
from hashlib import blake2b

from msgspec.structs import replace

from costd.core.checkpoint import Checkpoint

HEAD_BYTES = 256
MARKER_BYTES = 4096


def digest(data: bytes) -> bytes:
    """A short hash of some bytes of a log."""
    return blake2b(data, digest_size=12).digest()


def is_continued(descriptor: int, status: os.stat_result, known: Checkpoint) -> bool:
    """Whether reading may go on at ``known.offset``.

    Args:
        descriptor: the open log.
        status: its fstat.
        known: the checkpoint; with offset 0 there is nothing to continue.
    """
    if known.offset == 0:
        return True
    if status.st_size < known.offset:
        return False
    head = os.pread(descriptor, known.head_length, 0)
    return digest(head) == known.head and marker(descriptor, known.offset) == (
        known.marker
    )


def head(descriptor: int, offset: int) -> tuple[bytes, int]:
    """The hash of the log's first bytes, and of how many; none lie past ``offset``."""
    length = min(HEAD_BYTES, offset)
    return digest(os.pread(descriptor, length, 0)), length


def marker(descriptor: int, offset: int) -> bytes:
    """The hash of the bytes before ``offset``."""
    length = min(MARKER_BYTES, offset)
    return digest(os.pread(descriptor, length, offset - length))


def moved_on(
    known: Checkpoint,
    descriptor: int,
    status: os.stat_result,
    offset: int,
    scan_from: int,
) -> Checkpoint:
    """The checkpoint of the same log at another offset.

    Args:
        known: the one before, which is continued.
        descriptor: the open log.
        status: its fstat.
        offset: how far it is read now.
        scan_from: how far it is looked through.
    """
    first, length = known.head, known.head_length
    if length < HEAD_BYTES:
        first, length = head(descriptor, offset)
    return replace(
        known,
        device=status.st_dev,
        inode=status.st_ino,
        size=status.st_size,
        modified_ns=status.st_mtime_ns,
        changed_ns=status.st_ctime_ns,
        offset=offset,
        scan_from=scan_from,
        head=first,
        head_length=length,
        marker=marker(descriptor, offset),
    )
