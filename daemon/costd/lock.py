"""The single-instance lock: whoever holds it owns the ledger beside it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from costd.core.errors import AlreadyRunningError, ConfigError

_TRIES = 5


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock; the file is never removed, a removed one is made again.

    Raises:
        AlreadyRunningError: another process holds it.
        ConfigError: the file cannot be made.
    """
    descriptor = _acquire(path)
    try:
        yield
    finally:
        os.close(descriptor)


def _acquire(path: Path) -> int:
    """A locked descriptor of the file that the path names after locking."""
    for _ in range(_TRIES):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(
                f"The lock {path} cannot be made: {error.strerror}.",
                "Make the state directory writable, or set COSTD_STATE_DIR.",
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            raise AlreadyRunningError(
                "costd is running already for this state directory.",
                "Ask it with `costd status`, or stop it first.",
            ) from None
        except FileNotFoundError:
            pass  # removed between opening and looking: make it again
        os.close(descriptor)
    raise AlreadyRunningError("The lock of costd changes all the time.", "Try again.")
