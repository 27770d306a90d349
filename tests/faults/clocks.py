"""A daemon whose wall clock a test can set: every reader of it, and nothing else.

The monotonic clock goes on, as it does when somebody sets the time of a machine.
"""

from __future__ import annotations

from pathlib import Path

from faults.homes import Home

HOOK = """
import datetime as _dt, os, time
_real_ns = time.time_ns
def _shift():
    try:
        with open(os.environ["CLOCK"]) as file:
            return float(file.read() or 0)
    except OSError:
        return 0.0
time.time_ns = lambda: _real_ns() + int(_shift() * 1e9)
class _Clock(_dt.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time_ns() / 1e9, tz)
from apscheduler.executors import base as _executors
from apscheduler.schedulers import base as _schedulers
from apscheduler.triggers import interval as _interval
for _module in (_executors, _schedulers, _interval):
    _module.datetime = _Clock
"""


class Clock:
    """The wall clock of a home's daemon; start that one with ``HOOK``."""

    def __init__(self, home: Home) -> None:
        self._file = home.top / "clock"
        self._shift = 0.0
        home.env["CLOCK"] = str(self._file)

    def set(self, seconds: float) -> None:
        """So far ahead of the real time, or behind it."""
        self._shift = seconds
        new = Path(f"{self._file}.new")
        new.write_text(str(seconds))
        new.replace(self._file)

    def move(self, seconds: float) -> None:
        """Forward or back from where it is."""
        self.set(self._shift + seconds)
