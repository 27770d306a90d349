"""What an answer may look at: the ledger, the state of the engine, and the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from costd.core.errors import UsageError
from costd.core.periods import zone
from costd.engine.alarm import Alarm
from costd.engine.care import Care
from costd.engine.intake import Intake
from costd.engine.jobs import Jobs
from costd.engine.live import Live
from costd.engine.memory import Memory
from costd.engine.runs import Runs
from costd.engine.telling import Telling
from costd.ledger import Connection, Ledger

Params = Mapping[str, object]


class WatchState(Protocol):
    """The part of ``ingest.watch.WatchHealth`` that answers speak of."""

    @property
    def mode(self) -> str:
        """``inotify``, ``fsevents`` or ``polling``."""

    @property
    def reason(self) -> str:
        """Why it is polling; empty while events come."""

    @property
    def fix(self) -> str:
        """What would make events come."""


class Watching(Protocol):
    """What the engine needs of ``ingest.watch.Watch``, which only a daemon loads."""

    def start(self) -> None:
        """Begin to listen."""

    def stop(self) -> None:
        """End all threads."""

    def check(self, directories: int) -> None:
        """Look after the watch; after every sweep."""

    def health(self) -> WatchState:
        """How the watch is doing."""

    @property
    def sweep_seconds(self) -> float:
        """How often to sweep: seldom while events come."""


@dataclass(frozen=True, slots=True)
class View:
    """One moment, for one answer; only the engine's thread makes and uses it."""

    ledger: Ledger
    intake: Intake
    live: Live
    zone: ZoneInfo
    now: int
    started_at: int
    tick_ms: int
    last_tick_at: int
    is_daemon: bool
    watch: WatchState | None
    troubles: Mapping[str, str]
    """Failures of other parts, by code: what ``status`` must say too."""
    memory: Memory
    """What is known of the ledger as it stands."""
    jobs: Jobs
    """What takes long goes there."""
    care: Care
    """How the ledger's file is."""
    alarm: Alarm
    """What was wrong, and where."""
    telling: Telling
    """Events go there."""
    runs: Runs
    """The reports of runs."""

    @property
    def connection(self) -> Connection:
        """For queries."""
        return self.ledger.database.connection


def text(params: Params, name: str) -> str | None:
    """A parameter that is text; None where it is absent or empty.

    Raises:
        UsageError: it is something else.
    """
    value = params.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise UsageError(f"{name} must be text.", f"Give {name} as a string.")
    return value


def words(params: Params, name: str) -> list[str]:
    """A parameter that is text or a list of texts."""
    value = params.get(name) or []
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(v, str) for v in found):
        raise UsageError(f"{name} must be a list of texts.", f"Give {name} as texts.")
    return found


def number(params: Params, name: str, default: int) -> int:
    """A parameter that is a whole number."""
    value = params.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UsageError(f"{name} must be a whole number.", f"Give {name} as 10.")
    return value


def zone_of(params: Params, default: ZoneInfo) -> ZoneInfo:
    """The zone in which days are cut."""
    name = text(params, "tz")
    return zone(name) if name else default
