"""The ledger: the one owner of the database, used by the engine's thread alone."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from costd.core.attribution import Keys
from costd.core.checkpoint import Checkpoint, Segment
from costd.core.rates import RateCard
from costd.ledger import logs, owners
from costd.ledger.database import Database
from costd.ledger.places import Places
from costd.ledger.record import Recorded, Recorder
from costd.ledger.reprice import Repriced, reprice


class Ledger:
    """Everything costd knows.

    Args:
        path: the file; made when it is not there.
        card: the rates for what is recorded from now on.
        keys: the tracker keys that are believed.

    Raises:
        LedgerError: it cannot be opened; the message says what to do.
    """

    def __init__(self, path: Path, card: RateCard, keys: Keys) -> None:
        self.database = Database(path)
        self.card = card
        self.keys = keys
        self._places = Places(self.database.connection)

    def record(self, segments: Iterable[Segment]) -> Recorded:
        """Rows, rollup and checkpoints in one transaction, all or nothing.

        Raises:
            LedgerBusyError: nothing was recorded; record the same again later.
        """
        try:
            with self.database.transaction() as connection:
                before = owners.last_context(connection)
                recorder = Recorder(connection, self._places, self.card)
                recorded = recorder.record(segments)
                owners.attribute_new(connection, self.keys, before)
                return recorded
        except BaseException:
            self._places.forget()
            raise

    def checkpoints(self) -> list[Checkpoint]:
        """How far each log is read."""
        with self.database.reading() as connection:
            return list(logs.checkpoints(connection))

    def checkpoint(self, path: bytes) -> Checkpoint | None:
        """How far one log is read; None where it never was."""
        with self.database.reading() as connection:
            return logs.checkpoint(connection, path)

    def move(self, old: bytes, new: bytes, root: bytes) -> None:
        """A log has another path now; it is still the same log."""
        with self.database.transaction() as connection:
            logs.move(connection, old, new, root)

    def settle(self) -> None:
        """After much was recorded: a short write-ahead log and little memory."""
        self.database.checkpoint()
        self.database.shrink_memory()

    def vanish(self, paths: list[bytes], now: int) -> None:
        """Note that logs are gone; nothing that was read from them goes."""
        with self.database.transaction() as connection:
            logs.put_vanished(connection, paths, now)

    def reprice(self, *, dry_run: bool) -> Repriced:
        """Price every response by the card at hand; with ``dry_run`` only look."""
        done: list[Repriced] = []
        with suppress(_Undo), self.database.transaction() as connection:
            done.append(reprice(connection, self.card))
            if dry_run:
                raise _Undo
        return done[0]

    def reattribute(self) -> None:
        """Decide anew who owns what, without reading a log."""
        with self.database.transaction() as connection:
            owners.attribute_all(connection, self.keys)

    def close(self) -> None:
        """Close the file."""
        self.database.close()


class _Undo(Exception):  # noqa: N818 - not an error: it asks for a rollback
    """Take a transaction back on purpose."""
