"""A damaged ledger is put aside, and a new one takes its place.

The new one is made whole before anything is moved, so that a crash at any moment leaves
either the old one or the new one, and the start after it goes on from there.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

from costd.core.attribution import Keys
from costd.core.rates import RateCard
from costd.ledger.database import Database, begin_lineage, beside, translated
from costd.ledger.integrity import lineage, read_only
from costd.ledger.ledger import Ledger
from costd.ledger.mending import (
    SNAPSHOT,
    Expected,
    Mended,
    Source,
    State,
    expected,
    mend,
)
from costd.ledger.salvage import damaged
from costd.ledger.snapshots import copy, newest_whole, stamp, sync

SNAPSHOTS = "snapshots"
_BESIDE = ("-wal", "-shm")
_OLD = "damaged file"


class Repaired(NamedTuple):
    """What was done.

    ``kept_as`` is where the damaged file is now, None where there was none; ``snapshot``
    the one that helped.
    """

    expected: Expected
    mended: Mended
    kept_as: Path | None
    snapshot: Path | None


def snapshots_of(ledger: Path) -> Path:
    """The directory with the snapshots of a ledger."""
    return ledger.with_name(SNAPSHOTS)


def repair(
    path: Path,
    *,
    card: RateCard,
    keys: Keys,
    state: State,
    now: int,
    progress: Callable[[], None] = lambda: None,
) -> Repaired:
    """Make a new ledger of what can be read, and put it in place.

    Whoever calls holds the lock, and has closed the ledger.

    Raises:
        LedgerError: the new one cannot be written; the old one is where it was.
    """
    folder = path.with_name("mending")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        with translated(path):
            found, said, snapshot = _build(path, folder, card, state, progress)
        new = folder / path.name
        ledger = Ledger(new, card, keys)  # which works out all owners
        ledger.database.checkpoint()
        ledger.close()
        sync(new)
        new.replace(_mended(path))
        sync(path.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    kept_as = complete(path, now)
    return Repaired(said, found, kept_as, snapshot)


def replace(path: Path, source: Path, now: int) -> Path | None:
    """Put a copy of another ledger in place; where the one before is kept.

    It begins a lineage of its own: snapshots of the one before do not continue it.

    Raises:
        LedgerError: it is no ledger, of a newer costd, or there is no room.
    """
    folder = path.with_name("mending")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        new = folder / path.name
        copy(source, new)
        database = Database(new)
        with database.transaction() as connection:
            begin_lineage(connection)
        database.checkpoint()
        database.close()
        sync(new)
        new.replace(_mended(path))
        sync(path.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return complete(path, now, "replaced")


def complete(path: Path, now: int, why: str = "corrupt") -> Path | None:
    """Put a mended ledger in place, also one that a crash has left waiting.

    Returns:
        Where what was there before is now; None where nothing was to be done.
    """
    if not _mended(path).exists():
        return None
    kept_as = put_aside(path, why, now)
    _mended(path).replace(path)
    sync(path.parent)
    return kept_as


def put_aside(path: Path, why: str, now: int) -> Path | None:
    """Rename a ledger with all that belongs to it; None where there is none."""
    name = f"{path.name}.{why}-{stamp(now)}"
    target, count = path.with_name(name), 1
    while target.exists():
        count += 1
        target = path.with_name(f"{name}-{count}")
    for suffix in _BESIDE:
        with suppress(FileNotFoundError):
            beside(path, suffix).replace(beside(target, suffix))
    try:
        path.replace(target)
    except FileNotFoundError:
        return None
    return target


def _mended(path: Path) -> Path:
    return path.with_name(f"{path.name}.mended")


def _build(
    path: Path,
    folder: Path,
    card: RateCard,
    state: State,
    progress: Callable[[], None],
) -> tuple[Mended, Expected, Path | None]:
    new = Database(folder / path.name)
    with ExitStack() as stack:
        stack.callback(new.close)
        new.checkpoint()
        # Until it is in place it may be lost, and is made again.
        new.connection.execute("PRAGMA synchronous = OFF")
        new.connection.execute("PRAGMA cache_size = -65536")
        sources = []
        with suppress(sqlite3.Error, OSError):
            context = damaged(path, new.path, folder)
            sources.append(Source(_OLD, stack.enter_context(context)))
        snapshot = newest_whole(snapshots_of(path))
        if snapshot is not None:
            context = read_only(_of_this_version(snapshot.path, folder))
            older = Source(SNAPSHOT, stack.enter_context(context))
            if _are_kin(sources, older):
                sources.append(older)
            else:
                snapshot = None
        with new.transaction() as connection:
            if not sources:
                begin_lineage(connection)
            found = mend(connection, sources, state, card, progress)
        if not sources or sources[0].name != _OLD:
            found.damaged.insert(0, f"everything ({_OLD})")
        said = expected(sources[0].connection) if sources else Expected(None, None)
        return found, said, snapshot.path if snapshot else None


def _are_kin(sources: list[Source], snapshot: Source) -> bool:
    """Whether the numbers of rows mean the same in both, as far as can be told."""
    for source in sources:
        with suppress(sqlite3.Error):
            name = lineage(source.connection)
            return name == lineage(snapshot.connection) or not name
    return True


def _of_this_version(snapshot: Path, folder: Path) -> Path:
    """A copy of a snapshot with the tables of today."""
    copy = folder / "snapshot.db"
    shutil.copyfile(snapshot, copy)
    Database(copy).close()
    return copy
