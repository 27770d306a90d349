"""Whether a command is the only one that ``costd exec`` runs in a directory.

A log that begins there is the command's own only then. Everyone holds a shared lock of
one file for each directory, and writes one byte into it: whoever can have it for itself
when it comes, and finds no further byte when it looks, has been alone all the time.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress

_LONGEST_NAME = 200
_TRIES, _PAUSE_SECONDS = 20, 0.002


class Alone:
    """A place in the file of one directory.

    Args:
        folder: where the files are; made when it is missing, but not what is above.
        name: the directory, as the name of a file.
    """

    def __init__(self, folder: str, name: str) -> None:
        with suppress(FileExistsError):
            os.mkdir(folder, 0o700)  # noqa: PTH102 - pathlib is slow to load
        self._path = f"{folder}/{name[-_LONGEST_NAME:]}"
        for _ in range(_TRIES):
            self._file = os.open(
                self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
            )
            self._was_alone = self._have(fcntl.LOCK_EX)
            if self._have(fcntl.LOCK_SH) and self._is_here():
                os.write(self._file, b".")
                break
            os.close(self._file)
            time.sleep(_PAUSE_SECONDS)  # somebody leaves just now
        else:
            raise OSError("the file changes all the time")
        self._size = os.fstat(self._file).st_size

    def still(self) -> bool:
        """Whether nobody else has been here since."""
        return self._was_alone and os.fstat(self._file).st_size == self._size

    def leave(self) -> None:
        """Give the place up; the last one removes the file."""
        if self._have(fcntl.LOCK_EX) and self._is_here():
            os.unlink(self._path)  # noqa: PTH108 - as said above
        os.close(self._file)

    def _have(self, kind: int) -> bool:
        try:
            fcntl.flock(self._file, kind | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _is_here(self) -> bool:
        """Whether the path still names the file that is locked."""
        try:
            there = os.stat(self._path)  # noqa: PTH116 - as said above
        except OSError:
            return False
        here = os.fstat(self._file)
        return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)
