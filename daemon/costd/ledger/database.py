"""Opening the ledger's file, migrating it, and saying what went wrong in words.

There is one read-write connection in the whole system, and the engine's thread owns
it. Migrations are numbered SQL files; each runs in a transaction of its own together
with the note that it ran, after a copy of what was there before.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from costd.core.errors import LedgerBusyError, LedgerError, NewerLedgerError

APPLICATION_ID = 0x636F7374  # "cost"
_PAGE_CACHE_KIB = 8 * 1024


class Database:
    """The one connection.

    Args:
        path: the ledger's file; it is made when it is not there, mode 0600.

    Raises:
        LedgerError: not a ledger, newer than this costd, damaged, or not to be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        old = os.umask(0o077)
        try:
            with translated(path):
                self.connection = self._open()
                self.identity = _identity(path)
        finally:
            os.umask(old)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=5
        )
        try:
            _configure(connection)
            _check(connection, self.path)
            _migrate(connection, self.path)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing.

        Raises:
            LedgerBusyError: nothing was written, and it is worth another try.
            LedgerError: nothing was written.
        """
        with translated(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Queries that see one state of the ledger."""
        with translated(self.path):
            yield self.connection

    def is_replaced(self) -> bool:
        """Whether the path no longer names the file that is open."""
        return _identity(self.path) != self.identity

    def checkpoint(self) -> None:
        """Write the log of changes into the file and make it short again."""
        with translated(self.path):
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def shrink_memory(self) -> None:
        """Give back the page cache; the next query fills it again."""
        with translated(self.path):
            self.connection.execute("PRAGMA shrink_memory").fetchall()

    def close(self) -> None:
        """Close; whatever was committed is there."""
        self.connection.close()


def _configure(connection: sqlite3.Connection) -> None:
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise LedgerError(
            "The ledger's file system cannot keep a write-ahead log.",
            "Put the state on a local disk: set COSTD_STATE_DIR or [paths] state_dir.",
        )
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA busy_timeout = 5000")
    connection.execute(f"PRAGMA cache_size = -{_PAGE_CACHE_KIB}")
    connection.execute("PRAGMA wal_autocheckpoint = 16000")
    connection.execute("PRAGMA journal_size_limit = 33554432")
    # macOS flushes the drive's own cache only when asked to.
    connection.execute("PRAGMA fullfsync = 1")
    connection.execute("PRAGMA checkpoint_fullfsync = 1")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if found not in (0, APPLICATION_ID) or (found == 0 and tables):
        raise LedgerError(
            f"{path} is another program's database, not a ledger.",
            "Move it away, or set COSTD_STATE_DIR or [paths] state_dir to another place.",
        )


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    scripts = _scripts()
    if version > len(scripts):
        raise NewerLedgerError(
            f"The ledger is of version {version}; this costd knows {len(scripts)}.",
            "Update costd; nothing was changed.",
        )
    if 0 < version < len(scripts):
        _back_up(connection, path, version)
    for number, script in enumerate(scripts[version:], version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{script}\n"
            f"PRAGMA application_id = {APPLICATION_ID};\n"
            f"PRAGMA user_version = {number};\nCOMMIT;"
        )


def _scripts() -> list[str]:
    folder = resources.files("costd.ledger") / "migrations"
    names = sorted(f.name for f in folder.iterdir() if f.name.endswith(".sql"))
    return [(folder / name).read_text("utf-8") for name in names]


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    target = path.with_name(f"{path.name}.before-{version + 1}")
    target.unlink(missing_ok=True)
    connection.execute("VACUUM INTO ?", (str(target),))


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return status.st_dev, status.st_ino


_RETRY = {
    sqlite3.SQLITE_FULL: (
        "The disk is full; the ledger cannot be written.",
        "Free some space on its disk; costd goes on by itself.",
    ),
    sqlite3.SQLITE_READONLY: (
        "The ledger cannot be written: its file or disk is read-only.",
        "Make the state directory writable; costd goes on by itself.",
    ),
    sqlite3.SQLITE_BUSY: (
        "Another program holds the ledger locked.",
        "Find it with `fuser` and end it; costd goes on by itself.",
    ),
    sqlite3.SQLITE_IOERR: (
        "The disk refuses to read or write the ledger.",
        "Look at the disk's space and health; costd goes on by itself.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "The ledger cannot be opened.",
        "Look at the permissions of the state directory: `costd doctor`.",
    ),
}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors in words that say what to do; nothing of the data in them."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _RETRY:
            raise LedgerBusyError(*_RETRY[code]) from error
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise LedgerError(
                f"The ledger {path} is damaged.",
                "Move it aside and start costd again: it reads the logs that are "
                "still there.",
            ) from error
        raise LedgerError(
            f"The ledger failed: {error.__class__.__name__} {code}.",
            "Run `costd doctor`.",
        ) from error


def sqlite_version() -> str:
    """The version of SQLite at work."""
    return sqlite3.sqlite_version
