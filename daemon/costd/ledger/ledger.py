"""The ledger: the one owner of the database, used by the engine's thread alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from costd.core.checkpoint import Checkpoint, Segment
from costd.core.rates import RateCard
from costd.ledger import logs
from costd.ledger.database import Database
from costd.ledger.places import Places
from costd.ledger.record import Recorded, Recorder


class Ledger:
    """Everything costd knows.

    Args:
        path: the file; made when it is not there.
        card: the rates for what is recorded from now on.

    Raises:
        LedgerError: it cannot be opened; the message says what to do.
    """

    def __init__(self, path: Path, card: RateCard) -> None:
        self.database = Database(path)
        self.card = card
        self._places = Places(self.database.connection)

    def record(self, segments: Iterable[Segment]) -> Recorded:
        """Rows, rollup and checkpoints in one transaction, all or nothing.

        Raises:
            LedgerBusyError: nothing was recorded; record the same again later.
        """
        try:
            with self.database.transaction() as connection:
                return Recorder(connection, self._places, self.card).record(segments)
        except BaseException:
            self._places.forget()
            raise

    def checkpoints(self) -> list[Checkpoint]:
        """How far each log is read."""
        with self.database.reading() as connection:
            return list(logs.checkpoints(connection))

    def vanish(self, paths: list[bytes], now: int) -> None:
        """Note that logs are gone; nothing that was read from them goes."""
        with self.database.transaction() as connection:
            logs.put_vanished(connection, paths, now)

    def close(self) -> None:
        """Close the file."""
        self.database.close()
