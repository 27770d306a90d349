"""Where tests keep their files: databases in memory, sockets under a short path."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Containers often give shared memory 64 MB only: too small for a few ledgers.
ENOUGH_BYTES = 512 * 1024 * 1024


@contextmanager
def memory_dir() -> Iterator[Path]:
    """A new directory in memory where the platform has one, else on disk.

    SQLite's fsync costs nothing there: a Hypothesis run with a ledger for each
    example takes a second instead of half a minute.
    """
    yield from _new_dir(_shared_memory())


@contextmanager
def short_dir() -> Iterator[Path]:
    """A new directory with a short path, for Unix sockets.

    A socket's path may have 107 bytes on Linux and 103 on macOS, where the usual
    temporary directory alone takes half of that.
    """
    yield from _new_dir("/tmp" if os.access("/tmp", os.W_OK) else None)


def _new_dir(parent: str | None) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="costd-", dir=parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _shared_memory() -> str | None:
    place = "/dev/shm"
    if os.access(place, os.W_OK) and shutil.disk_usage(place).free > ENOUGH_BYTES:
        return place
    return None
