"""What is told while nobody asks: events, and what was left in the spool."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from costd.core.errors import CostdError
from costd.core.event_fields import EventError
from costd.core.events import Event, read
from costd.core.instants import SECOND
from costd.core.lamport import Clock
from costd.engine.event_logs import EventLogs
from costd.engine.inbox import Ask, Inbox
from costd.engine.jobs import Job, Jobs
from costd.ingest.clock_file import read_clock, write_clock
from costd.ledger import Ledger, event_logs, events
from costd.ledger.event_logs import LogRead, LogState
from costd.ledger.events import Taken

_MOST_NAMED = 20
"""Refused events and unknown fields that an answer names; it counts them all."""


class Telling:
    """Reads what it is told, and keeps it.

    Args:
        ledger: where it is kept.
        spool: the directory of messages that nobody took; None: there is none.
        ask: puts a question to the engine.
        jobs: takes what takes long.
        changed: called when something new is kept.
    """

    def __init__(
        self,
        ledger: Ledger,
        spool: str | None,
        ask: Ask,
        jobs: Jobs,
        changed: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._inbox = Inbox(spool, ask)
        self._jobs = jobs
        self._changed = changed
        self._logs: EventLogs | None = None
        self._reading = False
        self._trouble: str | None = None
        self.cycle_day = 1
        """The day of the month on which a billing cycle begins."""
        self._file = str(ledger.database.path.with_name("clock.json"))
        self._clock: Clock | None = None
        self._written = self._written_at = self._now = 0

    def move_to(self, ledger: Ledger) -> None:
        """Keep what is told in this ledger from now on."""
        self._ledger = ledger
        self._clock = None
        self._reading = False
        if self._logs is not None:
            self._logs.forget()

    def look(self, now: int, troubles: dict[str, str]) -> None:
        """Look for what was left for costd.

        Args:
            now: milliseconds since the epoch.
            troubles: where it is said what could not be used.
        """
        self._inbox.take(now, troubles)
        self.catch_up(now)

    @property
    def trouble(self) -> str:
        """What must be said of the files of events; empty when all is well."""
        if self._trouble is None and self._logs is not None:
            with suppress(CostdError), self._ledger.database.reading() as connection:
                known = event_logs.states(connection)
                logs = [log for log in known if log.path in self._logs.present]
                self._trouble = trouble(logs, self._logs.unreadable)
        return self._trouble or ""

    def read_logs(self, files: Iterable[str], folders: Iterable[str]) -> None:
        """Read those files of events from now on."""
        self._logs = EventLogs(
            [os.fsencode(name) for name in files],
            [os.fsencode(name) for name in folders],
            lambda found, log: self.keep(found, now=self._now, origin="log", log=log),
        )

    def catch_up(self, now: int) -> None:
        """Read what is new in the files of events; a lot of it in steps, by and by."""
        self._now, self._trouble = now, None
        if self._logs is None or self._reading:
            return
        database = self._ledger.database
        steps = database.stepping(self._logs.slices(database.connection))
        with suppress(StopIteration, CostdError):  # what fails is read again
            next(steps)
            self._reading = True
            self._jobs.begin(Job(self._steps(steps), dict))

    def _steps(self, steps: Iterator[None]) -> Iterator[None]:
        try:
            yield from steps
        finally:
            self._reading = False

    def take(self, said: Iterable[object], *, now: int, origin: str) -> dict[str, Any]:
        """Keep those of some JSON values that are events, in one transaction.

        Args:
            said: the values.
            now: the time of those that say none, in milliseconds.
            origin: how they came.

        Raises:
            LedgerBusyError: none was kept.
        """
        found, rejected = list[Event](), list[dict[str, object]]()
        ignored: set[str] = set()
        for index, value in enumerate(said):
            try:
                event = read(value, now=now, new_id=new_id, ignored=ignored)
            except EventError as error:
                rejected.append({"index": index, "message": str(error)})
            except Exception as error:  # noqa: BLE001 - one must not stop the others
                name = type(error).__name__
                message = f"costd has a defect: {name}"
                rejected.append({"index": index, "message": message})
            else:
                found.append(event)
        taken = self.keep(found, now=now, origin=origin)
        answer: dict[str, Any] = {
            "accepted": len(taken.accepted),
            "duplicates": taken.duplicates,
            "rejected": rejected,
        }
        if ignored:
            answer["ignored_fields"] = sorted(ignored)[:_MOST_NAMED]
        return answer

    def keep(
        self, found: list[Event], *, now: int, origin: str, log: LogRead | None = None
    ) -> Taken:
        """Keep events, with how far their log is read.

        Raises:
            LedgerBusyError: none was kept.
        """
        if log is not None:
            self._trouble = None
        taken = self._ledger.put_events(
            found, clock=self.clock, now=now, origin=origin, log=log
        )
        if taken.accepted:
            self._save(now)
            self._changed()
        return taken

    @property
    def clock(self) -> Clock:
        """Later than everything that the ledger or the file knows."""
        if self._clock is None:
            node, time = read_clock(self._file)
            with self._ledger.database.reading() as connection:
                time = max(time, events.latest(connection))
            self._clock = Clock(self._ledger.node(node or _new_node()), time)
        return self._clock

    def _save(self, now: int) -> None:
        """Write the clock's file once a second: it may lag behind the ledger."""
        clock = self.clock
        if clock.time > self._written and abs(now - self._written_at) >= SECOND:
            write_clock(self._file, clock.node_id, clock.time)
            self._written, self._written_at = clock.time, now


def new_id() -> str:
    """An id that nobody else has."""
    return os.urandom(16).hex()


def _new_node() -> str:
    return f"node-{os.urandom(4).hex()}"


def trouble(logs: Iterable[LogState], unreadable: Mapping[bytes, str]) -> str:
    """What must be said of the files of events; empty when all is well."""
    bad = [log for log in logs if log.skipped]
    if unreadable:
        path, why = next(iter(unreadable.items()))
        return f"The event log {os.fsdecode(path)} cannot be read ({why})."
    if not bad:
        return ""
    count = sum(log.skipped for log in bad)
    name, why = os.fsdecode(bad[-1].path), bad[-1].reason
    lines = "line" if count == 1 else "lines"
    were = "was no event" if count == 1 else "were no events"
    return f"{count} {lines} of {name} {were}; the last one: {why}."
