"""The words of the command line that several commands share."""

from __future__ import annotations

PERIODS = ("hour", "day", "week", "month")
DIMENSIONS = (
    *PERIODS,
    "issue",
    "session",
    "model",
    "agent",
    "project",
    "branch",
    "role",
    "pr",
)
"""What ``--by`` takes."""

EVENT_DIMENSIONS = (
    *PERIODS,
    "agent",
    "model",
    "feature",
    "role",
    "issue",
    "task",
    "type",
    "session",
    "run",
)
"""What ``--by`` takes with ``--events``."""

FILTERS = {
    "model": True,
    "session": True,
    "issue": True,
    "project": False,
    "branch": False,
    "role": True,
    "agent": True,
}
"""The filters, and whether a comma separates two values or belongs to one."""

SPAN = ("since", "until", "tz")
FORMATS = ("table", "json", "csv", "md")


def split(name: str, value: str) -> list[str]:
    """The values of one filter; a directory or a branch may have a comma in it."""
    return [part for part in value.split(",") if part] if FILTERS[name] else [value]
