"""The file that standard error goes to, where nobody else keeps it small.

launchd opens it once and never again. ``COSTD_LOG_FILE`` in its plist names it, so that
costd can move it aside.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

VARIABLE = "COSTD_LOG_FILE"
MOST_BYTES = 5_000_000


class LogFile:
    """Standard error, if it goes to the file that the environment names."""

    def __init__(
        self, environ: Mapping[str, str], most_bytes: int = MOST_BYTES
    ) -> None:
        named = environ.get(VARIABLE, "")
        self._path = Path(named) if named.startswith("/") else None
        self._most_bytes = most_bytes
        self._make_private()

    def _make_private(self) -> None:
        """Whoever made it may have let others read it."""
        if self._path is not None and sys.stderr is not None:
            with suppress(OSError, ValueError):
                descriptor = sys.stderr.fileno()
                if os.path.samestat(os.fstat(descriptor), self._path.stat()):
                    os.fchmod(descriptor, 0o600)

    def keep_small(self) -> bool:
        """Begin a new file when this one is large; the one before is kept as ``.1``.

        Whether it did.
        """
        if self._path is None or sys.stderr is None:
            return False
        with suppress(OSError, ValueError):
            descriptor = sys.stderr.fileno()
            status = os.fstat(descriptor)
            if status.st_size < self._most_bytes:
                return False
            if not os.path.samestat(status, self._path.stat()):
                return False
            sys.stderr.flush()
            self._path.rename(self._path.with_name(f"{self._path.name}.1"))
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            new = os.open(self._path, flags, 0o600)
            os.dup2(new, descriptor)
            os.close(new)
            return True
        return False
