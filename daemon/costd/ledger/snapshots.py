"""Snapshots: whole copies of the ledger, of which the newest few are kept.

They are made on a connection of their own, while the ledger is in use: nobody waits.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from costd.core.errors import LedgerError
from costd.ledger.database import translated
from costd.ledger.integrity import examine, read_only

_NAME = re.compile(r"ledger-(\d{8}T\d{6}Z)\.db")
_FORMAT = "%Y%m%dT%H%M%SZ"
_UNFINISHED = ".unfinished"
_STEPS = 200_000


class Snapshot(NamedTuple):
    """One of them: where it is, and when it was made, in milliseconds."""

    path: Path
    at: int


def stamp(now: int) -> str:
    """A moment as it stands in the names of files."""
    return datetime.fromtimestamp(now / 1000, UTC).strftime(_FORMAT)


def take(
    ledger: Path, folder: Path, now: int, give_up: Callable[[], bool] = lambda: False
) -> Snapshot:
    """Make one.

    Raises:
        LedgerError: the ledger cannot be read, the disk is full, or it was given up.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for left in folder.glob(f"*{_UNFINISHED}*"):
            left.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    path = folder / f"ledger-{stamp(now)}.db"
    copy(ledger, path, give_up)
    return Snapshot(path, now // 1000 * 1000)


def copy(
    ledger: Path, target: Path, give_up: Callable[[], bool] = lambda: False
) -> None:
    """A whole copy of a ledger in use, mode 0600; there at once or not at all.

    Raises:
        LedgerError: as ``take``.
    """
    unfinished = target.with_name(target.name + _UNFINISHED)
    old = os.umask(0o077)
    try:
        unfinished.unlink(missing_ok=True)
        with translated(ledger), read_only(ledger) as connection:
            connection.set_progress_handler(lambda: int(give_up()), _STEPS)
            connection.execute("VACUUM INTO ?", (str(unfinished),))
        sync(unfinished)
        unfinished.replace(target)
        sync(target.parent)
    except OSError as error:
        raise _unwritable(target.parent, error) from error
    finally:
        os.umask(old)
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _unwritable(place: Path, error: OSError) -> LedgerError:
    return LedgerError(
        f"A copy of the ledger cannot be written: {error.strerror}.",
        f"See `ls -ld {place}` and `df -h {place}`; it must be yours, with some space.",
    )


def sync(path: Path) -> None:
    """Have the disk keep a file or a directory."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def listed(folder: Path) -> list[Snapshot]:
    """Those that there are, the newest first."""
    found = []
    for path in sorted(folder.glob("ledger-*.db"), reverse=True):
        if match := _NAME.fullmatch(path.name):
            moment = datetime.strptime(match[1], _FORMAT).replace(tzinfo=UTC)
            found.append(Snapshot(path, int(moment.timestamp()) * 1000))
    return found


def prune(folder: Path, keep: int) -> None:
    """Remove all but the newest ``keep``."""
    for old in listed(folder)[keep:]:
        old.path.unlink(missing_ok=True)


def newest_whole(folder: Path) -> Snapshot | None:
    """The newest that is whole itself; None where there is none."""
    for snapshot in listed(folder):
        with suppress(LedgerError):
            if examine(snapshot.path).ok:
                return snapshot
    return None
