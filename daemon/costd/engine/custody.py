"""Looking after the ledger's file: opening it, mending it, putting it back.

What is done here is done by whoever holds the single-instance lock, before the engine
starts or while it waits for it. What was done is written down beside the ledger, and
``health`` says so until that file is removed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from costd.core.attribution import Keys
from costd.core.checkpoint import Checkpoint
from costd.core.errors import DamagedLedgerError, LedgerBusyError, LedgerError
from costd.core.instants import format_instant, parse_instant
from costd.core.money import to_usd
from costd.core.rates import RateCard
from costd.core.summary import envelope, instant
from costd.ingest import fingerprint
from costd.ingest.sweep import real_paths
from costd.ledger import Ledger
from costd.ledger.database import Database
from costd.ledger.integrity import examine, inspect, vitals_of_file
from costd.ledger.mending import Log, State
from costd.ledger.repair import (
    Repaired,
    complete,
    repair,
    replace,
    snapshots_of,
)
from costd.ledger.snapshots import Snapshot, copy, listed, prune, stamp, take
from costd.publish.files import write_temporary


class Checked(NamedTuple):
    """What a check found, and when; ``problem`` is empty where all is well."""

    at: int
    problem: str
    responses: int

    @property
    def ok(self) -> bool:
        """Whether the ledger is whole."""
        return not self.problem


_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_REPORT = "recovered-"
_TRIES = 4
"""Beside the last one; each waits for five seconds."""
_WRITTEN = "returned"


class Custody:
    """The ledger's file and what is kept beside it.

    Args:
        path: the ledger.
        card: the rates for what is recorded from now on.
        keys: the tracker keys that are believed.
        roots: directories with session logs, real paths.
        clock: milliseconds since the epoch.
    """

    def __init__(
        self,
        path: Path,
        card: RateCard,
        keys: Keys,
        roots: Sequence[str],
        clock: Callable[[], int],
    ) -> None:
        self.path = path
        self._card = card
        self._keys = keys
        self._roots = tuple(roots)
        self._clock = clock
        self._pending: Path | None = None
        self.on_progress: Callable[[], None] = lambda: None
        """Called now and then while a ledger is mended."""

    def open(self) -> Ledger:
        """The ledger; one that is damaged, emptied or gone is mended first.

        Raises:
            LedgerError: it is not a ledger, of a newer costd, or cannot be used now.
        """
        complete(self.path, self._clock())
        reason = self._missing()
        if reason and listed(snapshots_of(self.path)):
            return self.mend(reason)
        try:
            return self._patiently()
        except DamagedLedgerError:
            return self.mend("SQLite cannot read its pages")

    def _patiently(self) -> Ledger:
        """The ledger; another program that holds it just now is waited for."""
        for _ in range(_TRIES):
            try:
                return self._ledger()
            except LedgerBusyError as error:
                if error.code != "ledger_busy":
                    raise
        return self._ledger()

    def mend(self, reason: str) -> Ledger:
        """Put the file aside and make a new one of what can be read.

        Raises:
            LedgerError: there is no room for the new one.
        """
        now = self._clock()
        done = repair(
            self.path,
            card=self._card,
            keys=self._keys,
            state=log_state(self._roots),
            now=now,
            progress=self.on_progress,
        )
        self._pending = self._write(_report(reason, now, done))
        return self._ledger()

    def check(self, give_up: Callable[[], bool], *, thorough: bool = False) -> Checked:
        """Look whether the file is whole, also against the newest snapshot.

        Raises:
            LedgerError: it could not be looked at, or it was given up.
        """
        latest = self.latest_snapshot()
        # One that was made anew has not yet read all that its snapshot had.
        is_kin = latest is not None and not self.is_recovering
        before = vitals_of_file(latest.path) if latest and is_kin else None
        found = examine(self.path, before, thorough=thorough, give_up=give_up)
        responses = found.vitals.rows["response"] if found.vitals else 0
        return Checked(self._clock(), found.problem, responses)

    def snapshot(self, keep: int, give_up: Callable[[], bool]) -> None:
        """Keep a copy, and only the newest so many.

        Raises:
            LedgerError: there is no room for it, or it was given up.
        """
        folder = snapshots_of(self.path)
        take(self.path, folder, self._clock(), give_up)
        prune(folder, keep)

    @property
    def waiting(self) -> Path:
        """Where a ledger lies that is to be restored."""
        return self.path.with_name("restoring.db")

    def back_up(self, give_up: Callable[[], bool] = lambda: False) -> dict[str, Any]:
        """Write a copy that nobody removes; says where, and what it holds.

        Raises:
            LedgerError: there is no room for it, or it was given up.
        """
        now = self._clock()
        folder = self.path.with_name("backups")
        with suppress(OSError):  # then the copy itself says what is wrong
            folder.mkdir(mode=0o700, exist_ok=True)
        target = folder / f"costd-{stamp(now)}.db"
        copy(self.path, target, give_up)
        return {**envelope(now), **contents(target)}

    def restore(self) -> dict[str, Any]:
        """Put the ledger that waits in the place of the present one, which is kept.

        Whoever calls holds the lock, and has closed the present one.

        Raises:
            LedgerError: it is damaged, no ledger, or of a newer costd.
        """
        now = self._clock()
        try:
            found = contents(self.waiting)
            kept = replace(self.path, self.waiting, now)
        finally:
            self.waiting.unlink(missing_ok=True)
        with suppress(LedgerError):  # a snapshot of the lineage that begins here
            take(self.path, snapshots_of(self.path), now)
        aside = str(kept) if kept else None
        return {**envelope(now), **found, "path": str(self.path), "kept_as": aside}

    def latest_snapshot(self) -> Snapshot | None:
        """The newest; None where there is none."""
        return next(iter(listed(snapshots_of(self.path))), None)

    @property
    def is_recovering(self) -> bool:
        """Whether a mended ledger has not yet read the logs again."""
        return self._pending is not None

    def recovered(self, responses: int, cost: int) -> None:
        """All logs are read again; write down what the ledger holds now, nano-USD."""
        if self._pending is None:
            return
        path, self._pending = self._pending, None
        with suppress(OSError, orjson.JSONDecodeError):
            report = orjson.loads(path.read_bytes())
            before = report["before"]["responses"]
            report["after"] = {"responses": responses, "cost_usd": to_usd(cost)}
            report["lost_responses"] = (
                None if before is None else max(0, before - responses)
            )
            _put(path, report)

    @property
    def mended_at(self) -> int:
        """When the file was last made anew; 0: never that is written down."""
        for path in self.reports():
            with suppress(OSError, orjson.JSONDecodeError):
                report = orjson.loads(path.read_bytes())
                if "before" in report:
                    return parse_instant(report["at"]) or 0
        return 0

    def put_back(self, database: Database) -> Ledger:
        """The ledger after its file was moved, removed or replaced while it was open.

        What is open still has everything. Where the path is free it goes back there;
        where another ledger lies there that one is opened, and this is kept beside it.
        It is closed then.

        Raises:
            LedgerError: there is no room for a copy; ``database`` is still open.
        """
        now = self._clock()
        copy = self.path.with_name(f"{self.path.name}.{_WRITTEN}")
        copy.unlink(missing_ok=True)
        database.copy_to(copy)
        was_gone = database.is_gone() or not database.is_moved()
        database.close()
        self._remove_leftovers(database)
        if was_gone:
            # Without its log what lies at the path is older than what was open.
            self.path.unlink(missing_ok=True)
            copy.replace(self.path)
            kept = None
        else:
            kept = self.path.with_name(f"{self.path.name}.replaced-{stamp(now)}")
            copy.replace(kept)
        self._write(_returned(now, kept))
        return self.open()

    def reports(self) -> list[Path]:
        """What was written down and not yet removed, the newest first."""
        return sorted(self.path.parent.glob(f"{_REPORT}*.json"), reverse=True)

    def _missing(self) -> str:
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return "it was gone"
        return "" if size else "it was empty"

    def _ledger(self) -> Ledger:
        return Ledger(self.path, self._card, self._keys)

    def _remove_leftovers(self, database: Database) -> None:
        """The log of a file that has no name any more would spoil the next one."""
        for name in database.leftovers():
            name.unlink(missing_ok=True)

    def _write(self, report: dict[str, Any]) -> Path:
        path = self.path.with_name(f"{_REPORT}{stamp(self._clock())}.json")
        _put(path, report)
        return path


def contents(path: Path) -> dict[str, Any]:
    """What a ledger's file holds, which is looked at thoroughly first.

    Raises:
        LedgerError: it is damaged, no ledger, or of a newer costd.
    """
    found = inspect(path)
    return {
        "path": str(path),
        "bytes": path.stat().st_size,
        "responses": found.responses,
        "cost_usd": to_usd(found.cost),
        "first_at": instant(found.first_at),
        "last_at": instant(found.last_at),
    }


def _put(path: Path, report: dict[str, Any]) -> None:
    """The whole of it, or what was there: somebody may read it, the power may fail."""
    data = orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n"
    write_temporary(path, data, 0o600).replace(path)


def log_state(roots: Sequence[str]) -> State:
    """What has become of a log since it was read."""
    places = [*roots, *real_paths(roots)]

    def state(known: Checkpoint) -> Log:
        path = os.fsdecode(known.path)
        if not any(path.startswith(root + "/") for root in places):
            return Log.GONE
        try:
            descriptor = os.open(path, _OPEN)
        except OSError:
            return Log.GONE
        try:
            return _state(descriptor, known)
        except OSError:
            return Log.GONE
        finally:
            os.close(descriptor)

    return state


def _state(descriptor: int, known: Checkpoint) -> Log:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return Log.GONE
    if known.generation or not fingerprint.is_continued(descriptor, status, known):
        return Log.CHANGED
    return Log.SAME


def _report(reason: str, now: int, done: Repaired) -> dict[str, Any]:
    said, found = done.expected, done.mended
    return {
        "schema_version": 1,
        "at": format_instant(now),
        "reason": reason,
        "kept_as": str(done.kept_as) if done.kept_as else None,
        "snapshot": str(done.snapshot) if done.snapshot else None,
        "before": {
            "responses": said.responses,
            "cost_usd": None if said.cost is None else to_usd(said.cost),
        },
        "saved": {
            "responses": found.responses,
            "from_snapshot": found.from_snapshot,
            "doubtful": found.doubtful,
        },
        "logs": {"read_again": found.logs_again, "gone": found.logs_gone},
        "damaged": found.damaged,
        "unusable_rows": found.lost,
    }


def _returned(now: int, kept: Path | None) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "at": format_instant(now),
        "reason": "its file was removed or replaced while it was in use",
        "kept_as": str(kept) if kept else None,
    }
