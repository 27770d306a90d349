"""Terminals of our own, to see what a person sees."""

from __future__ import annotations

import os
import select
import time

from publish.wire import PATIENCE


def until(terminal: int, words: bytes) -> bytes:
    """What appears on a terminal, up to ``words``."""
    seen, deadline = b"", time.monotonic() + PATIENCE
    while words not in seen:
        left = max(deadline - time.monotonic(), 0)
        ready, _, _ = select.select([terminal], [], [], left)
        assert ready, f"{words!r} did not appear in {seen[-2000:]!r}"
        seen += os.read(terminal, 65536)
    return seen


def drain(terminal: int) -> bytes:
    """The rest of what appears, until the other side has gone."""
    seen = b""
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # how Linux says that nobody writes any more
            data = b""
        if not data:
            os.close(terminal)
            return seen
        seen += data
