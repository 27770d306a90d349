"""The single-instance lock: whoever holds it owns the ledger beside it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from costd.core.errors import AlreadyRunningError, ConfigError

_TRIES = 5


class Lock:
    """A lock that is held, until ``release``.

    Args:
        path: its file, which must be the locked one.
        descriptor: of the locked file.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def keep(self) -> bool:
        """Hold the file that the path names now, if it was removed or replaced.

        A file without a name keeps nobody out. Returns whether it had to be taken anew.

        Raises:
            AlreadyRunningError: somebody else holds the new one.
            ConfigError: it cannot be made again.
        """
        if _is_named(self._descriptor, self._path):
            return False
        taken = _acquire(self._path)
        os.close(self._descriptor)
        self._descriptor = taken
        return True

    def release(self) -> None:
        """Let others have it; the file stays."""
        os.close(self._descriptor)


@contextmanager
def exclusive(path: Path) -> Iterator[Lock]:
    """Hold the lock; the file is never removed, a removed one is made again.

    Raises:
        AlreadyRunningError: another process holds it.
        ConfigError: the file cannot be made.
    """
    lock = Lock(path, _acquire(path))
    try:
        yield lock
    finally:
        lock.release()


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
        except BlockingIOError:
            os.close(descriptor)
            raise AlreadyRunningError(
                "costd is running already for this state directory.",
                "Ask it with `costd status`, or stop it first.",
            ) from None
        if _is_named(descriptor, path):
            return descriptor
        os.close(descriptor)  # removed between opening and looking: make it again
    raise AlreadyRunningError("The lock of costd changes all the time.", "Try again.")


def _is_named(descriptor: int, path: Path) -> bool:
    """Whether the path still names the file that is open."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
