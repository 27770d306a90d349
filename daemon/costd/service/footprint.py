"""How much memory the process holds on to: as little as the C library lets it.

What the C library cannot be told, as on macOS, stays as it is.
"""

from __future__ import annotations

import ctypes
import gc

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # glibc's malloc.h
_LARGE = 256 * 1024


def keep_little() -> None:
    """Have large blocks returned as soon as they are free; call it before any thread.

    glibc raises both limits with each block that it frees, so that a file of megabytes
    that was once made would be paid for ever; and each thread would get a heap of its
    own, while Python lets only one of them work.
    """
    tell = getattr(ctypes.CDLL(None), "mallopt", None)
    if tell is not None:
        tell(_M_MMAP_THRESHOLD, _LARGE)
        tell(_M_TRIM_THRESHOLD, _LARGE)
        tell(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Have the C library return what it holds and does not need."""
    # Collected seldom by itself (see prepare): each request leaves a few cycles behind,
    # a first import many, which are old by its end. What was there at the start is not
    # looked at: this takes a millisecond.
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
