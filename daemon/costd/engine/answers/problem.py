"""What a problem is."""

from __future__ import annotations

from typing import NamedTuple

ERROR, WARNING = "error", "warning"


class Problem(NamedTuple):
    """One problem: a stable code, what it is, and what to do."""

    code: str
    message: str
    fix: str
    severity: str = WARNING
