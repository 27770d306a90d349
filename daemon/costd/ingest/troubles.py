"""Why no events come: each reason with its remedy and how soon to try again."""

from __future__ import annotations

from errno import EMFILE, ENOSPC
from typing import NamedTuple

_AT_ONCE = (0.0, 5.0, 30.0, 120.0, 600.0)
_ONCE_AT_ONCE = (0.0, 600.0)
_LATER = (600.0,)


class Trouble(NamedTuple):
    """Why no events come, and what a person can do; costd sweeps meanwhile.

    ``delays`` are the seconds to wait before trying again after the first, second, …
    failure within an hour; the last one stands for all that follow.
    """

    reason: str
    fix: str = ""
    delays: tuple[float, ...] = _LATER


NONE = Trouble("")
NOT_STARTED = Trouble("not started")
STOPPED = Trouble("stopped")
OVERFLOWED = Trouble(
    "the kernel's event queue overflowed twice within a minute",
    "sudo sysctl fs.inotify.max_queued_events=65536",
)
BACKLOG = Trouble("events come faster than they are taken", delays=_ONCE_AT_ONCE)
DEAF = Trouble("the canary's event did not come", delays=_ONCE_AT_ONCE)


def crowded(directories: int) -> Trouble:
    """More directories than watchdog can be trusted with."""
    return Trouble(f"{directories} directories are too many to watch")


def network(kind: str) -> Trouble:
    """A root on a file system that is also written to elsewhere."""
    return Trouble(f"a file system of type {kind} does not tell of all changes")


def died(part: str) -> Trouble:
    """One of watchdog's threads ended on its own."""
    return Trouble(f"watchdog's {part} thread died", delays=_AT_ONCE)


def shortfall(watched: int, directories: int, *, limited: bool) -> Trouble:
    """Fewer directories are watched than there are."""
    reason = f"{watched} of {directories} directories are watched"
    if not limited:
        return Trouble(reason, delays=_ONCE_AT_ONCE)
    return _limited(f"{reason}: ")


def refused(error: Exception) -> Trouble:
    """Watching failed; the error's message may hold a path and is not repeated."""
    number = getattr(error, "errno", None)
    if number == ENOSPC:
        return _limited("")
    if number == EMFILE:
        return Trouble(
            "no inotify instance or file descriptor is left",
            "sudo sysctl fs.inotify.max_user_instances=1024",
        )
    return Trouble(f"watching failed: {type(error).__name__}")


def _limited(prefix: str) -> Trouble:
    return Trouble(
        f"{prefix}the limit of inotify watches is reached",
        "sudo sysctl fs.inotify.max_user_watches=524288",
    )
