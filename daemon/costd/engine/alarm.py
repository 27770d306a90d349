"""What went wrong where, and one notice when data stops flowing.

A problem is told each time somebody asks. Nobody may ask for days: so when an error
stays, it is said once, in the log and, where that is wanted, on the desktop; and once
when it is over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from costd.core.instants import MINUTE, format_instant
from costd.engine.alerts import Alerts

STUCK_MS = 5 * MINUTE
_PARTS = {
    "ledger": ("ledger", "disk"),
    "snapshots": ("snapshot",),
    "logs": ("no_logs", "unreadable", "compressed", "skipped", "misdated", "stuck"),
    "watch": ("watch",),
    "beat": ("stale",),
    "clock": ("clock",),
    "publish": ("publish",),
    "prices": ("unpriced",),
    "told": ("spool", "event_log", "session_map"),
}
"""The parts of costd, by how the codes of their problems begin."""
Problems = Sequence[Mapping[str, Any]]


class LastError(NamedTuple):
    """What was last wrong with a part, and when it was last seen."""

    message: str
    at: int


class Alarm:
    """Remembers what was wrong, and says so once."""

    def __init__(self) -> None:
        self.say: Callable[..., None] = lambda _event, **_facts: None
        """Writes an event into the log."""
        self.notice: Callable[[str, str], None] = lambda _title, _text: None
        """Shows a title and a text to whoever sits at the machine."""
        self.alerts = Alerts()
        """What a webhook is told of it."""
        self._errors: set[str] = set()
        self._is_sounding = False
        self._last: dict[str, LastError] = {}
        self._present: set[str] = set()
        self._read: tuple[int, int] = (0, 0)
        self._read_at = 0

    def note_reading(self, behind: int, recorded: int, now: int) -> None:
        """How many bytes wait, and how much was recorded so far."""
        if not behind or (behind, recorded) != self._read:
            self._read, self._read_at = (behind, recorded), now

    def stuck_ms(self, now: int) -> int:
        """For how long bytes have waited while nothing was read; 0: they have not."""
        gone = now - self._read_at
        return gone if self._read[0] and gone >= STUCK_MS else 0

    def see(self, problems: Problems, now: int) -> None:
        """Remember what is wrong."""
        self._present = set()
        for problem in problems:
            part = part_of(str(problem["code"]))
            self._present.add(part)
            self._last[part] = LastError(str(problem["message"]), now)

    def beat(self, problems: Problems, now: int) -> None:
        """With every beat: an error that was there with the last one too is told."""
        self.see(problems, now)
        errors = {str(p["code"]) for p in problems if p["severity"] == "error"}
        staying = errors & self._errors
        self._errors = errors
        if staying and not self._is_sounding:
            self._is_sounding = True
            first = next(p for p in problems if p["code"] in staying)
            self.say("data_stopped", reason=", ".join(sorted(staying)))
            self.notice("costd: data has stopped", str(first["message"]))
        elif self._is_sounding and not errors:
            self._is_sounding = False
            self.say("data_flows")
            self.notice("costd: data flows again", "Its numbers are complete again.")

    def parts(self) -> list[dict[str, Any]]:
        """Each part: whether it is well now, and what was last wrong with it."""
        return [
            {
                "name": name,
                "ok": name not in self._present,
                "last_error": last.message if last else None,
                "last_error_at": format_instant(last.at) if last else None,
            }
            for name in (*_PARTS, "other")
            for last in [self._last.get(name)]
        ]


def part_of(code: str) -> str:
    """The part that a problem is one of."""
    for part, beginnings in _PARTS.items():
        if code.startswith(beginnings):
            return part
    return "other"
