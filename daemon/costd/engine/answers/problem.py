"""What a problem is."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import NamedTuple

ERROR, WARNING = "error", "warning"


class Problem(NamedTuple):
    """One problem: a stable code, what it is, and what to do."""

    code: str
    message: str
    fix: str
    severity: str = WARNING


def quoted(path: str | Path) -> str:
    """A path as a shell takes it; what is no text in it cannot be shown."""
    return shlex.quote(str(path).encode("utf-8", "replace").decode())
